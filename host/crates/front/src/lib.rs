//! Front application channels: how Front signs, what it asks, what it takes as an answer, and what may
//! be asked of it.
//!
//! Everything here is pure: no clock, no IO, no async. The time and random bytes are arguments.

pub mod answers;
pub mod api;
mod digest;
pub mod explain;
pub mod files;
pub mod html;
pub mod ids;
pub mod replay;
pub mod requests;
pub mod settings;
pub mod signature;
pub mod text;
mod time;
pub mod token;

pub use self::settings::Settings;
