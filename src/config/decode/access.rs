//! The entries of mappings, the items of lists and the parts of fields, as serde asks for them.

use serde::de::{
    DeserializeSeed, Error as _, MapAccess, SeqAccess, Unexpected,
    value::{SeqDeserializer, StrDeserializer},
};

use super::{Context, DecodeError, Key, Place, Value};
use crate::config::{
    known::{self, Struct},
    tree::{Entry, Node},
};

/// A field: first its place as four numbers, then its value.
pub(super) struct Parts<'a> {
    value: Value<'a>,
    is_place_given: bool,
}

impl<'a> Parts<'a> {
    pub(super) fn new(value: Value<'a>) -> Self {
        Self { value, is_place_given: false }
    }
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Value { node, place, context } = self.value;
        if !self.is_place_given {
            self.is_place_given = true;
            let key = place.key_span;
            let span = if node.span.is_empty() { key } else { node.span };
            let numbers = [span.start, span.end, key.start, key.end];
            let numbers = SeqDeserializer::<_, DecodeError>::new(numbers.into_iter());
            return seed.deserialize(numbers).map(Some);
        }
        if node.is_null() && !self.value.is_item() {
            return Ok(None);
        }
        seed.deserialize(self.value).map(Some).map_err(|error| {
            context.report(error, node, place);
            DecodeError::Said
        })
    }
}

/// The items of a list, or one value as if it were one.
pub(super) struct Items<'a> {
    nodes: std::iter::Enumerate<std::slice::Iter<'a, std::rc::Rc<Node>>>,
    single: Option<Value<'a>>,
    place: &'a Place<'a>,
    context: &'a Context<'a>,
}

impl<'a> Items<'a> {
    pub(super) fn new(
        items: &'a [std::rc::Rc<Node>],
        place: &'a Place<'a>,
        context: &'a Context<'a>,
    ) -> Self {
        Self { nodes: items.iter().enumerate(), single: None, place, context }
    }

    pub(super) fn single(value: Value<'a>) -> Self {
        Self { single: Some(value), ..Self::new(&[], value.place, value.context) }
    }
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        if let Some(value) = self.single.take() {
            return seed.deserialize(value).map(Some);
        }
        let Some((index, node)) = self.nodes.next() else { return Ok(None) };
        let place = Place { parent: Some(self.place), key: Key::Index(index), key_span: node.span };
        seed.deserialize(Value { node, place: &place, context: self.context }).map(Some)
    }
}

/// The entries of a mapping: of a struct with known keys, or of one with any.
pub(super) struct Fields<'a> {
    entries: std::slice::Iter<'a, Entry>,
    known: Option<Struct>,
    current: Option<&'a Entry>,
    place: &'a Place<'a>,
    context: &'a Context<'a>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(
        entries: &'a [Entry],
        known: Option<Struct>,
        place: &'a Place<'a>,
        context: &'a Context<'a>,
    ) -> Self {
        Self { entries: entries.iter(), known, current: None, place, context }
    }

    /// Whether the entry is to be read. If not, what is wrong with it is said here.
    fn is_known(&self, entry: &Entry) -> bool {
        let Some(known) = &self.known else { return true };
        if known.fields.contains(&&*entry.key) {
            return true;
        }
        if !entry.key.starts_with("x-") {
            let unknown = known::unknown_key(known, &entry.key, entry.key_span, &self.place.path());
            if let Some(meant) = unknown.meant {
                let span = self.place.key_span;
                self.context.misspelled.borrow_mut().insert((span, meant));
            }
            self.context.log.push(unknown.problem);
        }
        false
    }
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        while let Some(entry) = self.entries.next() {
            if self.is_known(entry) {
                self.current = Some(entry);
                let key = StrDeserializer::<DecodeError>::new(&entry.key);
                return seed.deserialize(key).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, DecodeError> {
        let Some(entry) = self.current.take() else {
            return Err(DecodeError::invalid_type(Unexpected::Unit, &"a value"));
        };
        let key = if entry.implied { Key::Implied } else { Key::Name(&entry.key) };
        let place = Place { parent: Some(self.place), key, key_span: entry.key_span };
        seed.deserialize(Value { node: &entry.value, place: &place, context: self.context })
    }
}
