//! The entries of a mapping as they are read, where keys may come again.

use std::{collections::HashMap, rc::Rc};

use super::Value;
use crate::config::{Span, written_tree::Entry};

/// The entries of a mapping in the making.
#[derive(Default)]
pub(super) struct Entries {
    /// `None` where the value is `undefined`.
    list: Vec<Option<Entry>>,
    places: HashMap<Rc<str>, usize>,
}

impl Entries {
    /// As in JavaScript the last one counts, in the place of the first. Gives that one.
    pub(super) fn put(&mut self, key: Rc<str>, key_span: Span, value: Value) -> Option<Entry> {
        let place = *self.places.entry(Rc::clone(&key)).or_insert(self.list.len());
        let entry = value.map(|value| Entry { key, key_span, value, implied: false });
        if let Some(former) = self.list.get_mut(place) {
            return std::mem::replace(former, entry);
        }
        self.list.push(entry);
        None
    }

    /// All that are there, in the order of their keys' first places.
    pub(super) fn into_list(self) -> Vec<Entry> {
        self.list.into_iter().flatten().collect()
    }
}
