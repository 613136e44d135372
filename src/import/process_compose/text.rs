//! Texts of process-compose: `{{.NAME}}` of its own, `$NAME` of the environment.

use std::rc::Rc;

use super::{File, Process};
use crate::{
    config::{
        Span,
        written_tree::{Entry, Node, quoted},
    },
    import::{
        interpolation::{Ours, Unset, ours},
        keys::within,
        tree::{literal, scalar, template},
        variables::Variable,
        yaml::at,
    },
};

/// What stands for the number of the instance while a text is made ours.
const NUMBER: &str = "\u{1}";

/// The number of an instance, as ours is called.
const OURS: &str = "${ECO_INSTANCE}";

impl File<'_> {
    /// A text with what the environment fills in.
    pub(super) fn template(&self, entry: &Entry) -> Rc<Node> {
        let text = scalar(&entry.value).unwrap_or_default();
        template(entry.value.span, self.ours(text, entry.key_span))
    }

    pub(super) fn variable(&self, variable: &Variable<'_>, whole: Span) -> Rc<Node> {
        if !self.expands {
            return variable.literal();
        }
        let (node, read) = variable.ours(Unset::Empty);
        self.odd(&read, within(whole, variable.at));
        node
    }

    pub(super) fn ours(&self, text: &str, at: Span) -> String {
        if !self.expands {
            return literal(text);
        }
        let read = ours(text, Unset::Empty);
        self.odd(&read, at);
        read.text
    }

    fn odd(&self, read: &Ours, at: Span) {
        for reference in &read.odd {
            let text =
                format!("eco has nothing like {}: it stands there as it is", quoted(reference));
            self.notes.say(at, text);
        }
    }
}

impl Process<'_> {
    /// The text of an entry with its templates filled.
    pub(super) fn rendered(&self, entry: &Entry) -> String {
        let text = scalar(&entry.value).unwrap_or_default();
        let is_off = at(&self.node, &["is_template_disabled"])
            .is_some_and(|entry| self.file.values.flag(entry) == Some(true));
        if is_off || !text.contains("{{") {
            return text.to_owned();
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, from)) = rest.split_once("{{") {
            out.push_str(before);
            let Some((inner, tail)) = from.split_once("}}") else {
                out.push_str("{{");
                rest = from;
                continue;
            };
            if let Some(value) = self.value_of(inner.trim()) {
                out.push_str(&value);
            } else {
                let shown = format!("{{{{{inner}}}}}");
                let text = format!("eco fills no {}: write what it stands for", quoted(&shown));
                self.file.notes.say(self.at(entry.key_span), text);
                out.push_str(&shown);
            }
            rest = tail;
        }
        out.push_str(rest);
        out
    }

    /// The value of `.NAME` of a template.
    fn value_of(&self, inner: &str) -> Option<String> {
        let name = inner.strip_prefix('.')?;
        if name == "PC_REPLICA_NUM" {
            return Some(NUMBER.to_owned());
        }
        let own = at(&self.node, &["vars", name]);
        let entry = own.or_else(|| at(self.file.root, &["vars", name]))?;
        scalar(&entry.value).map(str::to_owned)
    }

    /// A text as ours, filled by templates and the environment.
    pub(super) fn filled(&self, entry: &Entry) -> String {
        let rendered = self.rendered(entry);
        self.file.ours(&rendered, self.at(entry.key_span)).replace(NUMBER, OURS)
    }

    /// A line for a shell, which knows the variables itself.
    pub(super) fn line(&self, entry: &Entry) -> String {
        let rendered = self.rendered(entry);
        let unescaped = if self.file.expands { rendered.replace("$$", "$") } else { rendered };
        literal(&unescaped).replace(NUMBER, OURS)
    }

    /// A place in the app.
    pub(super) fn at(&self, span: Span) -> Span {
        within(self.whole, span)
    }

    /// A sentence about a key of the process.
    pub(super) fn say(&self, entry: &Entry, text: impl Into<String>) {
        self.file.notes.say(self.at(entry.key_span), text);
    }

    /// The entry at a path of the process, if anything is written there.
    pub(super) fn entry(&self, path: &[&str]) -> Option<&Entry> {
        at(&self.node, path)
    }

    pub(super) fn flag(&self, path: &[&str]) -> bool {
        self.entry(path).is_some_and(|entry| self.file.values.flag(entry) == Some(true))
    }

    pub(super) fn number(&self, path: &[&str]) -> Option<(u64, &Entry)> {
        let entry = self.entry(path)?;
        Some((self.file.values.number(entry)?, entry))
    }
}
