//! Paths into JSON: `/data/0/name`, with `*` for every element of a list.

use serde::Deserialize;
use serde_json::Value;

/// A path. Empty: the whole value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Path(Vec<String>);

impl TryFrom<String> for Path {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("`{text}` is no path; write it from the top with slashes, such as /data/*/name"));
        };
        // The escapes of JSON pointers.
        Ok(Self(rest.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect()))
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "/{}", step.replace('~', "~0").replace('/', "~1")))
    }
}

impl Path {
    /// Returns all values at this path. A list at the end is returned as a whole.
    pub(crate) fn all<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        let mut found = vec![value];
        for step in &self.0 {
            found = found.into_iter().flat_map(|value| inside(value, step)).collect();
        }
        found
    }

    /// Returns the records at this path: the elements of lists, and objects.
    pub(crate) fn records<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        let elements = |value: &'v Value| match value {
            Value::Array(elements) => elements.iter().collect(),
            Value::Object(_) => vec![value],
            _ => Vec::new(),
        };
        self.all(value).into_iter().flat_map(elements).collect()
    }

    /// Returns whether an answer has something at this path, and be it an empty list or null.
    pub(crate) fn is_in(&self, value: &Value) -> bool {
        let end = self.0.iter().position(|step| step == "*").unwrap_or(self.0.len());
        !Self(self.0[..end].to_vec()).all(value).is_empty()
    }

    /// Returns all texts at this path, without blank ones. Numbers and flags are texts; lists are their elements.
    pub(crate) fn texts(&self, value: &Value) -> Vec<String> {
        self.all(value).into_iter().flat_map(texts).collect()
    }

    /// Returns the first text at this path.
    pub(crate) fn text(&self, value: &Value) -> Option<String> {
        self.texts(value).into_iter().next()
    }
}

fn inside<'v>(value: &'v Value, step: &str) -> Vec<&'v Value> {
    match value {
        Value::Array(elements) if step == "*" => elements.iter().collect(),
        Value::Array(elements) => step.parse().ok().and_then(|at: usize| elements.get(at)).into_iter().collect(),
        Value::Object(members) => members.get(step).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn texts(value: &Value) -> Vec<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Array(elements) => return elements.iter().flat_map(texts).collect(),
        Value::Null | Value::Object(_) => return Vec::new(),
    };
    if text.is_empty() { Vec::new() } else { vec![text] }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_reads_members_elements_and_every_element() {
        let value = json!({ "a": [{ "b": " x " }, { "b": 7 }, { "b": null }, { "c/d": [true, ""] }], "*": 1 });
        let table: [(&str, &[&str]); 8] = [
            ("/a/*/b", &["x", "7"]),
            ("/a/1/b", &["7"]),
            ("/a/9/b", &[]),
            ("/a/3/c~1d", &["true"]),
            ("/a/*/c~1d/0", &["true"]),
            ("/*", &["1"]),
            ("/a/b", &[]),
            ("", &[]),
        ];
        for (path, want) in table {
            assert_eq!(Path::try_from(path.to_owned()).expect("a path").texts(&value), want, "{path}");
        }
    }

    #[test]
    fn records_are_elements_or_one_object() {
        let value = json!({ "data": [{ "id": 1 }, { "id": 2 }], "one": { "id": 3 }, "none": null });
        for (path, count) in [("/data", 2), ("/data/*", 2), ("/one", 1), ("/none", 0), ("/gone", 0), ("", 1)] {
            assert_eq!(Path::try_from(path.to_owned()).expect("a path").records(&value).len(), count, "{path}");
        }
    }

    #[test]
    fn an_empty_list_is_in_an_answer_but_a_missing_one_is_not() {
        let value = json!({ "data": { "items": [] } });
        for (path, is_in) in [("/data/items/*/item", true), ("/data/items", true), ("/data/gone/*", false), ("", true)]
        {
            assert_eq!(Path::try_from(path.to_owned()).expect("a path").is_in(&value), is_in, "{path}");
        }
    }

    #[test]
    fn a_path_begins_with_a_slash() {
        assert!(Path::try_from("data/name".to_owned()).is_err());
    }
}
