//! What becomes of the keys of a format that has sections, as data; and telling it.

use std::{cell::RefCell, collections::HashSet};

use super::{ini::Item, pm2::fields::Answer, reading::Notes};
use crate::config::{
    Span,
    written_tree::{Log, Problem, did_you_mean, quoted},
};

/// A key of a format other than PM2's.
#[derive(Clone, Copy, Debug)]
pub(super) struct SectionKey {
    /// The section it belongs to.
    pub(super) section: &'static str,
    /// Its name; a final `*` stands for any rest.
    pub(super) name: &'static str,
    /// What becomes of it.
    pub(super) answer: Answer,
}

impl SectionKey {
    /// Whether `key` is called so.
    fn is(&self, key: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(start) => key.starts_with(start),
            None => key == self.name,
        }
    }
}

/// Tells what becomes of keys.
#[derive(Debug)]
pub(super) struct Told<'a> {
    log: &'a Log,
    notes: &'a Notes,
    keys: &'static [SectionKey],
    /// What the program is called.
    program: &'static str,
    /// What was told already: once in a file is enough.
    said: RefCell<HashSet<&'static str>>,
    once: RefCell<HashSet<String>>,
    left: RefCell<Vec<Left>>,
}

/// Keys that are left out for one reason.
#[derive(Debug)]
struct Left {
    why: &'static str,
    /// Where the first one stands.
    at: Span,
    keys: Vec<String>,
}

impl<'a> Told<'a> {
    pub(super) fn new(
        log: &'a Log,
        notes: &'a Notes,
        keys: &'static [SectionKey],
        program: &'static str,
    ) -> Self {
        Self {
            log,
            notes,
            keys,
            program,
            said: RefCell::default(),
            once: RefCell::default(),
            left: RefCell::default(),
        }
    }

    /// What the table has to say about a key that is used.
    pub(super) fn answer(&self, section: &str, item: &Item) {
        let of_section = || self.keys.iter().filter(|key| key.section == section);
        let Some(key) = of_section().find(|key| key.is(&item.key)) else {
            self.unknown(section, item, of_section().map(|key| key.name).collect());
            return;
        };
        match key.answer {
            Answer::Mapped(_) => {}
            Answer::Differs(to, how) => {
                if self.said.borrow_mut().insert(how) {
                    let text = format!("`{}` is not quite `{to}` here: {how}", item.key);
                    self.notes.say(item.key_at, text);
                }
            }
            Answer::Nothing(why) | Answer::Refused(why) => {
                let mut left = self.left.borrow_mut();
                match left.iter_mut().find(|left| left.why == why) {
                    Some(left) => left.keys.push(item.key.clone()),
                    None => left.push(Left { why, at: item.key_at, keys: vec![item.key.clone()] }),
                }
            }
        }
    }

    /// Says what was left out since the last time: keys with the same reason in one sentence.
    pub(super) fn flush(&self) {
        for Left { why, at, mut keys } in self.left.take() {
            keys.dedup();
            match keys.as_slice() {
                [only] => self.notes.left_out(at, only, why),
                all => {
                    let all: Vec<String> = all.iter().map(|key| quoted(key)).collect();
                    self.notes.say(at, format!("{} are left out: {why}", all.join(", ")));
                }
            }
        }
    }

    /// Something that holds for all of the file, at the first place it is met.
    pub(super) fn once(&self, at: Span, text: String) {
        if self.once.borrow_mut().insert(text.clone()) {
            self.notes.say(at, text);
        }
    }

    fn unknown(&self, section: &str, item: &Item, names: Vec<&'static str>) {
        // systemd's own place for keys of others.
        if item.key.starts_with("X-") {
            return;
        }
        let message = format!("{} has no key {} in `[{section}]`", self.program, quoted(&item.key));
        let help = did_you_mean(&item.key, names);
        let help =
            help.unwrap_or_else(|| format!("it is left out; {} ignores it too", self.program));
        let problem = Problem::new("unknown_key", message, item.key_at, "unknown key");
        self.log.warn(problem.help(help));
    }
}
