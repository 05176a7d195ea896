//! What a body may have been before something on its way wrote it anew, or what somebody signed who
//! did not sign the bytes that were sent.

use std::io;

use serde::Serialize as _;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};
use serde_json::{Serializer, Value};

/// The usual variants of a body, each with the change that leads to it.
pub(super) fn variants(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut all = vec![
        ("if the body had no white space around it", body.trim_ascii().to_vec()),
        ("if the body ended with a line feed", [body, b"\n"].concat()),
    ];
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        let compact = written(&value, CompactFormatter);
        let spaced = written(&value, Spaced);
        let sorted = written(&sorted(&value), CompactFormatter);
        all.extend([
            ("if the JSON were written as JavaScript does: something on the way wrote it anew", compact.clone()),
            ("if the JSON had a space after each comma and colon, as Python writes it", spaced.clone()),
            ("if the JSON had `\\u` escapes for all but ASCII", escaped(&compact)),
            ("if the JSON had spaces and `\\u` escapes, as Python writes it", escaped(&spaced)),
            ("if the JSON's keys were sorted", sorted),
            ("if the JSON had `\\/` for each slash, as PHP writes it", slashed(&compact)),
            ("if the JSON were indented", written(&value, PrettyFormatter::new())),
        ]);
    }
    all
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

/// Characters beyond ASCII stand inside strings only.
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

/// So do slashes.
fn slashed(json: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(json).replace('/', "\\/").into_bytes()
}

/// `", "` and `": "`.
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
