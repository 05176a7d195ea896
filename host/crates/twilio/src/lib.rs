//! Twilio's signatures, forms and attributes.
//!
//! [`signature::Keys`] verifies a request, [`form::Form`] holds its fields, and [`explain`](explain::explain) finds the
//! single change that would make a signature match. The crate is pure: no clock, no IO, no async. See "Flow of a
//! callback" in ARCHITECTURE.md, step 2.

pub mod action;
pub mod attributes;
pub mod candidates;
pub mod explain;
pub mod form;
pub mod number;
pub mod replay;
pub mod settings;
pub mod signature;
pub mod voice;

pub use self::settings::Settings;
