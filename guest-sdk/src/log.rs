//! Lines in the gateway's log, with plugin, tenant and request attached.
//!
//! Phone numbers, names and message texts do not belong there.
//!
//! ```
//! use frontgate_sdk::{testing, warn};
//!
//! warn!("{} rows have no id", 3);
//! assert_eq!(testing::logged(), ["warn: 3 rows have no id"]);
//! ```

pub use crate::bindings::log::Level;

/// Writes one line; the macros [`error!`](crate::error), [`warn!`](crate::warn), [`info!`](crate::info),
/// [`debug!`](crate::debug) and [`trace!`](crate::trace) are shorter.
///
/// ```
/// use frontgate_sdk::log::{self, Level};
///
/// log::write(Level::Info, "59 customers");
/// assert_eq!(frontgate_sdk::testing::logged(), ["info: 59 customers"]);
/// ```
pub fn write(level: Level, message: &str) {
    #[cfg(target_family = "wasm")]
    crate::bindings::log::write(level, message);
    #[cfg(not(target_family = "wasm"))]
    crate::testing::note(level, message);
}

/// Something failed. Takes what `format!` takes.
///
/// ```
/// frontgate_sdk::error!("the CRM refused the token");
/// ```
#[macro_export]
macro_rules! error {
    ($($words:tt)+) => { $crate::log::write($crate::log::Level::Error, &::std::format!($($words)+)) };
}

/// Something is wrong, and was worked around. Takes what `format!` takes.
///
/// ```
/// frontgate_sdk::warn!("{} numbers are left out", 3);
/// ```
#[macro_export]
macro_rules! warn {
    ($($words:tt)+) => { $crate::log::write($crate::log::Level::Warn, &::std::format!($($words)+)) };
}

/// Something that an operator may want to know. Takes what `format!` takes.
///
/// ```
/// frontgate_sdk::info!("{} customers", 59);
/// ```
#[macro_export]
macro_rules! info {
    ($($words:tt)+) => { $crate::log::write($crate::log::Level::Info, &::std::format!($($words)+)) };
}

/// For the author of the plugin. Takes what `format!` takes.
///
/// ```
/// frontgate_sdk::debug!("page of {}", 30);
/// ```
#[macro_export]
macro_rules! debug {
    ($($words:tt)+) => { $crate::log::write($crate::log::Level::Debug, &::std::format!($($words)+)) };
}

/// For the author of the plugin, in full. Takes what `format!` takes.
///
/// ```
/// frontgate_sdk::trace!("the page begins at {}", "c-7");
/// ```
#[macro_export]
macro_rules! trace {
    ($($words:tt)+) => { $crate::log::write($crate::log::Level::Trace, &::std::format!($($words)+)) };
}
