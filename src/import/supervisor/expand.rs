//! `%(name)s` in values.

use std::path::Path;

use crate::{
    config::{
        Span,
        written_tree::{Log, Problem, did_you_mean, quoted},
    },
    import::words::{Piece, Word},
};

/// What values of a program may name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    pub(super) log: &'a Log,
    /// The directory of the main file.
    pub(super) here: &'a Path,
    pub(super) program: &'a str,
    pub(super) group: &'a str,
    pub(super) numprocs: u32,
    /// The number of the first process.
    pub(super) first: i64,
}

const KNOWN: [&str; 6] =
    ["program_name", "group_name", "process_num", "numprocs", "host_node_name", "here"];

impl Names<'_> {
    /// The parts of a value. What cannot be filled is said.
    pub(super) fn expand(&self, value: &str, at: Span) -> Word {
        let mut out = Word::new();
        let mut text = String::new();
        let mut rest = value;
        while let Some((before, after)) = rest.split_once('%') {
            text.push_str(before);
            if let Some(after) = after.strip_prefix('%') {
                text.push('%');
                rest = after;
                continue;
            }
            let Some((name, format, after)) = reference(after) else {
                self.wrong(at, "a `%` that is meant has to be doubled: `%%`");
                text.push('%');
                rest = after;
                continue;
            };
            match self.piece(name, format, at) {
                Piece::Text(piece) => text.push_str(&piece),
                piece @ (Piece::Variable(_) | Piece::Filled(_) | Piece::Shell(_)) => {
                    push(&mut out, &mut text);
                    out.push(piece);
                }
            }
            rest = after;
        }
        text.push_str(rest);
        push(&mut out, &mut text);
        out
    }

    fn piece(&self, name: &str, format: &str, at: Span) -> Piece {
        let text = |text: &str| Piece::Text(text.to_owned());
        match name {
            "program_name" => text(self.program),
            "group_name" => text(self.group),
            "numprocs" => text(&self.numprocs.to_string()),
            "here" => text(&self.here.to_string_lossy()),
            "host_node_name" => Piece::Filled("${HOSTNAME}".to_owned()),
            "process_num" => self.number(format),
            _ => match name.strip_prefix("ENV_") {
                Some(variable) if is_variable(variable) => Piece::Variable(variable.to_owned()),
                Some(_) | None => {
                    let message = format!("{} names nothing", quoted(&format!("%({name})s")));
                    let help = did_you_mean(name, KNOWN).unwrap_or_else(|| {
                        "it may be `program_name`, `process_num`, `here`, or `ENV_` and a variable"
                            .to_owned()
                    });
                    let problem = Problem::new("value", message, at, "not known");
                    self.log.push(problem.help(help));
                    Piece::Text(format!("%({name})s"))
                }
            },
        }
    }

    /// The number of an instance.
    fn number(&self, format: &str) -> Piece {
        let plain = matches!(format, "d" | "s" | "i");
        if self.numprocs <= 1 {
            return Piece::Text(padded(self.first, format));
        }
        if plain && self.first == 0 {
            return Piece::Variable("ECO_INSTANCE".to_owned());
        }
        let number = match self.first {
            0 => "$ECO_INSTANCE".to_owned(),
            first => format!("$((ECO_INSTANCE + {first}))"),
        };
        if plain {
            return Piece::Shell(format!("\"{number}\""));
        }
        Piece::Shell(format!("\"$(printf %{format} \"{number}\")\""))
    }

    fn wrong(&self, at: Span, help: &str) {
        let message = "this `%` is none of `%(name)s` and `%%`";
        self.log.push(Problem::new("value", message, at, "in here").help(help));
    }
}

/// The name and the format of what follows a `%`, and the rest.
fn reference(after: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = after.strip_prefix('(')?.split_once(')')?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let end = digits + 1;
    let format = rest.get(..end)?;
    let is_fine = digits <= 3 && format.ends_with(['d', 's', 'i']);
    is_fine.then(|| (name, format, rest.get(end..).unwrap_or_default()))
}

fn push(out: &mut Word, text: &mut String) {
    if !text.is_empty() {
        out.push(Piece::Text(std::mem::take(text)));
    }
}

fn padded(number: i64, format: &str) -> String {
    let width: usize = format.get(..format.len() - 1).unwrap_or_default().parse().unwrap_or(0);
    if format.starts_with('0') { format!("{number:0width$}") } else { format!("{number:width$}") }
}

fn is_variable(name: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(fine) && !name.starts_with(|c: char| c.is_ascii_digit())
}
