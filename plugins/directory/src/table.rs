//! Reads the file as rows of named values: CSV with any common separator, or a JSON list of objects.

use std::rc::Rc;

use frontgate_sdk::{Error, Result};
use serde_json::Value;

use crate::row::Row;

/// Reads the content of a file with this name.
pub(crate) fn read(path: &str, text: &str) -> Result<Vec<Row>> {
    let rows = match path.rsplit_once('.') {
        Some((_, "json")) => json(text),
        _ => csv(text),
    };
    rows.map_err(|problem| Error::failed(format!("`{path}`: {problem}")))
}

fn csv(text: &str) -> std::result::Result<Vec<Row>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?;
    let columns: Rc<[String]> = header.iter().map(str::to_owned).collect();
    let rows = reader.records().map(|record| {
        let values = record.map_err(|error| error.to_string())?;
        Ok(Row::new(&columns, values))
    });
    rows.collect()
}

/// Returns the most frequent separator of the first line.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let count = |separator: &u8| header.bytes().filter(|byte| byte == separator).count();
    let most = [b'\t', b';', b','].into_iter().max_by_key(count);
    most.unwrap_or(b',')
}

fn json(text: &str) -> std::result::Result<Vec<Row>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let Value::Array(objects) = value else {
        return Err("it is not a list of objects".to_owned());
    };
    let row = |object: Value| {
        let Value::Object(fields) = object else {
            return Err("a member of the list is not an object".to_owned());
        };
        let (columns, values): (Vec<_>, Vec<String>) =
            fields.into_iter().map(|(name, value)| (name, plain(value))).unzip();
        Ok(Row::new(&columns.into(), values.into()))
    };
    objects.into_iter().map(row).collect()
}

fn plain(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    }
}
