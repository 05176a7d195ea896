//! Forms of a JSON body that may have been signed: before a proxy rewrote the body, or after a library serialized it
//! again.

use std::io;

use serde::Serialize as _;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};
use serde_json::{Serializer, Value};

/// Returns the usual forms of a JSON body, each with the change that leads to it. The list is empty without JSON.
pub(super) fn of(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    let compact = written(&value, CompactFormatter);
    let spaced = written(&value, Spaced);
    let sorted = written(&sorted(&value), CompactFormatter);
    vec![
        ("if the JSON were compact, as JavaScript writes it (a proxy re-encoded the body)", compact.clone()),
        ("if the JSON had a space after each comma and colon, as Python writes it", spaced.clone()),
        ("if the JSON had `\\u` escapes for all but ASCII", escaped(&compact)),
        ("if the JSON had spaces and `\\u` escapes, as Python writes it", escaped(&spaced)),
        ("if the JSON's keys were sorted", sorted),
        ("if the JSON had `\\/` for each slash, as PHP writes it", slashed(&compact)),
        ("if the JSON were indented", written(&value, PrettyFormatter::new())),
    ]
}

fn written(value: &Value, formatter: impl Formatter) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut bytes, formatter)).expect("JSON into memory");
    bytes
}

fn sorted(value: &Value) -> Value {
    let mut value = value.clone();
    value.sort_all_objects();
    value
}

/// Escapes all characters that are not ASCII; in JSON they occur in strings only.
fn escaped(json: &[u8]) -> Vec<u8> {
    let mut text = String::new();
    for letter in String::from_utf8_lossy(json).chars() {
        match letter.is_ascii() {
            true => text.push(letter),
            false => letter.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text += &format!("\\u{unit:04x}")),
        }
    }
    text.into_bytes()
}

/// Escapes slashes; in JSON they occur in strings only.
fn slashed(json: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(json).replace('/', "\\/").into_bytes()
}

/// A formatter that writes a space after each comma and colon.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}
