//! The company's data, which requests and scenarios read and change.

use std::time::SystemTime;

use uuid::Uuid;

use crate::front::calls::VoiceCall;
use crate::front::model::{Author, Channel, Contact, Conversation, Message, MessageState, Recipient, Template};

/// The upper bound of salts, 36^6. Salts make ids unique across simulators, in the format of Front's ids.
const SALT_END: u64 = 2_176_782_336;

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) app: String,
    pub(crate) secret: String,
    pub(crate) company: String,
    pub(crate) channels: Vec<Channel>,
    pub(crate) contacts: Vec<Contact>,
    pub(crate) conversations: Vec<Conversation>,
    /// Merged conversations: pairs of the old id and the id of the target.
    merged: Vec<(String, String)>,
    teammates: Vec<Author>,
    pub(crate) templates: Vec<Template>,
    pub(crate) calls: Vec<VoiceCall>,
    ids: u64,
}

impl World {
    pub(crate) fn new(app: String, secret: String, company: String) -> Self {
        let ids = SALT_END + Uuid::new_v4().as_u64_pair().0 % SALT_END * 100;
        let (channels, contacts, conversations) = (Vec::new(), Vec::new(), Vec::new());
        let (merged, teammates, templates, calls) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { app, secret, company, channels, contacts, conversations, merged, teammates, templates, calls, ids }
    }

