//! What Twilio signs and how its requests are read.
//!
//! [`signature::Keys`] verifies a request, [`form::Form`] holds its parameters, [`explain`] finds the change that would
//! make a signature match. Pure: no clock, no IO, no async.

pub mod attributes;
pub mod candidates;
pub mod explain;
pub mod form;
pub mod number;
pub mod replay;
pub mod settings;
pub mod signature;

pub use self::settings::Settings;
