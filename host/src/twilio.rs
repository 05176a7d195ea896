//! Twilio: how it signs, what it asks, what it takes as an answer.
//!
//! Everything here but `rest` is pure: no clock, no IO, no async.

pub mod attributes;
pub mod callbacks;
pub mod candidates;
pub mod explain;
pub mod form;
pub mod number;
pub mod reaction;
pub mod replay;
pub mod rest;
pub mod settings;
pub mod signature;

pub use self::settings::Settings;
