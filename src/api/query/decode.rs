//! From `key=value` pairs to a query, by its type: a key may stand more than once where a list is
//! wanted, and numbers and truths are read from their text.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{
    Deserializer,
    de::{
        DeserializeOwned, Error as _, IntoDeserializer, Visitor,
        value::{Error, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

/// What is wrong with a query, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct QueryError(String);

impl QueryError {
    /// In these words.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Reads a query.
///
/// # Errors
/// A key is unknown or stands there too often, or a value is not of its type.
pub fn decode<T: DeserializeOwned>(pairs: Vec<(String, String)>) -> Result<T, QueryError> {
    let mut by_key: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value) in pairs {
        by_key.entry(key).or_default().push(value);
    }
    let entries = by_key.into_iter().map(|(key, values)| (key.clone(), Values { key, values }));
    T::deserialize(MapDeserializer::<_, Error>::new(entries))
        .map_err(|error| QueryError::new(error.to_string()))
}

/// All that was said for one key.
struct Values {
    key: String,
    values: Vec<String>,
}

impl Values {
    fn single(self) -> Result<(String, String), Error> {
        let Self { key, mut values } = self;
        match (values.pop(), values.is_empty()) {
            (Some(value), true) => Ok((key, value)),
            (Some(_) | None, _) => Err(Error::custom(format!("`{key}` is given more than once"))),
        }
    }

    fn parsed<T: FromStr>(self, what: &str) -> Result<T, Error> {
        let (key, value) = self.single()?;
        value
            .parse()
            .map_err(|_| Error::custom(format!("`{key}` has to be {what}, and not `{value}`")))
    }
}

impl IntoDeserializer<'_, Error> for Values {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A key with each of its values.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?}", self.key, self.values)
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(self.parsed::<$type>("a number that fits here, 0 or more")?)
        })*
    };
}

impl<'de> Deserializer<'de> for Values {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.single()?.1)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.parsed("`true` or `false`")?)
    }

    numbers! {
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let (key, value) = self.single()?;
        if !variants.contains(&value.as_str()) {
            let variants = variants.join("`, `");
            let text = format!("`{key}` has to be one of `{variants}`, and not `{value}`");
            return Err(Error::custom(text));
        }
        let word: serde::de::value::StringDeserializer<Error> = value.into_deserializer();
        word.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Self { key, values } = self;
        let each = values.into_iter().map(|value| Self { key: key.clone(), values: vec![value] });
        SeqDeserializer::new(each).deserialize_seq(visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        tuple tuple_struct map struct identifier ignored_any
    }
}
