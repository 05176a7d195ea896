//! What the operator wrote for this plugin: `config` and `secrets` of `[plugins.named.NAME]`.
//!
//! A plugin says what it can be told as a struct, and reads all of it at once. A mistyped key, a missing one and
//! a value of another type are errors that name the setting, for the operator:
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use frontgate_sdk::{Error, settings, testing};
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Settings {
//!     /// Where the CRM is.
//!     crm: String,
//!     /// A value of `secrets`, which is a setting like any other.
//!     token: String,
//!     #[serde(default = "fifty")]
//!     page_size: u32,
//!     #[serde(default)]
//!     workers: Vec<String>,
//!     #[serde(default)]
//!     columns: Columns,
//!     /// A table whose keys are the operator's own.
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
//! A list is one text with commas. The keys of a table are joined with dots: `columns.name`. Those of a map may have
//! dots themselves (`workers.ana@example.org`), so its values are no tables.

mod known;
mod place;

use serde::de::DeserializeOwned;

pub use self::known::only;
use self::place::Place;
use crate::{Error, Result};

/// All settings as a struct of the plugin's own: a field for each, a struct for a table. Fields that may be missing
/// are an `Option` or have a `#[serde(default)]`; settings that have no field are refused. See [above](self).
pub fn read<T: DeserializeOwned>() -> Result<T> {
    let all = all();
    T::deserialize(Place::whole(&all)).map_err(Error::from)
}

/// One setting as any type that serde can make of a text: a number, a flag, a list, an enum of words.
///
/// ```
/// use frontgate_sdk::{Error, settings, testing};
/// use serde::Deserialize;
///
/// #[derive(Debug, PartialEq, Deserialize)]
/// #[serde(rename_all = "kebab-case")]
/// enum WithoutCrm {
///     Wait,
///     GoOn,
/// }
///
/// testing::settings([("without_crm", "go-on"), ("page_size", "50")]);
/// assert_eq!(settings::get_as("without_crm"), Ok(Some(WithoutCrm::GoOn)));
/// assert_eq!(settings::get_as("page_size"), Ok(Some(50_u32)));
/// assert_eq!(settings::get_as::<u32>("pages"), Ok(None));
///
/// testing::settings([("without_crm", "stop")]);
/// let problem = "the setting `without_crm` is `stop`; write wait or go-on";
/// assert_eq!(settings::get_as::<WithoutCrm>("without_crm"), Err(Error::failed(problem)));
/// ```
pub fn get_as<T: DeserializeOwned>(key: &str) -> Result<Option<T>> {
    let Some(text) = get(key) else { return Ok(None) };
    let one = [(key.to_owned(), text)];
    T::deserialize(Place::one(&one, key)).map(Some).map_err(Error::from)
}

/// One setting, which must be there.
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

fn missing(key: &str) -> String {
    format!("the setting `{key}` is missing")
}

/// One setting. A key inside a table is written with dots: `columns.name`.
///
/// ```
/// use frontgate_sdk::{settings, testing};
///
/// testing::settings([("columns.name", "Name")]);
/// assert_eq!(settings::get("columns.name").as_deref(), Some("Name"));
/// ```
pub fn get(key: &str) -> Option<String> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::settings::get(key);
    #[cfg(not(target_family = "wasm"))]
    return crate::testing::get(key);
}

/// Every setting, sorted by key.
///
/// ```
/// use frontgate_sdk::{settings, testing};
///
/// testing::settings([("workers.ben@example.org", "Ben"), ("greeting", "Hello")]);
/// let keys: Vec<_> = settings::all().into_iter().map(|(key, _)| key).collect();
/// assert_eq!(keys, ["greeting", "workers.ben@example.org"]);
/// ```
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
