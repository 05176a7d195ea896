//! Client of Twilio's Conversations API, and a classification of failed calls.
//!
//! [`ConversationsApi`] sends requests for one account; an [`ApiError`] states whether a failed call may have had an
//! effect. [`classify`] converts an error to retry, give up, or uncertain. The crate never retries by itself.
//! [`webhooks`] and [`addresses`] compare the account's configuration with a tenant's need.

pub mod addresses;
mod classify;
mod conversations_api;
pub mod webhooks;

pub use self::classify::{FailureClass, Repeatable, classify, describe};
pub use self::conversations_api::configuration::{ConversationWebhook, ConversationWebhookTarget};
pub use self::conversations_api::{
    ApiError, Binding, Conversation, ConversationsApi, Message, MessagePage, Participant,
};
