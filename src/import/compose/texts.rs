//! Texts of a compose file, in which docker compose fills `$NAME` and `${…}`.

use std::rc::Rc;

use super::{App, File};
use crate::{
    config::{
        Span,
        written_tree::{Entry, Node, quoted},
    },
    import::{
        interpolation::{Ours, Unset, ours},
        keys::within,
        tree::{plain, scalar, template},
        yaml::at,
    },
};

impl File<'_> {
    /// The text of an entry as ours.
    pub(super) fn template(&self, entry: &Entry, whole: Span) -> Rc<Node> {
        let text = scalar(&entry.value).unwrap_or_default();
        let text = self.filled(text, within(whole, entry.key_span));
        match text.parse::<u64>() {
            Ok(number) if number.to_string() == text => plain(entry.value.span, &number),
            Ok(_) | Err(_) => template(entry.value.span, text),
        }
    }

    /// A text as ours; what cannot be said is told at `at`.
    pub(super) fn filled(&self, text: &str, at: Span) -> String {
        let read = ours(text, Unset::Fault);
        self.noted(&read, at);
        read.text
    }

    /// Remembers what was odd about a text.
    pub(super) fn noted(&self, read: &Ours, at: Span) {
        for reference in &read.odd {
            let text =
                format!("eco has nothing like {}: it stands there as it is", quoted(reference));
            self.notes.say(at, text);
        }
        self.needed.borrow_mut().extend(read.needed.iter().cloned());
    }
}

impl App<'_> {
    pub(super) fn entry(&self, path: &[&str]) -> Option<&Entry> {
        at(&self.service.node, path)
    }

    /// A place in the app.
    pub(super) fn at(&self, span: Span) -> Span {
        within(self.service.whole, span)
    }

    /// A sentence about a key of the service.
    pub(super) fn say(&self, entry: &Entry, text: impl Into<String>) {
        self.file.notes.say(self.at(entry.key_span), text);
    }

    pub(super) fn filled(&self, text: &str, span: Span) -> String {
        self.file.filled(text, self.at(span))
    }

    pub(super) fn template(&self, entry: &Entry) -> Rc<Node> {
        self.file.template(entry, self.service.whole)
    }
}
