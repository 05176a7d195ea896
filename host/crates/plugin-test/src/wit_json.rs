//! Converts between JSON and values of the contract's types.
//!
//! - Names are the same as in the WIT.
//! - A variant is the name of its case, or an object with that name as its only field.
//! - A `result` is `{"ok": ...}` or `{"error": ...}`.
//! - Bytes are a string, or `{"base64": "..."}`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use wasmtime::component::{Type, Val};

/// Reads JSON as a value of a type. `at` is the path of the value, for errors.
pub(super) fn read(kind: &Type, value: &Value, at: &str) -> Result<Val, String> {
    let mismatch = || format!("{at}: expected {}, found {}", describe(kind), shown(value));
    Ok(match kind {
        Type::Bool => Val::Bool(value.as_bool().ok_or_else(mismatch)?),
        Type::S8 => Val::S8(integer(value).ok_or_else(mismatch)?),
        Type::U8 => Val::U8(integer(value).ok_or_else(mismatch)?),
        Type::S16 => Val::S16(integer(value).ok_or_else(mismatch)?),
        Type::U16 => Val::U16(integer(value).ok_or_else(mismatch)?),
        Type::S32 => Val::S32(integer(value).ok_or_else(mismatch)?),
        Type::U32 => Val::U32(integer(value).ok_or_else(mismatch)?),
        Type::S64 => Val::S64(integer(value).ok_or_else(mismatch)?),
        Type::U64 => Val::U64(value.as_u64().ok_or_else(mismatch)?),
        Type::Float64 => Val::Float64(value.as_f64().ok_or_else(mismatch)?),
        Type::String => Val::String(value.as_str().ok_or_else(mismatch)?.to_owned()),
        Type::List(list) if matches!(list.ty(), Type::U8) && !value.is_array() => {
            let bytes = bytes(value).ok_or_else(mismatch)?;
            Val::List(bytes.into_iter().map(Val::U8).collect())
        }
        Type::List(list) => {
            let values = value.as_array().ok_or_else(mismatch)?.iter().enumerate();
            let read = values.map(|(index, value)| read(&list.ty(), value, &format!("{at}[{index}]")));
            Val::List(read.collect::<Result<_, _>>()?)
        }
        Type::Tuple(tuple) => {
            let values = value.as_array().filter(|values| values.len() == tuple.types().len()).ok_or_else(mismatch)?;
            let read = tuple.types().zip(values).enumerate();
            let read = read.map(|(index, (kind, value))| self::read(&kind, value, &format!("{at}[{index}]")));
            Val::Tuple(read.collect::<Result<_, _>>()?)
        }
        Type::Record(record) => {
            let given = value.as_object().ok_or_else(mismatch)?;
            let fields: Vec<_> = record.fields().map(|field| (field.name.to_owned(), field.ty)).collect();
            if let Some(unknown) = given.keys().find(|name| fields.iter().all(|(known, _)| known != *name)) {
                let known: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
                return Err(format!("{at}.{unknown}: unknown field; the record has: {}", known.join(", ")));
            }
            Val::Record(fields.into_iter().map(|(name, kind)| field(name, &kind, given, at)).collect::<Result<_, _>>()?)
        }
        Type::Variant(variant) => {
            let (name, payload) = case(value).ok_or_else(mismatch)?;
            let case = variant.cases().find(|case| case.name == name).ok_or_else(mismatch)?;
            let payload = match (case.ty, payload) {
                (None, None) => None,
                (Some(kind), Some(payload)) => Some(Box::new(read(&kind, payload, &format!("{at}.{name}"))?)),
                _ => return Err(mismatch()),
            };
            Val::Variant(name.to_owned(), payload)
        }
        Type::Enum(names) => {
            let name = value.as_str().filter(|name| names.names().any(|known| known == *name)).ok_or_else(mismatch)?;
            Val::Enum(name.to_owned())
        }
        Type::Option(_) if value.is_null() => Val::Option(None),
        Type::Option(some) => Val::Option(Some(Box::new(read(&some.ty(), value, at)?))),
        _ => return Err(format!("{at}: unsupported type")),
    })
}

fn field(name: String, kind: &Type, given: &Map<String, Value>, at: &str) -> Result<(String, Val), String> {
    let at = format!("{at}.{name}");
    let value = match (given.get(&name), kind) {
        (Some(value), _) => read(kind, value, &at)?,
        (None, Type::Option(_)) => Val::Option(None),
        // A missing list is empty.
        (None, Type::List(_)) => Val::List(Vec::new()),
        (None, _) => return Err(format!("{at}: missing field; expected {}", describe(kind))),
    };
    Ok((name, value))
}