    /// Generates an id: a prefix and a number in base 36.
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        self.ids += 1;
        let (mut rest, mut digits) = (self.ids, Vec::new());
        while rest > 0 {
            digits.push(char::from_digit(u32::try_from(rest % 36).expect("below 36"), 36).expect("a digit"));
            rest /= 36;
        }
        digits.iter().rev().fold(format!("{prefix}_"), |id, digit| id + &digit.to_string())
    }

    /// Finds a connected channel by its id or `alt:address:...`.
    pub(crate) fn channel(&self, name: &str) -> Option<&Channel> {
        let is = |channel: &&Channel| match name.strip_prefix("alt:address:") {
            Some(address) => channel.address == address,
            None => channel.id == name,
        };
        self.channels.iter().filter(|channel| channel.is_connected).find(is)
    }

    pub(crate) fn channel_mut(&mut self, id: &str) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| channel.id == id)
    }

    /// Finds a conversation by its id, also by the id of a merged one.
    pub(crate) fn conversation(&self, id: &str) -> Option<&Conversation> {
        let id = self.merged.iter().find(|(old, _)| old == id).map_or(id, |(_, new)| new);
        self.conversations.iter().find(|conversation| conversation.id == id)
    }

    pub(crate) fn conversation_mut(&mut self, id: &str) -> Option<&mut Conversation> {
        let id = self.conversation(id)?.id.clone();
        self.conversations.iter_mut().find(|conversation| conversation.id == id)
    }

    /// Finds a conversation by an id of the channel server.
    pub(crate) fn thread(&self, channel: &str, external_id: &str) -> Option<&Conversation> {
        let leads_here = |conversation: &&Conversation| {
            conversation.channel == channel && conversation.external_ids.iter().any(|known| known == external_id)
        };
        self.conversations.iter().find(leads_here)
    }

    pub(crate) fn begin(&mut self, channel: &str, external_id: Option<&str>) -> &mut Conversation {
        let id = self.id("cnv");
        self.conversations.push(Conversation {
            id,
            channel: channel.to_owned(),
            external_ids: external_id.map(ToOwned::to_owned).into_iter().collect(),
            messages: Vec::new(),
            is_open: true,
            subject: String::new(),
        });
        self.conversations.last_mut().expect("it was just added")
    }

    /// Finds a message and its conversation, by the id or `alt:uid:...` of the message.
    pub(crate) fn message(&self, name: &str) -> Option<(&Conversation, &Message)> {
        let is = |message: &&Message| match name.strip_prefix("alt:uid:") {
            Some(uid) => message.uid == uid,
            None => message.id == name,
        };
        let mut found = self.conversations.iter().filter_map(|conversation| {
            let message = conversation.messages.iter().find(is)?;
            Some((conversation, message))
        });
        found.next()
    }

    pub(crate) fn message_mut(&mut self, id: &str) -> Option<&mut Message> {
        let mut messages = self.conversations.iter_mut().flat_map(|conversation| &mut conversation.messages);
        messages.find(|message| message.id == id)
    }

    /// Finds the first message of a channel with this id of the channel server.
    pub(crate) fn with_external_id(&self, channel: &str, external_id: &str) -> Option<&Message> {
        let conversations = self.conversations.iter().filter(|conversation| conversation.channel == channel);
        let mut messages = conversations.flat_map(|conversation| &conversation.messages);
        messages.find(|message| message.external_id.as_deref() == Some(external_id))
    }

    /// Returns the teammate or bot with this email address, and creates it if necessary.
    pub(crate) fn teammate(&mut self, email: &str, kind: &str) -> Author {
        if let Some(known) = self.teammates.iter().find(|teammate| teammate.email == email && teammate.kind == kind) {
            return known.clone();
        }
        let author = Author { id: self.id("tea"), email: email.to_owned(), kind: kind.to_owned() };
        self.teammates.push(author.clone());
        author
    }

    /// Finds a teammate by its id or `alt:email:...`.
    pub(crate) fn known_teammate(&self, name: &str) -> Option<&Author> {
        self.teammates.iter().find(|teammate| match name.strip_prefix("alt:email:") {
            Some(email) => teammate.email == email && teammate.kind == Author::USER,
            None => teammate.id == name,
        })
    }

    /// Finds the contact with this handle or this email, or creates one.
    pub(crate) fn recipient(&mut self, role: &str, handle: &str, name: Option<&str>, email: Option<&str>) -> Recipient {
        let has_handle = |contact: &Contact| contact.handles.iter().any(|known| known == handle);
        let has_email = |contact: &Contact| email.is_some() && contact.email.as_deref() == email;
        let at = self.contacts.iter().position(has_handle).or_else(|| self.contacts.iter().position(has_email));
        let at = at.unwrap_or_else(|| {
            let id = self.id("crd");
            self.contacts.push(Contact { id, name: None, handles: Vec::new(), email: None });
            self.contacts.len() - 1
        });
        let contact = &mut self.contacts[at];
        if !contact.handles.iter().any(|known| known == handle) {
            contact.handles.push(handle.to_owned());
        }
        let replace = |old: &mut Option<String>, new: Option<&str>| *old = new.map(ToOwned::to_owned).or(old.take());
        replace(&mut contact.name, name);
        replace(&mut contact.email, email);
        let (name, contact) = (contact.name.clone(), Some(contact.id.clone()));
        Recipient { handle: handle.to_owned(), name, role: role.to_owned(), contact }
    }

    /// Merges the second conversation into the first. Returns false unless both exist, differ, and belong to one
    /// channel.
    pub(crate) fn merge(&mut self, into: &str, from: &str) -> bool {
        let ids = [into, from].map(|id| self.conversation(id).map(|found| (found.id.clone(), found.channel.clone())));
        let [Some((into, channel)), Some((from, other))] = ids else { return false };
        if into == from || channel != other {
            return false;
        }
        let at = self.conversations.iter().position(|conversation| conversation.id == from);
        let gone = self.conversations.remove(at.expect("it was just found"));
        let conversation = self.conversation_mut(&into).expect("it was just found");
        conversation.external_ids.extend(gone.external_ids);
        conversation.messages.extend(gone.messages);
        conversation.messages.sort_by_key(|message| message.created_at);
        conversation.is_open |= gone.is_open;
        self.merged.iter_mut().filter(|(_, new)| *new == from).for_each(|(_, new)| new.clone_from(&into));
        self.merged.push((from, into));
        true
    }

    /// Assigns a message to a conversation by the id in the channel server's response. [?]
    ///
    /// - An id of its conversation: the message stays.
    /// - The first id of a new conversation: the conversation gets the id.
    /// - Any other id: the message moves to that conversation.
    pub(crate) fn file(&mut self, message: &str, external_id: &str) {
        let Some((conversation, _)) = self.message(message) else { return };
        let (id, channel) = (conversation.id.clone(), conversation.channel.clone());
        if conversation.external_ids.iter().any(|known| known == external_id) {
            return;
        }
        let is_new = conversation.external_ids.is_empty();
        let elsewhere = self.thread(&channel, external_id).map(|thread| thread.id.clone());
        match elsewhere {
            Some(elsewhere) if is_new => drop(self.merge(&elsewhere, &id)),
            Some(elsewhere) => self.move_message(message, &id, &elsewhere),
            None if is_new => {
                let conversation = self.conversation_mut(&id).expect("it was just found");
                conversation.external_ids.push(external_id.to_owned());
            }
            None => {
                let new = self.begin(&channel, Some(external_id)).id.clone();
                self.move_message(message, &id, &new);
            }
        }
    }

    fn move_message(&mut self, message: &str, from: &str, to: &str) {
        let from = self.conversation_mut(from).expect("it was just found");
        let at = from.messages.iter().position(|known| known.id == message).expect("it was just found");
        let message = from.messages.remove(at);
        self.conversation_mut(to).expect("it was just found").messages.push(message);
    }

    /// Marks a sent message as failed and reopens the conversation. Returns false if the message does not exist.
    pub(crate) fn fail(&mut self, message: &str, reason: Option<String>) -> bool {
        let Some((conversation, _)) = self.message(message) else { return false };
        let id = conversation.id.clone();
        self.conversation_mut(&id).expect("it was just found").is_open = true;
        self.message_mut(message).expect("it was just found").state = MessageState::Failed(reason);
        true
    }
}

pub(crate) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).expect("milliseconds fit in 64 bits")
}
