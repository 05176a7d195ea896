//! Deserializes one setting from its text.

use serde::de::value::{SeqDeserializer, StrDeserializer};
use serde::de::{IntoDeserializer, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use crate::settings::tree::Problem;

/// One setting.
#[derive(Clone, Copy)]
pub(super) struct Leaf<'s> {
    pub(super) key: &'s str,
    pub(super) text: &'s str,
}

impl Leaf<'_> {
    fn read<T: std::str::FromStr>(self, wanted: impl FnOnce() -> String) -> Result<T, Problem> {
        let problem =
            |_| Problem::Complete(format!("the setting `{}` is `{}`; write {}", self.key, self.text, wanted()));
        self.text.trim().parse().map_err(problem)
    }
}

/// Integer types with their methods of `Deserializer` and `Visitor`.
macro_rules! numbers {
    ($($type:ident $deserialize:ident $visit:ident)+) => {
        $(fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            visitor.$visit(self.read(|| format!("a whole number from {} to {}", $type::MIN, $type::MAX))?)
        })+
    };
}

impl<'de> Deserializer<'de> for Leaf<'_> {
    type Error = Problem;

    numbers! {
        i8 deserialize_i8 visit_i8
        i16 deserialize_i16 visit_i16
        i32 deserialize_i32 visit_i32
        i64 deserialize_i64 visit_i64
        u8 deserialize_u8 visit_u8
        u16 deserialize_u16 visit_u16
        u32 deserialize_u32 visit_u32
        u64 deserialize_u64 visit_u64
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_f32(self.read(|| "a number".to_owned())?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_f64(self.read(|| "a number".to_owned())?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_bool(self.read(|| "true or false".to_owned())?)
    }

    /// Splits at commas.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let pieces = self.text.split(',').map(str::trim).filter(|piece| !piece.is_empty());
        visitor.visit_seq(SeqDeserializer::new(pieces.map(|text| Leaf { key: self.key, text })))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        if variants.contains(&self.text) {
            let word: StrDeserializer<'_, Problem> = self.text.into_deserializer();
            return visitor.visit_enum(word);
        }
        let (last, others) = variants.split_last().unwrap_or((&"nothing", &[]));
        let words = if others.is_empty() { (*last).to_owned() } else { format!("{} or {last}", others.join(", ")) };
        Err(Problem::Complete(format!("the setting `{}` is `{}`; write {words}", self.key, self.text)))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_str(self.text)
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Problem> for Leaf<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
