//! Changes to Twilio conversations: messages, names, attributes, state, participants. The operator must grant them
//! (`actions = true` in `[plugins.named.NAME]`).
//!
//! ```
//! use frontgate_sdk::actions::{self, Action, NewMessage};
//! use frontgate_sdk::testing;
//!
//! actions::post_message("CH0123456789abcdef0123456789abcdef", NewMessage::text("We open at nine."))?;
//! let accepted = testing::actions();
//! assert!(matches!(&accepted[0], (_, Action::PostMessage(message)) if message.body.as_deref() == Some("We open at nine.")));
//! # Ok::<(), frontgate_sdk::Error>(())
//! ```
//!
//! - The gateway accepts the actions of a call together with its [`state`](mod@crate::state), if the call returns `Ok`, and
//!   makes them afterwards, in order for each conversation.
//! - A function returns before the action is made. Twilio reports the change to
//!   [`Conversations::on_event`](crate::Conversations::on_event).

use crate::bindings::actions::ActionError;
pub use crate::bindings::actions::{ConversationState, ConversationUpdate, NewMessage, NewParticipant};
use crate::{Error, Result, host};

/// An action that a test has accepted: [`testing::actions`](crate::testing::actions).
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// [`post_message`].
    PostMessage(NewMessage),
    /// [`update_conversation`].
    UpdateConversation(ConversationUpdate),
    /// [`add_participant`].
    AddParticipant(NewParticipant),
    /// [`remove_participant`], with SID or identity.
    RemoveParticipant(String),
    /// [`transfer`], with the identities of both workers.
    Transfer(String, String),
}

/// Adds a message to a conversation (`CH...`).
pub fn post_message(conversation_sid: &str, message: NewMessage) -> Result<()> {
    host::actions::post_message(conversation_sid, &message).map_err(error)
}

/// Changes a conversation: its names, attributes, state and timers.
///
/// ```
/// use frontgate_sdk::actions::{self, ConversationState, ConversationUpdate};
///
/// let close = ConversationUpdate { state: Some(ConversationState::Closed), ..ConversationUpdate::default() };
/// actions::update_conversation("CH0123456789abcdef0123456789abcdef", close)?;
/// # Ok::<(), frontgate_sdk::Error>(())
/// ```
pub fn update_conversation(conversation_sid: &str, changes: ConversationUpdate) -> Result<()> {
    host::actions::update_conversation(conversation_sid, &changes).map_err(error)
}

/// Adds a participant. One who is in the conversation already is not an error.
pub fn add_participant(conversation_sid: &str, participant: NewParticipant) -> Result<()> {
    host::actions::add_participant(conversation_sid, &participant).map_err(error)
}

/// Removes a participant, by SID (`MB...`) or identity. One who is not in the conversation is not an error.
pub fn remove_participant(conversation_sid: &str, participant: &str) -> Result<()> {
    host::actions::remove_participant(conversation_sid, participant).map_err(error)
}

/// Adds the worker `to`, then removes the worker `from`. Both are identities.
pub fn transfer(conversation_sid: &str, from: &str, to: &str) -> Result<()> {
    host::actions::transfer(conversation_sid, from, to).map_err(error)
}

impl NewMessage {
    /// Creates a message with a text, at most 1,600 characters.
    #[must_use]
    pub fn text(body: impl Into<String>) -> Self {
        Self { body: Some(body.into()), ..Self::default() }
    }

    /// Creates a message from a template of Twilio's Content API (`HX...`) with the values of its variables.
    #[must_use]
    pub fn template<K: Into<String>, V: Into<String>>(
        content_sid: impl Into<String>,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let content_variables = variables.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        Self { content_sid: Some(content_sid.into()), content_variables, ..Self::default() }
    }

    /// Sets the author, an identity or an address. Without it, the author is `system`.
    #[must_use]
    pub fn by(self, author: impl Into<String>) -> Self {
        Self { author: Some(author.into()), ..self }
    }
}

#[expect(clippy::derivable_impls, reason = "the type is generated")]
impl Default for NewMessage {
    fn default() -> Self {
        Self {
            author: None,
            body: None,
            media_sid: None,
            content_sid: None,
            content_variables: Vec::new(),
            attributes: None,
        }
    }
}

#[expect(clippy::derivable_impls, reason = "the type is generated")]
impl Default for ConversationUpdate {
    fn default() -> Self {
        Self {
            friendly_name: None,
            unique_name: None,
            attributes: None,
            state: None,
            inactive_after_seconds: None,
            closed_after_seconds: None,
        }
    }
}

#[expect(clippy::derivable_impls, reason = "the type is generated")]
impl Default for NewParticipant {
    fn default() -> Self {
        Self { identity: None, address: None, proxy_address: None, projected_address: None, attributes: None }
    }
}

fn error(error: ActionError) -> Error {
    match error {
        ActionError::NotGranted => Error::failed("no actions are granted: add actions = true to the plugin's table"),
        ActionError::TooMany => Error::failed("the call asks for more actions than actions_max allows"),
        ActionError::Invalid(reason) => Error::failed(format!("invalid action: {reason}")),
        ActionError::Unavailable => Error::unavailable("actions are not available while a file is tried"),
    }
}
