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

/// Writes one line; the macros [`error!`](crate::error), [`warn!`](crate::warn),
/// [`info!`](crate::info) and [`debug!`](crate::debug) are shorter.
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
