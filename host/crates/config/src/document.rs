//! The text of `config.toml` and where each key stands in it, so that every fault has a place.

use std::ops::Range;
use std::path::Path;

use frontgate_settings::{Fault, Faults};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::Config;

/// Misfits of one file that are reported. Each is found by reading the whole file once more, so that many of them in
/// a large file, such as one that is no configuration at all, would take minutes.
const MISFITS_MAX: usize = 100;

/// A parsed file.
pub(super) struct Document<'t> {
    file: String,
    text: &'t str,
    root: Spanned<DeValue<'t>>,
}

impl<'t> Document<'t> {
    pub(super) fn parse(path: &Path, text: &'t str) -> Result<Self, Faults> {
        let file = path.display().to_string();
        let table = DeTable::parse(text).map_err(|error| {
            Faults::one(Fault {
                place: place(&file, text, error.span()),
                problem: format!("this is not TOML: {}", error.message()),
                fix: "mend the syntax".to_owned(),
            })
        })?;
        let span = table.span();
        Ok(Self { file, text, root: Spanned::new(span, DeValue::Table(table.into_inner())) })
    }

    /// The configuration, with everything that does not fit left out and reported, up to [`MISFITS_MAX`].
    pub(super) fn read(&self) -> (Config, Vec<Fault>) {
        let mut root = self.root.clone();
        let mut faults = Vec::new();
        loop {
            let error = match Config::deserialize(ValueDeserializer::from(root.clone())) {
                Ok(config) => return (config, faults),
                Err(error) => error,
            };
            faults.push(self.misfit(&error));
            if faults.len() == MISFITS_MAX {
                return (Config::default(), faults);
            }
            let removed = error.span().is_some_and(|span| remove(&mut root, &span));
            if !removed {
                return (Config::default(), faults);
            }
        }
    }

    /// `config.toml:12:3` for a key such as `tenants.demo.roles.crm[0]`, or for the nearest table
    /// around it that is there.
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

    /// Turns what serde says into what an operator needs.
    fn misfit(&self, error: &toml::de::Error) -> Fault {
        let place = place(&self.file, self.text, error.span());
        // serde repeats the text that does not fit, which may be a secret that stands where none may.
        let message = match error.message().split_once(": string \"") {
            Some((kind, rest)) => {
                let expected = rest.rsplit_once("\", ").map_or("", |(_, expected)| expected);
                format!("{kind}: a text, {expected}")
            }
            None => error.message().to_owned(),
        };
        let Some(rest) = message.strip_prefix("unknown field `") else {
            return Fault {
                place,
                problem: message,
                fix: "see the comment beside this key in the example config.toml".to_owned(),
            };
        };
        let mut names = rest.split('`').step_by(2);
        let key = names.next().unwrap_or_default();
        let known: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
        Fault {
            place,
            problem: format!("unknown key `{key}`"),
            fix: nearest(key, known.iter().copied())
                .map_or_else(|| format!("known here: {}", known.join(", ")), |name| format!("did you mean `{name}`?")),
        }
    }
}

/// The known name that was most likely meant.
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

/// Removes the setting whose key or value stands at `span`, a list as a whole; says whether it was
/// there.
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
    fn a_file_of_misfits_is_read_a_bounded_number_of_times() {
        let text: String = (0..MISFITS_MAX * 10).map(|number| format!("key-{number} = 1\n")).collect();
        let document = Document::parse(Path::new("config.toml"), &text).expect("TOML");
        assert_eq!(document.read().1.len(), MISFITS_MAX);
    }
}
