//! Converts JSON into fields of a form, one for each leaf: `sender[handle]`, `to[0][name]`.

use serde_json::Value;

/// One text field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name.
    pub name: String,
    /// The unescaped value.
    pub value: String,
}

/// Returns all leaves of a value in order, except nulls.
pub(super) fn of(value: &Value) -> Vec<Field> {
    let mut fields = Vec::new();
    collect(value, String::new(), &mut fields);
    fields
}

fn collect(value: &Value, name: String, fields: &mut Vec<Field>) {
    let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}[{key}]") };
    match value {
        Value::Null => {}
        Value::Bool(flag) => fields.push(Field { name, value: flag.to_string() }),
        Value::Number(number) => fields.push(Field { name, value: number.to_string() }),
        Value::String(text) => fields.push(Field { name, value: text.clone() }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| collect(item, inner(&at.to_string()), fields));
        }
        Value::Object(items) => items.iter().for_each(|(key, item)| collect(item, inner(key), fields)),
    }
}
