//! Client of Twilio's Conversations API, and what a failed call means for a delivery.
//!
//! [`ConversationsApi`] sends requests for one account and reports what is known of their effect in [`ApiError`];
//! [`classify`] turns an error into retry, give up, or uncertain. The crate never retries by itself.

mod classify;
mod conversations_api;

pub use self::classify::{FailureClass, Repeatable, classify, describe};
pub use self::conversations_api::{ApiError, Binding, ConversationsApi, Participant, Webhooks};
