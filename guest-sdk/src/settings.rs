//! What the operator wrote for this plugin: `config` and `secrets` of `[plugins.named.NAME]`.
//!
//! ```
//! use frontgate_sdk::{settings, testing};
//!
//! testing::settings([("greeting", "Hello"), ("columns.name", "Name")]);
//! assert_eq!(settings::get("greeting").as_deref(), Some("Hello"));
//! assert_eq!(settings::all().len(), 2);
//! ```

use crate::{Error, Result};

/// One setting. A key inside a table is written with dots: `columns.name`.
pub fn get(key: &str) -> Option<String> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::settings::get(key);
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::get(key);
}

/// Every setting, sorted by key.
pub fn all() -> Vec<(String, String)> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::settings::all();
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::all();
}

/// A setting that is `true` or `false`.
///
/// ```
/// use frontgate_sdk::{settings, testing};
///
/// testing::settings([("loud", "true"), ("shy", "yes")]);
/// assert_eq!(settings::flag("loud", false), Ok(true));
/// assert_eq!(settings::flag("quiet", false), Ok(false));
/// assert!(settings::flag("shy", false).is_err());
/// ```
pub fn flag(key: &str, default: bool) -> Result<bool> {
    match get(key).as_deref() {
        None => Ok(default),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => Err(Error::failed(format!("the setting `{key}` is `{other}`; write true or false"))),
    }
}

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
    let Some((key, _)) = all.iter().find(|(key, _)| !is_known(key)) else {
        return Ok(());
    };
    // The keys inside a table are the operator's own: only the table's name can be mistyped.
    let inside = key.split_once('.').map_or("...", |(_, inside)| inside);
    let meant = known.iter().map(|known| (known, known.replace('*', inside)));
    let near = meant.map(|(known, meant)| (distance(key, &meant), known.len(), meant));
    let hint = match near.filter(|(distance, length, _)| *distance <= 1 + length / 4).min() {
        Some((_, _, meant)) => format!("did you mean `{meant}`?"),
        None => format!("known here: {}", known.join(", ")),
    };
    Err(Error::Failed(format!("unknown setting `{key}`: {hint}")))
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
