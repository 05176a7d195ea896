//! Front's application channels: signatures, requests, replies, and calls to Front's API.
//!
//! - [`signature::Keys`] verifies a request, [`requests::decode`] converts it to a [`requests::ChannelRequest`].
//! - [`replies::Reply`] encodes the response; [`html::Html`] is the only body of a message that Front gets.
//! - [`oauth`] is the authorization server of an app with OAuth: requests, tokens and answers.
//! - [`api`] describes calls to Front and reads the responses.
//!
//! The crate is pure: no clock, no IO, no async. The time and random bytes are arguments.

pub mod api;
mod digest;
pub mod explain;
pub mod files;
pub mod html;
pub mod ids;
pub mod oauth;
pub mod replay;
pub mod replies;
pub mod requests;
pub mod settings;
pub mod signature;
pub mod templates;
pub mod text;
mod time;
pub mod token;

pub use self::settings::Settings;
