//! Twilio's errors: a code from Twilio's dictionary, an HTTP status, and a JSON body of one shape.
//!
//! The status of most 50xxx codes is not documented. Statuses and codes marked [?] are guesses.

use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: u32,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(crate) fn body(&self) -> Value {
        let more_info = format!("https://www.twilio.com/docs/errors/{}", self.code);
        json!({ "code": self.code, "message": self.message, "more_info": more_info, "status": self.status })
    }

    pub(crate) fn authenticate() -> Self {
        Self::new(401, 20003, "Authenticate")
    }

    pub(crate) fn not_found(path: &str) -> Self {
        Self::new(404, 20404, format!("The requested resource {path} was not found"))
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(405, 20004, "Method not allowed")
    }

    pub(crate) fn too_many_requests() -> Self {
        Self::new(429, 20429, "Too many requests")
    }

    pub(crate) fn server(status: u16) -> Self {
        Self::new(status, 20500, "An internal server error has occurred")
    }

    /// Creates the error for a missing or invalid parameter: 20001 is Twilio's generic code.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, 20001, message)
    }

    /// Creates the error for attributes that are not JSON or too long. [?]
    pub(crate) fn attributes(message: impl Into<String>) -> Self {
        Self::new(400, 50306, message)
    }

    pub(crate) fn initializing() -> Self {
        Self::new(409, 50386, "Conversation is initializing and cannot be changed yet")
    }

    /// Creates the error for a concurrent modification. [?] The status is a guess.
    pub(crate) fn concurrent_modification() -> Self {
        Self::new(409, 50391, "The conversation was modified by another request")
    }

    pub(crate) fn identity_exists() -> Self {
        Self::new(409, 50433, "Participant already exists")
    }

    pub(crate) fn binding_exists(conversation: &str) -> Self {
        let message =
            format!("A binding for this participant and proxy address already exists in Conversation {conversation}");
        Self::new(409, 50416, message)
    }

    /// Creates the error for a unique name that is in use, as in captured traffic.
    pub(crate) fn unique_name_exists() -> Self {
        Self::new(409, 50353, "Conversation with provided unique name already exists")
    }

    /// Creates the error for a message text that is too long. [?] The status is a guess.
    pub(crate) fn body_too_long() -> Self {
        Self::new(400, 50504, "Message body parameter is too long")
    }

    /// Creates the error for more than five webhooks of one conversation. [?] The status is a guess.
    pub(crate) fn scoped_webhooks_max() -> Self {
        Self::new(400, 50361, "The limit of webhooks of a conversation is reached")
    }

    /// Creates the error for a closed conversation. [?] The status is a guess.
    pub(crate) fn closed() -> Self {
        Self::new(409, 50377, "Conversation is closed and cannot be updated")
    }

    /// Creates the error for too many participants. [?] The status and the choice between two codes are guesses.
    pub(crate) fn participants_max() -> Self {
        Self::new(400, 50417, "The limit of participants of a conversation is reached")
    }

    /// Creates the error for too many participants with an address. [?]
    pub(crate) fn non_chat_participants_max() -> Self {
        Self::new(400, 50422, "The limit of non-chat participants of a conversation is reached")
    }

    pub(crate) fn proxy_is_address() -> Self {
        Self::new(400, 50407, "Invalid messaging binding: address and proxy address are the same")
    }

    /// Creates the error for a projected address. [?] The dictionary lists 50427 next to the codes of groups.
    pub(crate) fn projected_address(message: &str) -> Self {
        Self::new(400, 50427, message)
    }

    /// Creates the error for a second group of the same members. The code is that of the error dictionary; status and text
    /// are guesses [?].
    pub(crate) fn group_exists(conversation: &str) -> Self {
        let message = format!("Group conversation with given participant list already exists as {conversation}");
        Self::new(409, 50438, message)
    }

    /// Creates the error for a group of fewer than three members.
    pub(crate) fn group_too_small() -> Self {
        Self::new(400, 50435, "Group MMS activation failed")
    }

    /// Creates the error for a change that a pre-event webhook rejected. The code is that of the error dictionary; the status is a guess [?].
    pub(crate) fn rejected(event: &str) -> Self {
        Self::new(403, 50056, format!("The webhook of {event} rejected the request"))
    }

    /// Creates the error for an invalid response of a pre-event webhook. The code is that of the error dictionary; the status is a guess [?].
    pub(crate) fn invalid_answer(event: &str, error: &str) -> Self {
        Self::new(400, 50068, format!("The webhook of {event} answered an invalid value: {error}"))
    }
}
