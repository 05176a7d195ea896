//! The account's data, which requests and scenarios read and change.

use std::time::SystemTime;

use hyper::body::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::twilio::addresses::{AddressConfiguration, ScopedWebhook};
use crate::twilio::content::Content;
use crate::twilio::message::{Media, Message, Stored};
use crate::twilio::model::{Conversation, ConversationState, Participant};
use crate::twilio::numbers::{PhoneNumber, Recording};
use crate::twilio::problem::Problem;
use crate::twilio::users::User;

pub(crate) const IDENTITY_CHARS_MAX: usize = 256;
pub(crate) const FRIENDLY_NAME_CHARS_MAX: usize = 256;
pub(crate) const CONVERSATION_ATTRIBUTES_BYTES_MAX: usize = 16 * 1024;
pub(crate) const PARTICIPANT_ATTRIBUTES_BYTES_MAX: usize = 4 * 1024;
pub(crate) const MESSAGE_ATTRIBUTES_BYTES_MAX: usize = 4 * 1024;
pub(crate) const MESSAGE_BODY_CHARS_MAX: usize = 1600;

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) account_sid: String,
    pub(crate) service_sid: String,
    pub(crate) messaging_service_sid: String,
    pub(crate) conversations: Vec<Conversation>,
    pub(crate) media: Vec<Stored>,
    /// `Configuration/Webhooks` of the account.
    pub(crate) account_webhooks: Webhooks,
    /// `Configuration/Webhooks` of the service.
    pub(crate) service_webhooks: Webhooks,
    pub(crate) addresses: Vec<AddressConfiguration>,
    /// Templates of the Content API.
    pub(crate) contents: Vec<Content>,
    /// Phone numbers of the account.
    pub(crate) numbers: Vec<PhoneNumber>,
    pub(crate) recordings: Vec<Recording>,
    /// Users of Frontline.
    pub(crate) users: Vec<User>,
    pub(crate) participants_max: usize,
    pub(crate) non_chat_participants_max: usize,
    /// A random number that makes SIDs unique across simulators, so that a test can replace one with another.
    salt: u64,
    sids: u64,
}

/// A `Configuration/Webhooks`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Webhooks {
    pub(crate) pre_webhook_url: String,
    pub(crate) post_webhook_url: String,
    /// The enabled events. [?] `None` enables all events.
    pub(crate) filters: Option<Vec<String>>,
    /// `GET` or `POST`, or `None` before it is set.
    pub(crate) method: Option<String>,
    /// `webhook` or `flex`. Services have none.
    pub(crate) target: Option<String>,
}

impl Webhooks {
    fn has_url(&self) -> bool {
        !self.pre_webhook_url.is_empty() || !self.post_webhook_url.is_empty()
    }
}

/// A participant to add.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewParticipant {
    pub(crate) identity: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) proxy_address: Option<String>,
    pub(crate) projected_address: Option<String>,
    pub(crate) role_sid: Option<String>,
    pub(crate) attributes: Option<Value>,
}

/// A message to add.
#[derive(Debug, Clone)]
pub(crate) struct NewMessage {
    pub(crate) author: String,
    pub(crate) body: String,
    pub(crate) attributes: Value,
    pub(crate) media: Vec<Media>,
    /// The template that the message is sent from.
    pub(crate) content_sid: Option<String>,
}

impl World {
    pub(crate) fn new(account_sid: String, service_sid: String) -> Self {
        let salt = Uuid::new_v4().as_u64_pair().0;
        let mut world = Self {
            account_sid,
            service_sid,
            messaging_service_sid: String::new(),
            conversations: Vec::new(),
            media: Vec::new(),
            addresses: Vec::new(),
            contents: Vec::new(),
            numbers: Vec::new(),
            recordings: Vec::new(),
            users: Vec::new(),
            account_webhooks: Webhooks {
                method: Some("POST".to_owned()),
                target: Some("webhook".to_owned()),
                ..Webhooks::default()
            },
            service_webhooks: Webhooks::default(),
            participants_max: 100,
            non_chat_participants_max: 50,
            salt,
            sids: 0,
        };
        world.messaging_service_sid = world.sid("MG");
        world
    }

    /// Returns the webhooks of the service's conversations. A service without a URL of its own inherits the account's.
    pub(crate) fn webhooks(&self) -> &Webhooks {
        if self.service_webhooks.has_url() { &self.service_webhooks } else { &self.account_webhooks }
    }

