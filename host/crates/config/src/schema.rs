//! The JSON schema of `config.toml`, derived from the structs of all sections. It defines ranges and restart
//! requirements.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::Config;

/// Schema keyword of keys that need a restart: `true`, or `"when raised"`.
const RESTART: &str = "x-restart";

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let mut settings = SchemaSettings::draft2020_12();
    // With inlined subschemas, a value and its schema have the same shape.
    settings.inline_subschemas = true;
    let mut schema = settings.into_generator().into_root_schema_for::<Config>().to_value();
    simplify(&mut schema);
    schema
});

/// Returns the JSON schema of `config.toml` (draft 2020-12), without references to definitions.
///
/// Two keywords are specific to Frontgate: `x-restart` marks keys that need a restart (`true` or `"when raised"`), and
/// `x-keys-of` names the section whose keys a table overrides.
pub fn schema() -> &'static Value {
    &SCHEMA
}

/// Removes keywords that are useless for TOML and editors: `null`, Rust's integer formats, defaults of tables. Also
/// joins the lines of descriptions.
fn simplify(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(simplify),
        Value::Object(keywords) => {
            keywords.values_mut().for_each(simplify);
            if let Some(Value::String(sentence)) = keywords.get_mut("description") {
                *sentence = sentence.replace('\n', " ");
            }
            if keywords.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
                keywords.shift_remove("format");
            }
            if keywords.get("default").is_some_and(|default| default.is_null() || default.is_object()) {
                keywords.shift_remove("default");
            }
            remove_null(keywords);
        }
        _ => {}
    }
}

/// Replaces the schema of an `Option` by the schema of its inner type.
fn remove_null(keywords: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = keywords.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            keywords.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(alternatives)) = keywords.get_mut("anyOf") else { return };
    alternatives.retain(|alternative| alternative.get("type").is_none_or(|name| name != "null"));
    if let [Value::Object(only)] = alternatives.as_mut_slice() {
        let only = std::mem::take(only);
        keywords.shift_remove("anyOf");
        for (keyword, value) in only {
            keywords.entry(keyword).or_insert(value);
        }
    }
}

/// A value in the configuration that is neither a table nor a list.
pub(super) struct Setting<'s> {
    /// The key, such as `tenants.demo.twilio.numbers[0]`.
    pub(super) key: String,
    /// The value.
    pub(super) value: &'s Value,
    /// Minimum and maximum of the value.
    pub(super) range: Option<(u64, u64)>,
    /// Whether any change needs a restart.
    pub(super) restart: bool,
}

/// Returns the settings of a serialized configuration, in the order of the configuration.
pub(super) fn settings(config: &Value) -> Vec<Setting<'_>> {
    let mut found = Vec::new();
    collect(String::new(), config, schema(), false, &mut found);
    found
}

fn collect<'s>(key: String, value: &'s Value, schema: &Value, restart: bool, found: &mut Vec<Setting<'s>>) {
    let restart = restart || schema.get(RESTART) == Some(&Value::Bool(true));
    match value {
        Value::Null => {}
        Value::Object(table) => {
            // One of several alternatives, such as those of `state`, is a table.
            let alternatives = schema.get("anyOf").and_then(Value::as_array);
            let table_of = |schema: &&Value| schema.get("type").is_some_and(|name| name == "object");
            let schema = alternatives.and_then(|all| all.iter().find(table_of)).unwrap_or(schema);
            for (name, value) in table {
                let named = schema.get("properties").and_then(|properties| properties.get(name));
                let inner = named.or_else(|| schema.get("additionalProperties")).unwrap_or(&Value::Null);
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                collect(key, value, inner, restart, found);
            }
        }
        Value::Array(list) => {
            let inner = schema.get("items").unwrap_or(&Value::Null);
            for (index, value) in list.iter().enumerate() {
                collect(format!("{key}[{index}]"), value, inner, restart, found);
            }
        }
        value => {
            let end = |keyword| schema.get(keyword).and_then(Value::as_u64);
            let range = end("maximum").map(|most| (end("minimum").unwrap_or(0), most));
            found.push(Setting { key, value, range, restart });
        }
    }
}
