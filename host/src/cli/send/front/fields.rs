//! `--set`: one field of a JSON document, by its path.

use serde_json::{Map, Value};

/// A field and its new value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    path: String,
    /// New value; `None` removes the field.
    value: Option<Value>,
}

impl Field {
    /// Parses `PATH=TEXT`, `PATH:=JSON` or `PATH:=`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (path, value) = text.split_once('=').ok_or("write PATH=TEXT or PATH:=JSON")?;
        let (path, value) = match path.strip_suffix(':') {
            None => (path, Some(Value::from(value))),
            Some(path) if value.is_empty() => (path, None),
            Some(path) => {
                let json = serde_json::from_str(value);
                let json = json.map_err(|error| format!("invalid JSON after `:=` ({error}); for a text, write `=`"));
                (path, Some(json?))
            }
        };
        if path.split('.').any(str::is_empty) {
            return Err(format!("invalid path `{path}`; write it as payload.text"));
        }
        Ok(Self { path: path.to_owned(), value })
    }

    pub(super) fn is(&self, path: &str) -> bool {
        self.path == path
    }

    /// Sets the field and creates missing parents, or removes the field.
    pub(super) fn put(&self, json: &mut Value) -> Result<(), String> {
        let Some(value) = &self.value else { return self.remove(json) };
        let (mut place, mut known) = (json, String::new());
        for name in self.path.split('.') {
            place = below(place, name, &known)?;
            known = if known.is_empty() { name.to_owned() } else { format!("{known}.{name}") };
        }
        *place = value.clone();
        Ok(())
    }

    fn remove(&self, json: &mut Value) -> Result<(), String> {
        let (before, last) = self.path.rsplit_once('.').unwrap_or(("", &self.path));
        let mut names = before.split('.').filter(|name| !name.is_empty());
        let place = names.try_fold(json, |place, name| match place {
            Value::Array(entries) => entries.get_mut(name.parse::<usize>().ok()?),
            place => place.get_mut(name),
        });
        match place {
            Some(Value::Object(fields)) => drop(fields.shift_remove(last)),
            Some(Value::Array(entries)) => {
                let at = last.parse::<usize>().ok().filter(|at| *at < entries.len());
                entries.remove(at.ok_or_else(|| format!("`{before}` has no entry {last}"))?);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Returns a field or list entry, and creates it if missing. `known` is the path of the parent, for errors.
fn below<'v>(place: &'v mut Value, name: &str, known: &str) -> Result<&'v mut Value, String> {
    if place.is_null() {
        *place = Value::Object(Map::new());
    }
    match place {
        Value::Object(fields) => Ok(fields.entry(name).or_insert(Value::Null)),
        Value::Array(entries) => {
            let most = entries.len();
            let at = name.parse::<usize>().ok().filter(|at| *at <= most).ok_or_else(|| {
                format!("`{known}` is a list of {most}: use the number of an entry, from 0; {most} adds one")
            })?;
            if at == most {
                entries.push(Value::Null);
            }
            Ok(&mut entries[at])
        }
        _ => Err(format!("`{known}` is not an object and has no field `{name}`")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(json: &Value, text: &str) -> Result<Value, String> {
        let mut json = json.clone();
        Field::read(text)?.put(&mut json)?;
        Ok(json)
    }

    #[test]
    fn a_value_is_a_text_unless_marked_as_json() {
        let before = json!({"payload": {"text": "a", "to": [{"handle": "b"}], "none": null}});
        let table = [
            ("payload.text=1.5", json!({"payload": {"text": "1.5", "to": [{"handle": "b"}], "none": null}})),
            ("payload.text=", json!({"payload": {"text": "", "to": [{"handle": "b"}], "none": null}})),
            ("payload.text=x:=y=z", json!({"payload": {"text": "x:=y=z", "to": [{"handle": "b"}], "none": null}})),
            ("payload.text:=1.5", json!({"payload": {"text": 1.5, "to": [{"handle": "b"}], "none": null}})),
            ("payload.text:=", json!({"payload": {"to": [{"handle": "b"}], "none": null}})),
            ("payload.to.0.handle=c", json!({"payload": {"text": "a", "to": [{"handle": "c"}], "none": null}})),
            ("payload.to.1=c", json!({"payload": {"text": "a", "to": [{"handle": "b"}, "c"], "none": null}})),
            ("payload.to.0:=", json!({"payload": {"text": "a", "to": [], "none": null}})),
            ("payload.none.new=c", json!({"payload": {"text": "a", "to": [{"handle": "b"}], "none": {"new": "c"}}})),
            ("type=x", json!({"payload": before["payload"].clone(), "type": "x"})),
            ("a.b:=[1]", json!({"payload": before["payload"].clone(), "a": {"b": [1]}})),
            ("other:=", before.clone()),
            ("a.b:=", before.clone()),
        ];
        for (text, want) in table {
            assert_eq!(set(&before, text), Ok(want), "{text}");
        }
    }

    #[test]
    fn an_invalid_field_is_an_error() {
        let json = json!({"payload": {"text": "a", "to": []}});
        let table = [
            ("payload", "write PATH=TEXT"),
            ("=x", "invalid path"),
            ("payload..text=x", "invalid path"),
            ("payload.text:=x", "invalid JSON after `:=`"),
            ("payload.text.more=x", "`payload.text` is not an object and has no field `more`"),
            ("payload.to.handle=x", "`payload.to` is a list of 0"),
            ("payload.to.1=x", "`payload.to` is a list of 0"),
            ("payload.to.0:=", "`payload.to` has no entry 0"),
        ];
        for (text, words) in table {
            let said = set(&json, text).expect_err(text);
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}
