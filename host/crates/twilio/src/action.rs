//! Actions on conversations: changes that a plugin or an operator asks for, as checked and stored.
//!
//! An action is checked when it is accepted, within Twilio's published limits, so that a mistake is reported where it was
//! made. Its JSON form is the payload of a delivery.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::attributes::{CONVERSATION_BYTES_MAX, PARTICIPANT_BYTES_MAX};

/// Maximum number of characters of a message's text.
const BODY_CHARACTERS_MAX: usize = 1_600;
/// Maximum size of a message's attributes, in bytes.
const MESSAGE_ATTRIBUTES_BYTES_MAX: usize = 4 * 1024;
/// Bytes of the attributes of a message that the gateway needs for [`MARK`].
const MARK_BYTES: usize = 128;
/// Maximum number of characters of names, identities and addresses.
const NAME_CHARACTERS_MAX: usize = 256;
/// Maximum number of a template's variables, and of characters of a variable's name and value.
const VARIABLES_MAX: usize = 100;
const VARIABLE_NAME_CHARACTERS_MAX: usize = 16;
const VARIABLE_VALUE_CHARACTERS_MAX: usize = 256;
/// Shortest timers of a conversation, in seconds.
const INACTIVE_AFTER_SECONDS_MIN: u32 = 60;
const CLOSED_AFTER_SECONDS_MIN: u32 = 600;

/// The attribute of a message that contains the id of the action that posted it.
pub const MARK: &str = "frontgate_action";

/// A change to a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Adds a message.
    PostMessage(NewMessage),
    /// Changes names, attributes, state and timers.
    UpdateConversation(ConversationUpdate),
    /// Adds a participant.
    AddParticipant(NewParticipant),
    /// Removes a participant.
    RemoveParticipant {
        /// SID or identity.
        participant: String,
    },
    /// Adds one worker, then removes another.
    Transfer {
        /// Identity of the worker to remove.
        from: String,
        /// Identity of the worker to add.
        to: String,
    },
}

/// A message. It has a body, a file, or a template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewMessage {
    /// Identity or address of the author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// An uploaded file, `ME...`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_sid: Option<String>,
    /// A template, `HX...`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_sid: Option<String>,
    /// Values for the template.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub content_variables: BTreeMap<String, String>,
    /// A JSON object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<String>,
}

/// Changes to a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConversationUpdate {
    /// Name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub friendly_name: Option<String>,
    /// Name that is unique within the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique_name: Option<String>,
    /// A JSON object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<String>,
    /// The state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<ConversationState>,
    /// Seconds without messages until the conversation becomes inactive; 0 for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inactive_after_seconds: Option<u32>,
    /// Seconds without messages until the conversation is closed; 0 for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_after_seconds: Option<u32>,
}

/// The state of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConversationState {
    /// Open.
    Active,
    /// Without recent messages.
    Inactive,
    /// Closed for good.
    Closed,
}

impl ConversationState {
    /// Returns the name in Twilio's API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Closed => "closed",
        }
    }
}

/// A participant: a worker by identity, or a customer by address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewParticipant {
    /// Identity of a worker or a chat user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Address of a customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The company's number that the customer sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_address: Option<String>,
    /// The number under which a worker appears in a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projected_address: Option<String>,
    /// A JSON object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<String>,
}

/// Fields of a form.
pub type Fields = Vec<(&'static str, String)>;

impl Action {
    /// Returns the name in the log and in `frontgate deliveries`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::PostMessage(_) => "post-message",
            Self::UpdateConversation(_) => "update-conversation",
            Self::AddParticipant(_) => "add-participant",
            Self::RemoveParticipant { .. } => "remove-participant",
            Self::Transfer { .. } => "transfer",
        }
    }

    /// Checks what Twilio would reject in any case.
    ///
    /// # Errors
    ///
    /// Fails with the reason.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::PostMessage(message) => message.check(),
            Self::UpdateConversation(update) => update.check(),
            Self::AddParticipant(participant) => participant.check(),
            Self::RemoveParticipant { participant } => path_segment("participant", participant),
            Self::Transfer { from, to } => {
                path_segment("from", from)?;
                path_segment("to", to)?;
                if from == to { Err("from and to are the same worker".to_owned()) } else { Ok(()) }
            }
        }
    }
}

/// Checks the SID of a conversation.
///
/// # Errors
///
/// Fails with the reason.
pub fn check_conversation(sid: &str) -> Result<(), String> {
    is_sid(sid, "CH").then_some(()).ok_or_else(|| "conversation-sid is not `CH` and 32 hexadecimal digits".to_owned())
}

impl NewMessage {
    /// Returns the fields of the request. `id` marks the message, so that it is found again.
    pub fn fields(&self, id: &str) -> Fields {
        let mut attributes = self.attributes.as_deref().and_then(|text| object(text).ok()).unwrap_or_default();
        attributes.insert(MARK.to_owned(), id.into());
        let mut fields = vec![("Attributes", Value::Object(attributes).to_string())];
        let texts = [
            ("Author", &self.author),
            ("Body", &self.body),
            ("MediaSid", &self.media_sid),
            ("ContentSid", &self.content_sid),
        ];
        fields.extend(texts.into_iter().filter_map(|(name, text)| Some((name, text.clone()?))));
        if !self.content_variables.is_empty() {
            let variables = serde_json::to_string(&self.content_variables).expect("a map of texts");
            fields.push(("ContentVariables", variables));
        }
        fields
    }

