//! The text of `config.toml`, and the position of each key in it for diagnostics.

use std::ops::Range;
use std::path::Path;

use frontgate_settings::{Diagnostic, Diagnostics};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::Config;

/// Maximum number of reported mismatches. Each one costs another pass over the file. Without a limit, a large file that
/// is not a configuration would take minutes.
const MISMATCHES_MAX: usize = 100;

/// A parsed file.
pub(super) struct Document<'t> {
    file: String,
    text: &'t str,
    root: Spanned<DeValue<'t>>,
}

impl<'t> Document<'t> {
    /// Parses the text of a file. The error contains the position of the invalid TOML.
    pub(super) fn parse(path: &Path, text: &'t str) -> Result<Self, Diagnostics> {
        let file = path.display().to_string();
        let table = DeTable::parse(text).map_err(|error| {
            Diagnostics::one(Diagnostic {
                place: place(&file, text, error.span()),
                problem: format!("invalid TOML: {}", error.message()),
                fix: "fix the syntax".to_owned(),
            })
        })?;
        let span = table.span();
        Ok(Self { file, text, root: Spanned::new(span, DeValue::Table(table.into_inner())) })
    }

    /// Returns the configuration without the keys that do not match a section. Adds a diagnostic for each of these
    /// keys, up to [`MISMATCHES_MAX`].
    pub(super) fn read(&self) -> (Config, Vec<Diagnostic>) {
        let mut root = self.root.clone();
        let mut diagnostics = Vec::new();
        loop {
            let error = match Config::deserialize(ValueDeserializer::from(root.clone())) {
                Ok(mut config) => {
                    config.values = serde_json::to_value(&config).expect("what was read from TOML can be serialized");
                    return (config, diagnostics);
                }
                Err(error) => error,
            };
            diagnostics.push(self.mismatch(&error));
            if diagnostics.len() == MISMATCHES_MAX {
                return (Config::default(), diagnostics);
            }
            let removed = error.span().is_some_and(|span| remove(&mut root, &span));
            if !removed {
                return (Config::default(), diagnostics);
            }
        }
    }

    /// Returns the position of a key, such as `config.toml:12:3` for `tenants.demo.roles.crm[0]`. If the key is
    /// missing, returns the position of the nearest enclosing table.
    pub(super) fn place(&self, key: &str) -> String {
        let mut value = &self.root;
        let mut span = 0..0;
        for part in key.split(['.', '[']) {
            let next = match value.get_ref() {
                DeValue::Table(table) => table.get_key_value(part).map(|(key, value)| (key.span(), value)),
                DeValue::Array(array) => part
                    .strip_suffix(']')
                    .and_then(|index| array.get(index.parse::<usize>().ok()?))
                    .map(|value| (value.span(), value)),
                _ => None,
            };
            let Some((at, next)) = next else { break };
            (span, value) = (at, next);
        }
        place(&self.file, self.text, Some(span))
    }

    /// Converts an error of serde to a diagnostic for operators.
    fn mismatch(&self, error: &toml::de::Error) -> Diagnostic {
        let place = place(&self.file, self.text, error.span());
        // The message of serde repeats the text, which may be a literal secret.
        let message = match error.message().split_once(": string \"") {
            Some((kind, rest)) => {
                let expected = rest.rsplit_once("\", ").map_or("", |(_, expected)| expected);
                format!("{kind}: string, {expected}")
            }
            None => error.message().to_owned(),
        };
        let Some(rest) = message.strip_prefix("unknown field `") else {
            return Diagnostic {
                place,
                problem: message,
                fix: "see docs/operate/configuration.md, or the example config.toml".to_owned(),
            };
        };
        let mut names = rest.split('`').step_by(2);
        let key = names.next().unwrap_or_default();
        let known: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
        Diagnostic {
            place,
            problem: format!("unknown key `{key}`"),
            fix: nearest(key, known.iter().copied())
                .map_or_else(|| format!("known keys: {}", known.join(", ")), |name| format!("did you mean `{name}`?")),
        }
    }
}

/// Returns the known name that was most likely intended.
fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min()
        .map(|(_, candidate)| candidate)
}

fn place(file: &str, text: &str, span: Option<Range<usize>>) -> String {
    let Some(span) = span.filter(|span| span.end > 0) else {
        return file.to_owned();
    };
    let before = &text[..span.start];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("{file}:{line}:{column}")
}

/// Removes the setting whose key or value is at `span`. A list is removed as a whole. Returns whether one was found.
fn remove(value: &mut Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    let DeValue::Table(table) = value.get_mut() else {
        return false;
    };
    let within = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    let hit = table.iter().find(|(key, value)| {
        key.span() == *span || value.span() == *span || (value.get_ref().is_array() && within(value.span()))
    });
    match hit.map(|(key, _)| key.get_ref().to_string()) {
        Some(key) => table.remove(key.as_str()).is_some(),
        None => table.iter_mut().any(|(_, value)| remove(value, span)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_mismatches_is_read_a_bounded_number_of_times() {
        let text: String = (0..MISMATCHES_MAX * 10).map(|number| format!("key-{number} = 1\n")).collect();
        let document = Document::parse(Path::new("config.toml"), &text).expect("TOML");
        assert_eq!(document.read().1.len(), MISMATCHES_MAX);
    }
}
