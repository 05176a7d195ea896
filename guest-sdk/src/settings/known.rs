//! Settings that the plugin does not know, and which one was meant.

use crate::settings::all;
use crate::{Error, Result};

/// Refuses settings that the plugin does not know, so that a mistyped one does not just have no
/// effect. `columns.*` knows every key inside the table `columns`.
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
/// assert_eq!(settings::only(&["customers"]), Err(Error::failed("unknown setting `column.name`: known here: customers")));
/// ```
pub fn only(known: &[&str]) -> Result<()> {
    let is_known = |key: &str| {
        known.iter().any(|known| match known.strip_suffix('*') {
            Some(table) => key.starts_with(table),
            None => *known == key,
        })
    };
    let all = all();
    match all.iter().find(|(key, _)| !is_known(key)) {
        Some((key, _)) => Err(Error::Failed(unknown(key, known))),
        None => Ok(()),
    }
}

/// What is said of a setting that is none of these.
pub(super) fn unknown(key: &str, known: &[&str]) -> String {
    // The keys inside a table are the operator's own: only the table's name can be mistyped.
    let inside = key.split_once('.').map_or("...", |(_, inside)| inside);
    let meant = known.iter().map(|known| (known, known.replace('*', inside)));
    let near = meant.map(|(known, meant)| (distance(key, &meant), known.len(), meant));
    let hint = match near.filter(|(distance, length, _)| *distance <= 1 + length / 4).min() {
        Some((_, _, meant)) => format!("did you mean `{meant}`?"),
        None => format!("known here: {}", known.join(", ")),
    };
    format!("unknown setting `{key}`: {hint}")
}

/// How many characters must be added, left out or replaced to make one word of the other.
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
    fn an_unknown_setting_is_refused_with_the_one_that_was_meant() {
        let known = ["language", "languages.*", "templates", "columns.id"];
        let table = [
            ("language", None),
            ("languages.+49", None),
            ("languages", Some("did you mean `language`?")),
            ("langauge", Some("did you mean `language`?")),
            ("Templates", Some("did you mean `templates`?")),
            ("language.+49", Some("did you mean `languages.+49`?")),
            ("columns.idd", Some("did you mean `columns.id`?")),
            ("x", Some("known here: language, languages.*, templates, columns.id")),
        ];
        for (key, hint) in table {
            crate::testing::settings([(key, "")]);
            let want = hint.map_or(Ok(()), |hint| Err(Error::failed(format!("unknown setting `{key}`: {hint}"))));
            assert_eq!(only(&known), want, "{key}");
        }
    }
}
