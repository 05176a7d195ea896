//! The gateway's log. The gateway adds plugin, tenant and request to each line.
//!
//! Never log phone numbers, names or message texts.
//!
//! ```
//! use frontgate_sdk::{testing, warn};
//!
//! warn!("{} rows have no id", 3);
//! assert_eq!(testing::logged(), ["warn: 3 rows have no id"]);
//! ```

pub use crate::bindings::log::Level;
use crate::host;

/// Writes one line. The macros [`error!`](crate::error), [`warn!`](crate::warn), [`info!`](crate::info),
/// [`debug!`](crate::debug) and [`trace!`](crate::trace) are shorter.
///
/// ```
/// use frontgate_sdk::log::{self, Level};
///
/// log::write(Level::Info, "59 customers");
/// assert_eq!(frontgate_sdk::testing::logged(), ["info: 59 customers"]);
/// ```
pub fn write(level: Level, message: &str) {
    host::log::write(level, message);
}

/// Logs a failed operation. Arguments are those of `format!`.
///
/// ```
/// frontgate_sdk::error!("the CRM rejected the token");
/// ```
#[macro_export]
macro_rules! error {
    ($($words:tt)+) => { $crate::log::write($crate::log::Level::Error, &::std::format!($($words)+)) };
}

/// Logs a problem that was handled. Arguments are those of `format!`.
///
/// ```
/// frontgate_sdk::warn!("{} numbers omitted", 3);
/// ```
#[macro_export]
macro_rules! warn {
    ($($words:tt)+) => { $crate::log::write($crate::log::Level::Warn, &::std::format!($($words)+)) };
}

/// Logs a message that is useful to operators. Arguments are those of `format!`.
///
/// ```
/// frontgate_sdk::info!("{} customers", 59);
/// ```
#[macro_export]
macro_rules! info {
    ($($words:tt)+) => { $crate::log::write($crate::log::Level::Info, &::std::format!($($words)+)) };
}

/// Logs a message for the plugin's author. Arguments are those of `format!`.
///
/// ```
/// frontgate_sdk::debug!("page of {}", 30);
/// ```
#[macro_export]
macro_rules! debug {
    ($($words:tt)+) => { $crate::log::write($crate::log::Level::Debug, &::std::format!($($words)+)) };
}

/// Logs a detailed message for the plugin's author. Arguments are those of `format!`.
///
/// ```
/// frontgate_sdk::trace!("the page starts at {}", "c-7");
/// ```
#[macro_export]
macro_rules! trace {
    ($($words:tt)+) => { $crate::log::write($crate::log::Level::Trace, &::std::format!($($words)+)) };
}
