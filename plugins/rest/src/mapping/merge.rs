//! Merges the operator's mapping with its preset, and puts settings into the paths of records.

use toml::{Table, Value};

/// The mappings that the plugin brings, by name.
pub(crate) const PRESETS: [(&str, &str); 4] = [
    ("airtable", include_str!("../../presets/airtable.toml")),
    ("pipedrive", include_str!("../../presets/pipedrive.toml")),
    ("zendesk", include_str!("../../presets/zendesk.toml")),
    ("zoho", include_str!("../../presets/zoho.toml")),
];

/// Returns the whole mapping of the operator's one.
pub(super) fn whole(own: Table) -> Result<Table, String> {
    let mut whole = match own.get("preset") {
        None => Table::new(),
        Some(Value::String(name)) => {
            let found = PRESETS.iter().find(|(known, _)| known == name).map(|(_, text)| *text);
            let known = || PRESETS.map(|(name, _)| name).join(", ");
            let text = found.ok_or_else(|| format!("unknown preset `{name}`; known: {}", known()))?;
            toml::from_str(text).map_err(|error| format!("preset `{name}`: {}", error.message()))?
        }
        Some(_) => return Err("`preset` is a text with the name of a preset".to_owned()),
    };
    merge(&mut whole, own);
    let settings = whole.get("settings").and_then(Value::as_table).cloned().unwrap_or_default();
    if let Some(record) = whole.get_mut("record") {
        insert(record, &settings);
    }
    Ok(whole)
}

/// Replaces single keys. `false` removes a table.
fn merge(whole: &mut Table, own: Table) {
    for (key, value) in own {
        match (whole.get_mut(&key), value) {
            (Some(Value::Table(whole)), Value::Table(own)) => merge(whole, own),
            (Some(Value::Table(_)), Value::Boolean(false)) => drop(whole.remove(&key)),
            (_, value) => drop(whole.insert(key, value)),
        }
    }
}

/// Puts settings into all texts, as steps of paths.
fn insert(value: &mut Value, settings: &Table) {
    match value {
        Value::String(text) => {
            for (name, setting) in settings {
                let setting = setting.as_str().unwrap_or_default().replace('~', "~0").replace('/', "~1");
                *text = text.replace(&format!("{{{name}}}"), &setting);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| insert(value, settings)),
        Value::Table(table) => table.iter_mut().for_each(|(_, value)| insert(value, settings)),
        _ => {}
    }
}
