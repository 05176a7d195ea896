//! The operator's settings for this plugin: `config` and `secrets` of `[plugins.named.NAME]`.
//!
//! A plugin declares its settings as a struct, and reads them with one call. Unknown keys, missing keys and values of
//! the wrong type are errors that name the setting, for the operator:
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use frontgate_sdk::{Error, settings, testing};
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Settings {
//!     /// The CRM's URL.
//!     crm: String,
//!     /// From `secrets`, which are read like other settings.
//!     token: String,
//!     #[serde(default = "fifty")]
//!     page_size: u32,
//!     #[serde(default)]
//!     workers: Vec<String>,
//!     #[serde(default)]
//!     columns: Columns,
//!     /// A table whose keys the operator chooses.
//!     #[serde(default)]
//!     languages: BTreeMap<String, String>,
//! }
//!
//! #[derive(Default, Deserialize)]
//! #[serde(default)]
//! struct Columns {
//!     name: Option<String>,
//! }
//!
//! fn fifty() -> u32 {
//!     50
//! }
//!
//! testing::settings([
//!     ("crm", "https://crm.example.com"),
//!     ("workers", "ana@example.org, ben@example.org"),
//!     ("columns.name", "Name"),
//!     ("languages.+49", "de"),
//! ]);
//! testing::secrets([("token", "made-up")]);
//! let settings: Settings = settings::read()?;
//! assert_eq!((settings.page_size, settings.workers.len()), (50, 2));
//! assert_eq!(settings.columns.name.as_deref(), Some("Name"));
//! assert_eq!(settings.languages["+49"], "de");
//!
//! let error = |key, value| {
//!     testing::settings([("crm", "https://crm.example.com"), ("token", "made-up"), (key, value)]);
//!     settings::read::<Settings>().err()
//! };
//! assert_eq!(
//!     error("page_size", "ten"),
//!     Some(Error::failed("the setting `page_size` is `ten`; write a whole number from 0 to 4294967295"))
//! );
//! assert_eq!(
//!     error("colums.name", "Name"),
//!     Some(Error::failed("unknown setting `colums.name`: did you mean `columns.name`?"))
//! );
//! # let _ = (settings.crm, settings.token);
//! # Ok::<(), Error>(())
//! ```
//!
//! - A list is one text with commas.
//! - Dots separate a table from its keys: `columns.name`.
//! - The keys of a map may contain dots (`workers.ana@example.org`), so its values cannot be tables.

mod known;
mod tree;

use serde::de::DeserializeOwned;

use self::known::missing;
pub use self::known::only;
use self::tree::Tree;
use crate::{Error, Result, host};

/// Reads all settings into a struct: a field for each setting, a struct for each table. Optional fields are `Option` or
/// have `#[serde(default)]`; settings without a field are errors. See the [module](self).
pub fn read<T: DeserializeOwned>() -> Result<T> {
    let all = all();
    T::deserialize(Tree::whole(&all)).map_err(Error::from)
}

/// Reads one setting as any type that serde reads from a text: a number, a flag, a list, an enum of words.
///
/// ```
/// use frontgate_sdk::{Error, settings, testing};
/// use serde::Deserialize;
///
/// #[derive(Debug, PartialEq, Deserialize)]
/// #[serde(rename_all = "kebab-case")]
/// enum Fallback {
///     Wait,
///     UseCache,
/// }
///
/// testing::settings([("fallback", "use-cache"), ("page_size", "50")]);
/// assert_eq!(settings::get_as("fallback"), Ok(Some(Fallback::UseCache)));
/// assert_eq!(settings::get_as("page_size"), Ok(Some(50_u32)));
/// assert_eq!(settings::get_as::<u32>("pages"), Ok(None));
///
/// testing::settings([("fallback", "stop")]);
/// let problem = "the setting `fallback` is `stop`; write wait or use-cache";
/// assert_eq!(settings::get_as::<Fallback>("fallback"), Err(Error::failed(problem)));
/// ```
pub fn get_as<T: DeserializeOwned>(key: &str) -> Result<Option<T>> {
    let Some(text) = get(key) else { return Ok(None) };
    let one = [(key.to_owned(), text)];
    T::deserialize(Tree::one(&one, key)).map(Some).map_err(Error::from)
}

/// Returns one setting, or an error if it is missing.
///
/// ```
/// use frontgate_sdk::{Error, settings, testing};
///
/// testing::settings([("crm", "https://crm.example.com")]);
/// assert_eq!(settings::require("crm").as_deref(), Ok("https://crm.example.com"));
/// assert_eq!(settings::require("token"), Err(Error::failed("the setting `token` is missing")));
/// ```
pub fn require(key: &str) -> Result<String> {
    get(key).ok_or_else(|| Error::Failed(missing(key)))
}

/// Returns one setting. Dots separate a table from its keys: `columns.name`.
///
/// ```
/// use frontgate_sdk::{settings, testing};
///
/// testing::settings([("columns.name", "Name")]);
/// assert_eq!(settings::get("columns.name").as_deref(), Some("Name"));
/// ```
pub fn get(key: &str) -> Option<String> {
    host::settings::get(key)
}

/// Returns all settings, sorted by key.
///
/// ```
/// use frontgate_sdk::{settings, testing};
///
/// testing::settings([("workers.ben@example.org", "Ben"), ("greeting", "Hello")]);
/// let keys: Vec<_> = settings::all().into_iter().map(|(key, _)| key).collect();
/// assert_eq!(keys, ["greeting", "workers.ben@example.org"]);
/// ```
pub fn all() -> Vec<(String, String)> {
    host::settings::all()
}

/// Reads a setting that is `true` or `false`.
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
