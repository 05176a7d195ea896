//! Writes values of the bindings as JSON, in the form that authors of plugins read and write in cases.
//!
//! - Names are those of the WIT: `customer-id`, not `customer_id`.
//! - A variant is the name of its case, or an object with that name as its only field.
//! - Bytes are a string, or `{"base64": "..."}`.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::ser::{self, Impossible, SerializeSeq, SerializeStruct, SerializeTuple};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

/// Returns a value of the bindings as JSON.
///
/// # Panics
///
/// Panics if the value is not of a type of the contract, such as a map.
pub fn json(value: &impl Serialize) -> Value {
    value.serialize(Writer).expect("types of the contract are supported")
}

/// Returns bytes as a string, or as `{"base64": "..."}` if they are not UTF-8.
pub fn of_bytes(bytes: Vec<u8>) -> Value {
    let text = String::from_utf8(bytes).map(Value::from);
    text.unwrap_or_else(|error| json!({ "base64": BASE64_STANDARD.encode(error.as_bytes()) }))
}

struct Writer;

/// A type that the contract does not use.
#[derive(Debug)]
struct Unsupported(String);

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unsupported {}

impl ser::Error for Unsupported {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

fn unsupported<T>(kind: &str) -> Result<T, Unsupported> {
    Err(Unsupported(format!("{kind} is no type of the contract")))
}

/// Returns the name in the WIT of a field.
fn field_name(name: &str) -> String {
    name.trim_end_matches('_').replace('_', "-")
}

/// Returns the name in the WIT of a case.
fn case_name(name: &str) -> String {
    let mut kebab = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}

macro_rules! as_json {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, value: $type) -> Result<Value, Unsupported> {
            Ok(json!(value))
        })*
    };
}

impl Serializer for Writer {
    type Ok = Value;
    type Error = Unsupported;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = Impossible<Value, Unsupported>;
    type SerializeTupleVariant = Impossible<Value, Unsupported>;
    type SerializeMap = Impossible<Value, Unsupported>;
    type SerializeStruct = Record;
    type SerializeStructVariant = Impossible<Value, Unsupported>;

    as_json!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_f32: f32, serialize_f64: f64, serialize_char: char, serialize_str: &str
    );

    fn serialize_bytes(self, value: &[u8]) -> Result<Value, Unsupported> {
        Ok(of_bytes(value.to_vec()))
    }

    fn serialize_none(self) -> Result<Value, Unsupported> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Unsupported> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Unsupported> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Unsupported> {
        unsupported("a unit struct")
    }

    fn serialize_unit_variant(self, _: &str, _: u32, case: &'static str) -> Result<Value, Unsupported> {
        Ok(case_name(case).into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &str, value: &T) -> Result<Value, Unsupported> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &str,
        _: u32,
        case: &'static str,
        value: &T,
    ) -> Result<Value, Unsupported> {
        Ok(json!({ case_name(case): value.serialize(self)? }))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<List, Unsupported> {
        Ok(List(Vec::with_capacity(length.unwrap_or_default())))
    }

    fn serialize_tuple(self, length: usize) -> Result<List, Unsupported> {
        Ok(List(Vec::with_capacity(length)))
    }

    fn serialize_tuple_struct(self, _: &str, _: usize) -> Result<Self::SerializeTupleStruct, Unsupported> {
        unsupported("a tuple struct")
    }

    fn serialize_tuple_variant(
        self,
        _: &str,
        _: u32,
        _: &str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unsupported> {
        unsupported("a case with several values")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unsupported> {
        unsupported("a map")
    }

    fn serialize_struct(self, _: &str, _: usize) -> Result<Record, Unsupported> {
        Ok(Record(Map::new()))
    }

    fn serialize_struct_variant(
        self,
        _: &str,
        _: u32,
        _: &str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unsupported> {
        unsupported("a case with fields")
    }
}

/// Fields of a record.
struct Record(Map<String, Value>);

impl SerializeStruct for Record {
    type Ok = Value;
    type Error = Unsupported;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unsupported> {
        self.0.insert(field_name(name), value.serialize(Writer)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Unsupported> {
        Ok(Value::Object(self.0))
    }
}

/// Items of a list. Lists of numbers are bytes; the contract has no others.
struct List(Vec<Value>);

impl List {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsupported> {
        self.0.push(value.serialize(Writer)?);
        Ok(())
    }
}

impl SerializeSeq for List {
    type Ok = Value;
    type Error = Unsupported;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsupported> {
        self.push(value)
    }

    fn end(self) -> Result<Value, Unsupported> {
        let byte = |value: &Value| value.as_u64().and_then(|number| u8::try_from(number).ok());
        let bytes: Option<Vec<u8>> = self.0.iter().map(byte).collect();
        Ok(match bytes {
            Some(bytes) if !bytes.is_empty() => of_bytes(bytes),
            _ => Value::Array(self.0),
        })
    }
}

impl SerializeTuple for List {
    type Ok = Value;
    type Error = Unsupported;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsupported> {
        self.push(value)
    }

    fn end(self) -> Result<Value, Unsupported> {
        Ok(Value::Array(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::{crm, plugin_types};

    #[test]
    fn names_are_those_of_the_contract() {
        let error = json(&plugin_types::Error::NotFound);
        assert_eq!(error, json!("not-found"));
        let error = json(&plugin_types::Error::Failed("text".to_owned()));
        assert_eq!(error, json!({ "failed": "text" }));
    }

    #[test]
    fn bytes_are_texts_if_they_can_be() {
        assert_eq!(json(&b"text".to_vec()), json!("text"));
        assert_eq!(json(&vec![0xff_u8]), json!({ "base64": "/w==" }));
        assert_eq!(json(&Vec::<u8>::new()), json!([]));
    }

    #[test]
    fn fields_have_the_names_of_the_contract() {
        let page = crm::CustomerPage { customers: Vec::new(), next_page_token: Some("2".to_owned()) };
        assert_eq!(json(&page), json!({ "customers": [], "next-page-token": "2" }));
    }
}