    pub(crate) fn sid(&mut self, prefix: &str) -> String {
        self.sids += 1;
        format!("{prefix}{:016x}{:016x}", self.salt, self.sids)
    }

    /// Finds a conversation by SID or unique name.
    pub(crate) fn conversation(&self, name: &str) -> Option<&Conversation> {
        let is = |conversation: &&Conversation| {
            conversation.sid == name || conversation.unique_name.as_deref().is_some_and(|unique| unique == name)
        };
        self.conversations.iter().find(is)
    }

    pub(crate) fn conversation_mut(&mut self, name: &str) -> Option<&mut Conversation> {
        let sid = self.conversation(name)?.sid.clone();
        self.conversations.iter_mut().find(|conversation| conversation.sid == sid)
    }

    /// Returns the SID of a conversation that accepts writes.
    pub(crate) fn writable(&mut self, name: &str) -> Result<String, Problem> {
        let path = format!("/Conversations/{name}");
        let conversation = self.conversation_mut(name).ok_or_else(|| Problem::not_found(&path))?;
        match conversation.state {
            ConversationState::Initializing => {
                if let Some(left) = &mut conversation.refusals_left {
                    *left = left.saturating_sub(1);
                    if *left == 0 {
                        conversation.state = ConversationState::Active;
                    }
                }
                Err(Problem::initializing())
            }
            ConversationState::Closed => Err(Problem::closed()),
            ConversationState::Active | ConversationState::Inactive => Ok(conversation.sid.clone()),
        }
    }

    pub(crate) fn create(&mut self, friendly_name: Option<String>, attributes: Option<Value>) -> &mut Conversation {
        let (sid, now) = (self.sid("CH"), SystemTime::now());
        self.conversations.push(Conversation {
            sid,
            friendly_name,
            unique_name: None,
            attributes: attributes.unwrap_or_else(|| json!({})),
            state: ConversationState::Active,
            participants: Vec::new(),
            messages: Vec::new(),
            webhooks: Vec::new(),
            messaging_service_sid: self.messaging_service_sid.clone(),
            business_number: None,
            refusals_left: None,
            next_index: 0,
            timers: json!({}),
            date_created: now,
            date_updated: now,
        });
        self.conversations.last_mut().expect("it was just added")
    }

    /// Finds the open conversation that has this pair of addresses.
    pub(crate) fn with_pair(&self, address: &str, proxy_address: &str) -> Option<&Conversation> {
        let taken = |participant: &Participant| {
            participant.address.as_deref() == Some(address)
                && participant.proxy_address.as_deref() == Some(proxy_address)
        };
        let open = |conversation: &&Conversation| conversation.state != ConversationState::Closed;
        self.conversations.iter().filter(open).find(|conversation| conversation.participants.iter().any(taken))
    }

    /// Finds the open group MMS of exactly these customers with this number.
    pub(crate) fn with_group(&self, addresses: &[&str], business_number: &str) -> Option<&Conversation> {
        let same = |conversation: &&Conversation| {
            let customers: Vec<_> =
                conversation.participants.iter().filter_map(|participant| participant.address.as_deref()).collect();
            conversation.state != ConversationState::Closed
                && conversation.business_number.as_deref() == Some(business_number)
                && customers.len() == addresses.len()
                && addresses.iter().all(|address| customers.contains(address))
        };
        self.conversations.iter().find(same)
    }

