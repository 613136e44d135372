//! A value as written, with its place. A value that cannot be read spoils nothing but itself: that
//! is how one pass over the file finds every fault.

use std::{borrow::Cow, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::Value;

use super::fault::Span;

/// The name by which the decoder knows a field.
pub(super) const FIELD: &str = "eco::Field";

/// Where a field stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct At {
    /// Its value; its key, if nothing was written.
    pub(super) value: Span,
    /// Its key; the item itself within a list.
    pub(super) key: Span,
}

/// A value as written.
#[derive(Clone, Debug, Default)]
pub(super) enum Field<T> {
    /// Not in the file.
    #[default]
    Absent,
    /// `null`, or nothing after the colon.
    Null(At),
    /// A good value.
    Set(T, At),
    /// Cannot be read (which was said), or still has variables to fill.
    Bad(At),
}

impl<T> Field<T> {
    /// The value, if there is a good one.
    pub(super) fn get(&self) -> Option<&T> {
        self.get_at().map(|(value, _)| value)
    }

    /// The value and its place, if there is a good one.
    pub(super) fn get_at(&self) -> Option<(&T, At)> {
        match self {
            Self::Set(value, at) => Some((value, *at)),
            Self::Absent | Self::Null(_) | Self::Bad(_) => None,
        }
    }

    /// The value, or the default.
    pub(super) fn or(&self, default: T) -> T
    where
        T: Clone,
    {
        self.get().cloned().unwrap_or(default)
    }

    /// Whether nothing was said about it.
    pub(super) fn is_unset(&self) -> bool {
        matches!(self, Self::Absent | Self::Null(_))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple_struct(FIELD, 2, FieldVisitor(PhantomData))
    }
}

struct FieldVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    /// The decoder gives the place, then the value. It has put an error of the value into the
    /// log, so here it ends.
    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let [a, b, c, d] = parts.next_element::<[usize; 4]>()?.unwrap_or_default();
        let at = At { value: Span::new(a, b), key: Span::new(c, d) };
        Ok(match parts.next_element::<T>() {
            Ok(Some(value)) => Field::Set(value, at),
            Ok(None) => Field::Null(at),
            Err(_) => Field::Bad(at),
        })
    }
}

/// What a type looks like in the schema.
pub(super) trait Written: JsonSchema {
    /// Whether text with variables may stand for it that its own schema would not accept.
    const FILLABLE: bool;
}

/// Text with variables, where something else is wanted once they are filled.
struct Variables;

impl JsonSchema for Variables {
    fn schema_name() -> Cow<'static, str> {
        "Variables".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "\\$\\{",
            "description": "Text with variables: `${NAME}`, `${NAME:-default}`, `${NAME:?message}`.",
        })
    }
}

/// The schema of `T`, or text with a variable that becomes one when it is filled.
pub(super) fn fillable<T: Written>(generator: &mut SchemaGenerator) -> Vec<Value> {
    let mut forms = vec![generator.subschema_for::<T>().to_value()];
    if T::FILLABLE {
        forms.push(generator.subschema_for::<Variables>().to_value());
    }
    forms
}

impl<T: Written> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Field_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut forms = fillable::<T>(generator);
        forms.push(serde_json::json!({ "type": "null" }));
        json_schema!({ "anyOf": forms })
    }
}

/// A list, or one value alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Many<T>(pub(super) Vec<Field<T>>);

impl<T> Many<T> {
    /// The good values with their places.
    pub(super) fn items(&self) -> impl Iterator<Item = (&T, At)> {
        self.0.iter().filter_map(Field::get_at)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The decoder gives one value as a list of one.
        Vec::deserialize(deserializer).map(Self)
    }
}

impl<T: Written> JsonSchema for Many<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Many_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = fillable::<T>(generator);
        let mut forms = one.clone();
        forms.push(serde_json::json!({ "type": "array", "items": { "anyOf": one } }));
        json_schema!({ "anyOf": forms })
    }
}

impl<T: Written> Written for Many<T> {
    const FILLABLE: bool = T::FILLABLE;
}
