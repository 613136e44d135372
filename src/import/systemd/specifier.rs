//! `%n`, `%i` and the like in values.

use crate::{
    config::{
        Span,
        written_tree::{Log, Problem, quoted},
    },
    import::words::{Piece, Word},
};

/// What the values of a unit may name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    pub(super) log: &'a Log,
    /// As in `web@a.service`.
    pub(super) unit: &'a str,
}

impl<'a> Names<'a> {
    /// The name without what kind of unit it is.
    pub(super) fn stem(self) -> &'a str {
        self.unit.rsplit_once('.').map_or(self.unit, |(stem, _)| stem)
    }

    /// What comes after the `@` of the name; empty for a template.
    pub(super) fn instance(self) -> Option<&'a str> {
        self.stem().split_once('@').map(|(_, instance)| instance)
    }

    fn prefix(self) -> &'a str {
        self.stem().split_once('@').map_or(self.stem(), |(prefix, _)| prefix)
    }

    /// The parts of a value.
    pub(super) fn expand(self, value: &str, at: Span) -> Word {
        let mut out = Word::new();
        let mut text = String::new();
        let mut rest = value.chars();
        while let Some(c) = rest.next() {
            if c != '%' {
                text.push(c);
                continue;
            }
            let Some(letter) = rest.next() else {
                text.push('%');
                break;
            };
            match self.piece(letter) {
                Some(Piece::Text(piece)) => text.push_str(&piece),
                Some(piece) => {
                    if !text.is_empty() {
                        out.push(Piece::Text(std::mem::take(&mut text)));
                    }
                    out.push(piece);
                }
                None => {
                    let message = format!(
                        "{} names nothing that is known here",
                        quoted(&format!("%{letter}"))
                    );
                    let problem = Problem::new("value", message, at, "stays as it is");
                    self.log.warn(problem.help("put what it stands for in its place"));
                    text.extend(['%', letter]);
                }
            }
        }
        if !text.is_empty() {
            out.push(Piece::Text(text));
        }
        out
    }

    fn piece(self, letter: char) -> Option<Piece> {
        let text = |text: &str| Some(Piece::Text(text.to_owned()));
        let variable = |name: &str| Some(Piece::Variable(name.to_owned()));
        let shell = |line: &str| Some(Piece::Shell(format!("\"$({line})\"")));
        match letter {
            '%' => text("%"),
            'n' => text(self.unit),
            'N' => text(self.stem()),
            'p' | 'P' => text(self.prefix()),
            'j' | 'J' => text(self.prefix().rsplit('-').next().unwrap_or_default()),
            'i' | 'I' => Some(match self.instance() {
                Some("") => Piece::Filled("${INSTANCE:?which instance of the template}".to_owned()),
                Some(instance) if letter == 'I' => Piece::Text(instance.replace('-', "/")),
                instance => Piece::Text(instance.unwrap_or_default().to_owned()),
            }),
            'h' => variable("HOME"),
            'u' => variable("USER"),
            's' => variable("SHELL"),
            'U' => shell("id -u"),
            'g' => shell("id -gn"),
            'G' => shell("id -g"),
            'H' | 'l' => shell("uname -n"),
            'v' => shell("uname -r"),
            'm' => shell("cat /etc/machine-id"),
            'b' => shell("tr -d - </proc/sys/kernel/random/boot_id"),
            't' => text("/run"),
            'S' => text("/var/lib"),
            'C' => text("/var/cache"),
            'L' => text("/var/log"),
            'E' => text("/etc"),
            'T' => text("/tmp"),
            'V' => text("/var/tmp"),
            _ => None,
        }
    }
}