    /// Adds a participant, subject to Twilio's rules.
    pub(crate) fn add(&mut self, conversation_sid: &str, newcomer: NewParticipant) -> Result<Participant, Problem> {
        if let (Some(address), Some(proxy)) = (&newcomer.address, &newcomer.proxy_address) {
            if address == proxy {
                return Err(Problem::proxy_is_address());
            }
            if let Some(other) = self.with_pair(address, proxy) {
                return Err(Problem::binding_exists(&other.sid));
            }
        }
        let path = format!("/Conversations/{conversation_sid}");
        let conversation = self.conversation(conversation_sid).ok_or_else(|| Problem::not_found(&path))?;
        let present = &conversation.participants;
        if let Some(identity) = &newcomer.identity
            && conversation.workers().contains(&identity.as_str())
        {
            return Err(Problem::identity_exists());
        }
        if newcomer.identity.is_some() && conversation.is_group() {
            projected(conversation, newcomer.projected_address.as_deref())?;
        }
        let begins_group =
            newcomer.identity.is_none() && newcomer.address.is_none() && conversation.business_number.is_none();
        let group_number = newcomer.projected_address.clone().filter(|_| begins_group);
        if let Some(number) = &group_number {
            let customers: Vec<_> = present.iter().filter_map(|participant| participant.address.as_deref()).collect();
            if customers.len() < 2 {
                return Err(Problem::group_too_small());
            }
            if let Some(other) = self.with_group(&customers, number) {
                return Err(Problem::group_exists(&other.sid));
            }
        }
        if present.len() >= self.participants_max {
            return Err(Problem::participants_max());
        }
        let non_chat = present.iter().filter(|participant| participant.identity.is_none()).count();
        if newcomer.identity.is_none() && non_chat >= self.non_chat_participants_max {
            return Err(Problem::non_chat_participants_max());
        }
        let (sid, now) = (self.sid("MB"), SystemTime::now());
        let role_sid = newcomer.role_sid.unwrap_or_else(|| format!("RL{:032x}", 1));
        let participant = Participant {
            sid,
            identity: newcomer.identity,
            address: newcomer.address,
            proxy_address: newcomer.proxy_address,
            projected_address: newcomer.projected_address,
            attributes: newcomer.attributes.unwrap_or_else(|| json!({})),
            role_sid,
            last_read_message_index: None,
            last_read_timestamp: None,
            date_created: now,
            date_updated: now,
        };
        let conversation = self.conversation_mut(conversation_sid).expect("it exists");
        conversation.business_number = conversation.business_number.take().or(group_number);
        conversation.participants.push(participant.clone());
        Ok(participant)
    }

    /// Stores a file.
    pub(crate) fn store(&mut self, filename: Option<String>, content_type: String, content: Bytes) -> Media {
        let (sid, size, sha256) = (self.sid("ME"), content.len(), crate::common::digest(&content));
        let media = Media { sid, filename, content_type, size, sha256 };
        let secret = Uuid::new_v4().simple().to_string();
        self.media.push(Stored { media: media.clone(), content, secret, date_created: SystemTime::now() });
        media
    }

    pub(crate) fn stored(&self, sid: &str) -> Option<&Stored> {
        self.media.iter().find(|stored| stored.media.sid == sid)
    }

    /// Adds a message to a conversation.
    pub(crate) fn add_message(&mut self, conversation_sid: &str, draft: NewMessage) -> Message {
        let (sid, now) = (self.sid("IM"), SystemTime::now());
        let conversation = self.conversation_mut(conversation_sid);
        let found = conversation.as_ref().and_then(|known| known.participant(&draft.author));
        let message = Message {
            sid,
            participant_sid: found.map(|participant| participant.sid.clone()),
            author: draft.author,
            body: draft.body,
            attributes: draft.attributes,
            media: draft.media,
            content_sid: draft.content_sid,
            receipts: Vec::new(),
            index: conversation.as_ref().map_or(0, |known| known.next_index),
            date_created: now,
            date_updated: now,
        };
        if let Some(conversation) = conversation {
            conversation.next_index += 1;
            conversation.messages.push(message.clone());
        }
        message
    }

    /// Returns the webhook that an address configuration attaches to new conversations. `Err` if auto-creation is
    /// disabled.
    pub(crate) fn attached(&mut self, number: &str) -> Result<Option<ScopedWebhook>, ()> {
        let Some(configured) = self.addresses.iter().find(|known| known.address == number).cloned() else {
            return Ok(None);
        };
        if !configured.enabled {
            return Err(());
        }
        let sid = self.sid("WH");
        Ok((configured.kind == "webhook").then(|| ScopedWebhook::new(sid, configured.url, configured.filters)))
    }
}

/// Checks that workers in a group MMS send from the company's number.
fn projected(conversation: &Conversation, projected_address: Option<&str>) -> Result<(), Problem> {
    let Some(projected_address) = projected_address else {
        return Err(Problem::projected_address("A projected address is required in a group conversation"));
    };
    match &conversation.business_number {
        Some(number) if number != projected_address => {
            Err(Problem::projected_address("The projected address is not a number of this account in the group"))
        }
        _ => Ok(()),
    }
}

/// Parses a JSON string with a limit on its length.
pub(crate) fn attributes(text: &str, bytes_max: usize) -> Result<Value, Problem> {
    if text.len() > bytes_max {
        return Err(Problem::attributes(format!("Attributes are longer than {bytes_max} bytes")));
    }
    serde_json::from_str(text).map_err(|error| Problem::attributes(format!("Attributes are not valid JSON: {error}")))
}
