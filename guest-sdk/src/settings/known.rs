//! Errors about missing and unknown settings, with suggestions.

use crate::{Error, Result, host};

/// Rejects unknown settings, so that a mistyped one is an error. `columns.*` means all keys of the table `columns`.
///
/// ```
/// use frontgate_sdk::{Error, settings, testing};
///
/// testing::settings([("customers", "customers.csv"), ("column.name", "Name")]);
/// assert_eq!(settings::only(&["customers", "column.*"]), Ok(()));
/// assert_eq!(
///     settings::only(&["customers", "columns.*"]),
///     Err(Error::failed("unknown setting `column.name`: did you mean `columns.name`?"))
/// );
/// assert_eq!(
///     settings::only(&["customers"]),
///     Err(Error::failed("unknown setting `column.name`: known settings: customers"))
/// );
/// ```
pub fn only(known: &[&str]) -> Result<()> {
    let is_known = |key: &str| {
        known.iter().any(|known| match known.strip_suffix('*') {
            Some(table) => key.starts_with(table),
            None => *known == key,
        })
    };
    let all = host::settings::all();
    match all.iter().find(|(key, _)| !is_known(key)) {
        Some((key, _)) => Err(Error::Failed(unknown(key, known))),
        None => Ok(()),
    }
}

pub(super) fn missing(key: &str) -> String {
    format!("the setting `{key}` is missing")
}

/// The error about a setting that is not one of `known`.
pub(super) fn unknown(key: &str, known: &[&str]) -> String {
    // The operator chooses the keys inside a table: only the table's name can be mistyped.
    let inside = key.split_once('.').map_or("...", |(_, inside)| inside);
    let meant = known.iter().map(|known| (known, known.replace('*', inside)));
    let near = meant.map(|(known, meant)| (distance(key, &meant), known.len(), meant));
    let hint = match near.filter(|(distance, length, _)| *distance <= 1 + length / 4).min() {
        Some((_, _, meant)) => format!("did you mean `{meant}`?"),
        None => format!("known settings: {}", known.join(", ")),
    };
    format!("unknown setting `{key}`: {hint}")
}

/// The edit distance: insertions, deletions and replacements of characters.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (above, a) in one.chars().enumerate() {
        let mut corner = above;
        row[0] = above + 1;
        for (left, b) in other.chars().enumerate() {
            let replaced = corner + usize::from(a != b);
            corner = row[left + 1];
            row[left + 1] = replaced.min(corner + 1).min(row[left] + 1);
        }
    }
    row[other.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_settings_are_rejected_with_a_suggestion() {
        let known = ["language", "languages.*", "templates", "columns.id"];
        let table = [
            ("language", None),
            ("languages.+49", None),
            ("languages", Some("did you mean `language`?")),
            ("langauge", Some("did you mean `language`?")),
            ("Templates", Some("did you mean `templates`?")),
            ("language.+49", Some("did you mean `languages.+49`?")),
            ("columns.idd", Some("did you mean `columns.id`?")),
            ("x", Some("known settings: language, languages.*, templates, columns.id")),
        ];
        for (key, hint) in table {
            crate::testing::settings([(key, "")]);
            let want = hint.map_or(Ok(()), |hint| Err(Error::failed(format!("unknown setting `{key}`: {hint}"))));
            assert_eq!(only(&known), want, "{key}");
        }
    }
}
