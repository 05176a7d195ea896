//! `--set`: one field of a JSON, by its path.

use serde_json::{Map, Value};

/// A field and what it is to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    path: String,
    /// None, where it is left out.
    value: Option<Value>,
}

impl Field {
    /// `PATH=TEXT`, `PATH:=JSON` or `PATH:=`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (path, value) = text.split_once('=').ok_or("write PATH=TEXT or PATH:=JSON")?;
        let (path, value) = match path.strip_suffix(':') {
            None => (path, Some(Value::from(value))),
            Some(path) if value.is_empty() => (path, None),
            Some(path) => {
                let json = serde_json::from_str(value);
                let json = json.map_err(|error| format!("behind `:=` stands no JSON ({error}); for a text, write `=`"));
                (path, Some(json?))
            }
        };
        if path.split('.').any(str::is_empty) {
            return Err(format!("`{path}` is no path such as payload.text"));
        }
        Ok(Self { path: path.to_owned(), value })
    }

    pub(super) fn is(&self, path: &str) -> bool {
        self.path == path
    }

    /// Sets it, with whatever leads there, or leaves it out.
    pub(super) fn put(&self, json: &mut Value) -> Result<(), String> {
        let Some(value) = &self.value else { return self.leave_out(json) };
        let (mut place, mut known) = (json, String::new());
        for name in self.path.split('.') {
            place = below(place, name, &known)?;
            known = if known.is_empty() { name.to_owned() } else { format!("{known}.{name}") };
        }
        *place = value.clone();
        Ok(())
    }

    fn leave_out(&self, json: &mut Value) -> Result<(), String> {
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

/// A field or an entry, which is made if it is not there; `known` is the way to it, for words.
fn below<'v>(place: &'v mut Value, name: &str, known: &str) -> Result<&'v mut Value, String> {
    if place.is_null() {
        *place = Value::Object(Map::new());
    }
    match place {
        Value::Object(fields) => Ok(fields.entry(name).or_insert(Value::Null)),
        Value::Array(entries) => {
            let most = entries.len();
            let at = name.parse::<usize>().ok().filter(|at| *at <= most).ok_or_else(|| {
                format!("`{known}` is a list of {most}: name an entry by its number, from 0; {most} adds one")
            })?;
            if at == most {
                entries.push(Value::Null);
            }
            Ok(&mut entries[at])
        }
        _ => Err(format!("`{known}` is no object, so it has no field `{name}`")),
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
    fn a_field_is_a_text_unless_it_is_said_to_be_json() {
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
    fn what_cannot_be_set_is_said() {
        let json = json!({"payload": {"text": "a", "to": []}});
        let table = [
            ("payload", "write PATH=TEXT"),
            ("=x", "is no path"),
            ("payload..text=x", "is no path"),
            ("payload.text:=x", "stands no JSON"),
            ("payload.text.more=x", "`payload.text` is no object, so it has no field `more`"),
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
