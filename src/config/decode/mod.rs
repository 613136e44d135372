//! serde over the tree. Every error goes into the log with its place and decoding carries on: only
//! `Field` and the mappings see that something was wrong.
//!
//! Scalars are handed out as the text they were written with, so `1.10` and `yes` stay as they
//! are; each type reads its own text.

mod access;
mod error;

use std::{cell::RefCell, collections::HashSet};

use serde::{
    Deserialize,
    de::{Deserializer, Error as _, Unexpected, Visitor, value::StrDeserializer},
};

use self::access::{Fields, Items, Parts};
use super::{
    fault::Span,
    field::FIELD,
    known,
    log::Log,
    tree::{Kind, Node},
};

pub(super) use error::DecodeError;

/// What a whole decoding shares.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) log: &'a Log,
    /// Values that still have a variable are passed over: what they will be is not known.
    pub(super) unfilled: bool,
    /// Keys of mappings in which a required key was misspelled: it is not missing too.
    pub(super) misspelled: RefCell<HashSet<(Span, &'static str)>>,
}

impl<'a> Context<'a> {
    pub(super) fn new(log: &'a Log, unfilled: bool) -> Self {
        Self { log, unfilled, misspelled: RefCell::default() }
    }

    /// Reads the whole tree.
    pub(super) fn decode<T: for<'de> Deserialize<'de>>(&self, root: &Node) -> Option<T> {
        let place = Place { parent: None, key: Key::Root, key_span: root.span };
        let value = Value { node: root, place: &place, context: self };
        match T::deserialize(value) {
            Ok(read) => Some(read),
            Err(error) => {
                self.report(error, root, &place);
                None
            }
        }
    }

    fn report(&self, error: DecodeError, node: &Node, place: &Place<'_>) {
        if let Some(problem) = error.into_problem(node, place) {
            self.log.push(problem);
        }
    }
}

/// How a value is reached from the root.
#[derive(Debug)]
struct Place<'a> {
    parent: Option<&'a Self>,
    key: Key<'a>,
    key_span: Span,
}

#[derive(Clone, Copy, Debug)]
enum Key<'a> {
    Root,
    Name(&'a str),
    /// Not in the file: a short form stands for it.
    Implied,
    Index(usize),
}

impl Place<'_> {
    /// `apps.web.tags[1]`; empty for the root.
    fn path(&self) -> String {
        let parent = self.parent.map(Self::path).unwrap_or_default();
        match self.key {
            Key::Root => String::new(),
            Key::Implied => parent,
            Key::Name(name) if parent.is_empty() => name.to_owned(),
            Key::Name(name) => format!("{parent}.{name}"),
            Key::Index(index) => format!("{parent}[{index}]"),
        }
    }
}

/// A value of the tree as a serde deserializer.
#[derive(Clone, Copy)]
struct Value<'a> {
    node: &'a Node,
    place: &'a Place<'a>,
    context: &'a Context<'a>,
}

impl<'a> Value<'a> {
    /// The text of a scalar, unless it is not known yet.
    fn text(&self, expected: &dyn serde::de::Expected) -> Result<&'a str, DecodeError> {
        match &self.node.kind {
            Kind::Scalar(_) if self.node.is_null() => {
                Err(DecodeError::invalid_type(Unexpected::Unit, expected))
            }
            Kind::Scalar(scalar) if scalar.is_unfilled => Err(DecodeError::Said),
            Kind::Scalar(scalar) if self.context.unfilled && scalar.text.contains("${") => {
                Err(DecodeError::Said)
            }
            Kind::Scalar(scalar) => Ok(&scalar.text),
            Kind::List(_) => Err(DecodeError::invalid_type(Unexpected::Seq, expected)),
            Kind::Map(_) => Err(DecodeError::invalid_type(Unexpected::Map, expected)),
        }
    }

    fn is_item(&self) -> bool {
        matches!(self.place.key, Key::Index(_))
    }
}

impl<'de> Deserializer<'de> for Value<'_> {
    type Error = DecodeError;

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let text = self.text(&visitor)?;
        visitor.visit_str(text)
    }

    /// A field: its place, then its value.
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if name == FIELD {
            visitor.visit_seq(Parts::new(self))
        } else {
            self.deserialize_any(visitor)
        }
    }

    /// A type with several forms: its visitor gets text, a list, or the mapping to read on.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match &self.node.kind {
            Kind::Scalar(_) => self.deserialize_str(visitor),
            Kind::List(items) => visitor.visit_seq(Items::new(items, self.place, self.context)),
            Kind::Map(_) => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match &self.node.kind {
            Kind::Map(entries) => {
                let known = Some(known::Struct { name, fields });
                visitor.visit_map(Fields::new(entries, known, self.place, self.context))
            }
            Kind::Scalar(_) | Kind::List(_) => {
                Err(DecodeError::not_a(known::noun(name), self.node))
            }
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.node.kind {
            Kind::Map(entries) => {
                visitor.visit_map(Fields::new(entries, None, self.place, self.context))
            }
            Kind::Scalar(_) | Kind::List(_) => Err(DecodeError::not_a("a mapping", self.node)),
        }
    }

    /// Where a list is meant, one value alone is allowed.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.node.kind {
            Kind::List(items) => visitor.visit_seq(Items::new(items, self.place, self.context)),
            Kind::Scalar(_) | Kind::Map(_) => visitor.visit_seq(Items::single(self)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let text = self.text(&known::OneOf(words))?;
        if words.contains(&text) {
            visitor.visit_enum(StrDeserializer::<DecodeError>::new(text))
        } else {
            Err(DecodeError::not_a_word(name, text, words))
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.node.kind {
            Kind::Scalar(_) => self.deserialize_str(visitor),
            Kind::List(_) => self.deserialize_seq(visitor),
            Kind::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char string bytes byte_buf unit
        unit_struct tuple identifier
    }
}
