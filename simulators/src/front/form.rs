//! Parses the body of a request: JSON, or a multipart form with one field per leaf and optional files.

use futures_util::stream;
use hyper::body::Bytes;
use multer::Multipart;
use serde_json::{Map, Value};

use crate::front::problem::Problem;
use crate::front::record::File;

/// Maximum index and nesting depth, larger than in any real request.
const INDEX_MAX: usize = 1000;
const DEPTH_MAX: usize = 8;

#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    pub(crate) fields: Value,
    pub(crate) files: Vec<File>,
}

fn problem(words: impl Into<String>) -> Problem {
    Problem::invalid(vec![words.into()])
}

pub(crate) async fn read(content_type: &str, bytes: Bytes) -> Result<Form, Problem> {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/json" => {
            let fields: Value =
                serde_json::from_slice(&bytes).map_err(|error| problem(format!("body: not JSON: {error}")))?;
            let fields = Some(fields).filter(Value::is_object).ok_or_else(|| problem("body: not an object"))?;
            Ok(Form { fields, files: Vec::new() })
        }
        "multipart/form-data" => multipart(content_type, bytes).await,
        // [?] Front's response to other content types is undocumented.
        _ => Err(problem("body: neither application/json nor multipart/form-data")),
    }
}

async fn multipart(content_type: &str, bytes: Bytes) -> Result<Form, Problem> {
    let broken = |error: multer::Error| problem(format!("body: {error}"));
    let boundary = multer::parse_boundary(content_type).map_err(broken)?;
    let whole = stream::iter([Ok::<_, multer::Error>(bytes)]);
    let (mut parts, mut form) = (Multipart::new(whole, boundary), Form::default());
    form.fields = Map::new().into();
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        let Some(filename) = part.file_name().map(ToOwned::to_owned) else {
            let text = part.text().await.map_err(broken)?;
            let value = if name == "delivered_at" { digits(text) } else { text.into() };
            let keys: Vec<_> = name.split('[').map(|key| key.trim_end_matches(']')).collect();
            if keys.len() > DEPTH_MAX || !insert(&mut form.fields, &keys, value) {
                return Err(problem(format!("body.{name}: not a field")));
            }
            continue;
        };
        if !is_file(&name) {
            return Err(problem(format!("body.{name}: files are attachments")));
        }
        let content_type = part.content_type().map_or("application/octet-stream", |kind| kind.as_ref()).to_owned();
        let content = part.bytes().await.map_err(broken)?;
        form.files.push(File {
            field: name,
            filename,
            content_type,
            size: content.len(),
            digest: crate::common::digest(&content),
        });
    }
    Ok(form)
}

/// Returns whether a field contains a file. Clients use all three forms of the name.
fn is_file(name: &str) -> bool {
    let index = name.strip_prefix("attachments[").and_then(|rest| rest.strip_suffix(']'));
    name == "attachments" || index.is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Converts digits to a number: a form has only texts, unlike JSON.
fn digits(text: String) -> Value {
    text.parse::<i64>().map_or_else(|_| text.into(), Into::into)
}

/// Inserts the value of a field such as `to[0][handle]`. Returns false if the field already has a value.
fn insert(place: &mut Value, keys: &[&str], value: Value) -> bool {
    let Some((key, rest)) = keys.split_first() else {
        let is_free = place.is_null();
        *place = value;
        return is_free;
    };
    if let Ok(index) = key.parse::<usize>() {
        if place.is_null() {
            *place = Value::Array(Vec::new());
        }
        let Some(items) = place.as_array_mut().filter(|_| index < INDEX_MAX) else { return false };
        if items.len() <= index {
            items.resize(index + 1, Value::Null);
        }
        return insert(&mut items[index], rest, value);
    }
    if place.is_null() {
        *place = Map::new().into();
    }
    match place.as_object_mut() {
        Some(fields) => insert(fields.entry(*key).or_insert(Value::Null), rest, value),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{insert, is_file};

    #[test]
    fn fields_of_a_form_become_what_json_would_have() {
        let mut fields = Value::Object(Map::new());
        for (name, value) in [("to[1][handle]", "b"), ("to[0][handle]", "a"), ("metadata[external_id]", "1")] {
            let keys: Vec<_> = name.split('[').map(|key| key.trim_end_matches(']')).collect();
            assert!(insert(&mut fields, &keys, value.into()));
        }
        assert_eq!(fields, json!({ "to": [{ "handle": "a" }, { "handle": "b" }], "metadata": { "external_id": "1" } }));
        assert!(!insert(&mut fields, &["to", "9999"], "c".into()) && !insert(&mut fields, &["to"], "c".into()));
        let names = ["attachments", "attachments[]", "attachments[12]", "attachments[x]", "file"].map(is_file);
        assert_eq!(names, [true, true, true, false, false]);
    }
}
