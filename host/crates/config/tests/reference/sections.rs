//! The sections of `config.toml`, found in the schema.

use frontgate_config::schema;
use serde_json::{Map, Value};

/// A table of the configuration.
pub(super) struct Section<'s> {
    /// Key of the table, such as `tenants.NAME.front.APP`; empty for the whole file.
    pub(super) path: String,
    /// Whether the key holds a list of such tables.
    pub(super) is_list: bool,
    /// Whether the table is in a list.
    pub(super) is_in_list: bool,
    /// Schema of the table.
    pub(super) schema: &'s Map<String, Value>,
}

impl<'s> Section<'s> {
    /// Returns the schemas of the section's keys, without subsections.
    pub(super) fn properties(&self) -> Map<String, Value> {
        let all = self.schema["properties"].as_object().expect("a table");
        let keys = all.iter().filter(|(_, schema)| inner(schema).is_none());
        keys.map(|(key, schema)| (key.clone(), schema.clone())).collect()
    }

    fn sections(&self) -> Vec<Section<'s>> {
        let mut found = Vec::new();
        for (key, schema) in self.schema["properties"].as_object().expect("a table") {
            let Some((named, schema, is_list)) = inner(schema) else { continue };
            let prefix = if self.path.is_empty() { String::new() } else { format!("{}.", self.path) };
            let name = match named {
                false => "",
                true if prefix.contains("NAME") => ".APP",
                true => ".NAME",
            };
            let is_in_list = self.is_list || self.is_in_list;
            let section = Section { path: format!("{prefix}{key}{name}"), is_list, is_in_list, schema };
            let below = section.sections();
            found.push(section);
            found.extend(below);
        }
        found
    }
}

/// Returns whether the table has named subtables, the schema of the table, and whether the key holds a list.
fn inner(schema: &Value) -> Option<(bool, &Map<String, Value>, bool)> {
    // A secret is a single value, although it is written as a table.
    let table = |schema: &'_ Value| schema.get("properties").is_some() && schema.get("title").is_none();
    if schema.get("x-keys-of").is_some() {
        return None;
    }
    let is_table = table(schema);
    let schema = schema.as_object()?;
    if is_table {
        return Some((false, schema, false));
    }
    if let Some(named) = schema.get("additionalProperties").filter(|named| table(named)) {
        return Some((true, named.as_object()?, false));
    }
    let items = schema.get("items").filter(|items| table(items))?;
    Some((false, items.as_object()?, true))
}

/// Returns every section, in the order of the file.
pub(super) fn sections() -> Vec<Section<'static>> {
    let root = schema().as_object().expect("a schema");
    Section { path: String::new(), is_list: false, is_in_list: false, schema: root }.sections()
}