/// Writes a value of a type as JSON.
pub(super) fn write(kind: &Type, value: &Val) -> Value {
    match (kind, value) {
        (_, Val::Bool(value)) => json!(value),
        (_, Val::S8(value)) => json!(value),
        (_, Val::U8(value)) => json!(value),
        (_, Val::S16(value)) => json!(value),
        (_, Val::U16(value)) => json!(value),
        (_, Val::S32(value)) => json!(value),
        (_, Val::U32(value)) => json!(value),
        (_, Val::S64(value)) => json!(value),
        (_, Val::U64(value)) => json!(value),
        (_, Val::Float64(value)) => json!(value),
        (_, Val::String(value) | Val::Enum(value)) => json!(value),
        (Type::List(list), Val::List(values)) if matches!(list.ty(), Type::U8) => {
            let bytes = values.iter().map(|value| if let Val::U8(byte) = value { *byte } else { 0 }).collect();
            String::from_utf8(bytes)
                .map(Value::from)
                .unwrap_or_else(|error| json!({ "base64": BASE64_STANDARD.encode(error.as_bytes()) }))
        }
        (Type::List(list), Val::List(values)) => values.iter().map(|value| write(&list.ty(), value)).collect(),
        (Type::Tuple(tuple), Val::Tuple(values)) => {
            tuple.types().zip(values).map(|(kind, value)| write(&kind, value)).collect()
        }
        (Type::Record(record), Val::Record(values)) => {
            let fields = record.fields().zip(values);
            fields.map(|(field, (name, value))| (name.clone(), write(&field.ty, value))).collect::<Map<_, _>>().into()
        }
        (Type::Variant(variant), Val::Variant(name, payload)) => {
            let kind = variant.cases().find(|case| case.name == name).and_then(|case| case.ty);
            match (kind, payload) {
                (Some(kind), Some(payload)) => json!({ name: write(&kind, payload) }),
                _ => json!(name),
            }
        }
        (Type::Option(some), Val::Option(Some(value))) => write(&some.ty(), value),
        _ => Value::Null,
    }
}

/// Returns the name of a variant's case, and the payload.
fn case(value: &Value) -> Option<(&str, Option<&Value>)> {
    match value {
        Value::String(name) => Some((name, None)),
        Value::Object(object) if object.len() == 1 => {
            object.iter().next().map(|(name, payload)| (name.as_str(), Some(payload)))
        }
        _ => None,
    }
}

fn integer<T: TryFrom<i64>>(value: &Value) -> Option<T> {
    T::try_from(value.as_i64()?).ok()
}

/// Returns bytes that are written as a string or in base64.
pub(super) fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Object(object) if object.len() == 1 => BASE64_STANDARD.decode(object.get("base64")?.as_str()?).ok(),
        _ => None,
    }
}

/// Describes the JSON values of a type.
fn describe(kind: &Type) -> String {
    match kind {
        Type::Bool => "true or false".to_owned(),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => "an integer from 0".to_owned(),
        Type::S8 | Type::S16 | Type::S32 | Type::S64 => "an integer".to_owned(),
        Type::Float64 => "a number".to_owned(),
        Type::String => "a string".to_owned(),
        Type::List(list) if matches!(list.ty(), Type::U8) => "a string or {\"base64\": \"...\"}".to_owned(),
        Type::List(list) => format!("a list of items, each {}", describe(&list.ty())),
        Type::Tuple(tuple) => format!("a list of {} items", tuple.types().len()),
        Type::Record(record) => {
            let fields: Vec<_> = record.fields().map(|field| field.name.to_owned()).collect();
            format!("an object with {}", fields.join(", "))
        }
        Type::Variant(variant) => {
            let cases = variant.cases().map(|case| match case.ty {
                Some(_) => format!("{{\"{}\": ...}}", case.name),
                None => format!("\"{}\"", case.name),
            });
            cases.collect::<Vec<_>>().join(" or ")
        }
        Type::Enum(names) => names.names().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(" or "),
        Type::Option(some) => format!("{}, or null", describe(&some.ty())),
        _ => "another type".to_owned(),
    }
}

/// Returns the beginning of a value as text, for messages.
pub(super) fn shown(value: &Value) -> String {
    const BYTES_MAX: usize = 200;
    let text = value.to_string();
    let end = text.floor_char_boundary(BYTES_MAX);
    let more = if end < text.len() { "…" } else { "" };
    format!("{}{more}", &text[..end])
}