    fn check(&self) -> Result<(), String> {
        if self.body.is_none() && self.media_sid.is_none() && self.content_sid.is_none() {
            return Err("a message needs a body, a media-sid or a content-sid".to_owned());
        }
        if self.body.as_ref().is_some_and(|body| body.is_empty() || body.chars().count() > BODY_CHARACTERS_MAX) {
            return Err(format!("body must have 1 to {BODY_CHARACTERS_MAX} characters"));
        }
        if self.media_sid.as_ref().is_some_and(|sid| !is_sid(sid, "ME")) {
            return Err("media-sid is not `ME` and 32 hexadecimal digits".to_owned());
        }
        if self.content_sid.as_ref().is_some_and(|sid| !is_sid(sid, "HX")) {
            return Err("content-sid is not `HX` and 32 hexadecimal digits".to_owned());
        }
        if self.content_sid.is_none() && !self.content_variables.is_empty() {
            return Err("content-variables need a content-sid".to_owned());
        }
        if self.content_variables.len() > VARIABLES_MAX {
            return Err(format!("more than {VARIABLES_MAX} content-variables"));
        }
        for (name, value) in &self.content_variables {
            if name.is_empty() || name.chars().count() > VARIABLE_NAME_CHARACTERS_MAX {
                return Err(format!(
                    "name of a content-variable must have 1 to {VARIABLE_NAME_CHARACTERS_MAX} characters"
                ));
            }
            if value.chars().count() > VARIABLE_VALUE_CHARACTERS_MAX {
                return Err(format!(
                    "content-variable {name} has more than {VARIABLE_VALUE_CHARACTERS_MAX} characters"
                ));
            }
        }
        name("author", self.author.as_deref())?;
        attributes(self.attributes.as_deref(), MESSAGE_ATTRIBUTES_BYTES_MAX - MARK_BYTES)
    }
}

impl ConversationUpdate {
    /// Returns the fields of the request.
    pub fn fields(&self) -> Fields {
        let timer = |seconds: Option<u32>| seconds.map(|seconds| format!("PT{seconds}S"));
        let all = [
            ("FriendlyName", self.friendly_name.clone()),
            ("UniqueName", self.unique_name.clone()),
            ("Attributes", self.attributes.clone()),
            ("State", self.state.map(|state| state.name().to_owned())),
            ("Timers.Inactive", timer(self.inactive_after_seconds)),
            ("Timers.Closed", timer(self.closed_after_seconds)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    fn check(&self) -> Result<(), String> {
        if self.fields().is_empty() {
            return Err("nothing to change".to_owned());
        }
        name("friendly-name", self.friendly_name.as_deref())?;
        name("unique-name", self.unique_name.as_deref())?;
        for (key, seconds, least) in [
            ("inactive-after-seconds", self.inactive_after_seconds, INACTIVE_AFTER_SECONDS_MIN),
            ("closed-after-seconds", self.closed_after_seconds, CLOSED_AFTER_SECONDS_MIN),
        ] {
            if seconds.is_some_and(|seconds| seconds != 0 && seconds < least) {
                return Err(format!("{key} must be 0 or at least {least}"));
            }
        }
        attributes(self.attributes.as_deref(), CONVERSATION_BYTES_MAX)
    }
}

impl NewParticipant {
    /// Returns the fields of the request.
    pub fn fields(&self) -> Fields {
        let all = [
            ("Identity", &self.identity),
            ("MessagingBinding.Address", &self.address),
            ("MessagingBinding.ProxyAddress", &self.proxy_address),
            ("MessagingBinding.ProjectedAddress", &self.projected_address),
            ("Attributes", &self.attributes),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }

    fn check(&self) -> Result<(), String> {
        if self.identity.is_none() && self.address.is_none() {
            return Err("a participant needs an identity or an address".to_owned());
        }
        if let Some(identity) = &self.identity {
            path_segment("identity", identity)?;
        }
        if self.proxy_address.is_some() && self.address.is_none() {
            return Err("a proxy-address needs an address".to_owned());
        }
        for (key, text) in [
            ("address", &self.address),
            ("proxy-address", &self.proxy_address),
            ("projected-address", &self.projected_address),
        ] {
            name(key, text.as_deref())?;
        }
        attributes(self.attributes.as_deref(), PARTICIPANT_BYTES_MAX)
    }
}

fn is_sid(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn name(key: &str, text: Option<&str>) -> Result<(), String> {
    let Some(text) = text else { return Ok(()) };
    if text.is_empty() || text.chars().count() > NAME_CHARACTERS_MAX || text.contains(char::is_control) {
        return Err(format!("{key} must be one line of 1 to {NAME_CHARACTERS_MAX} characters"));
    }
    Ok(())
}

/// Checks a name that is part of a URL's path.
fn path_segment(key: &str, text: &str) -> Result<(), String> {
    name(key, Some(text))?;
    if matches!(text.trim(), "" | "." | "..") { Err(format!("{key} is not a name")) } else { Ok(()) }
}

fn attributes(text: Option<&str>, bytes_max: usize) -> Result<(), String> {
    let Some(text) = text else { return Ok(()) };
    object(text)?;
    if text.len() > bytes_max { Err(format!("attributes have more than {bytes_max} bytes")) } else { Ok(()) }
}

fn object(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|_| "attributes are not a JSON object".to_owned())
}

#[cfg(test)]
mod tests;
