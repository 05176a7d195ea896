//! The state of the simulator, and its fixed settings.

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use hyper::body::Bytes;

use crate::common::watched::Watched;
use crate::front::calls::VoiceCall;
use crate::front::fault::Faults;
use crate::front::limit::Limits;
use crate::front::model::{Channel, Contact, Conversation, Message, Template};
use crate::front::oauth::OauthConnection;
use crate::front::record::{Duplicate, Fired, Recorded};
use crate::front::settings::Settings;
use crate::front::world::World;

/// All recorded events and all stored data. [`crate::Front::wait_for`] prints this state after a timeout.
pub struct State {
    pub(crate) world: World,
    pub(crate) requests: Vec<Recorded>,
    pub(crate) hooks: Vec<Fired>,
    pub(crate) duplicates: Vec<Duplicate>,
    /// The number of requests that hit a rate limit. Excludes faults.
    pub(crate) limited: usize,
    pub(crate) limits: Limits,
    pub(crate) faults: Faults,
    pub(crate) settings: Settings,
    /// Files of the storage, by the secret in the file's URL.
    pub(crate) grants: HashMap<String, Grant>,
    pub(crate) oauth: Vec<OauthConnection>,
}

#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) content: Bytes,
    pub(crate) content_type: String,
}

impl State {
    /// Finds a channel by `cha_...`, also a removed one.
    pub fn channel(&self, id: &str) -> Option<&Channel> {
        self.world.channels.iter().find(|channel| channel.id == id)
    }

    /// Returns all channels, also removed ones, oldest first.
    pub fn channels(&self) -> &[Channel] {
        &self.world.channels
    }

    /// Finds a conversation by `cnv_...`, also by the id of a merged one, or by an id of the channel server.
    pub fn conversation(&self, id: &str) -> Option<&Conversation> {
        let leads_here = |conversation: &&Conversation| conversation.external_ids.iter().any(|known| known == id);
        self.world.conversation(id).or_else(|| self.world.conversations.iter().find(leads_here))
    }

    /// Returns all conversations, oldest first.
    pub fn conversations(&self) -> &[Conversation] {
        &self.world.conversations
    }

    /// Finds a message by `msg_...` or `alt:uid:...`.
    pub fn message(&self, id: &str) -> Option<&Message> {
        self.world.message(id).map(|(_, message)| message)
    }

    /// Returns all messages, grouped by conversation.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.world.conversations.iter().flat_map(|conversation| &conversation.messages)
    }

    /// Finds the contact with this handle.
    pub fn contact(&self, handle: &str) -> Option<&Contact> {
        self.world.contacts.iter().find(|contact| contact.handles.iter().any(|known| known == handle))
    }

    /// Returns the templates of a channel, oldest first.
    pub fn templates(&self, channel: &str) -> Vec<&Template> {
        self.world.templates.iter().filter(|template| template.channel == channel).collect()
    }

    /// Returns the calls of a channel, oldest first.
    pub fn calls(&self, channel: &str) -> Vec<&VoiceCall> {
        self.world.calls.iter().filter(|call| call.channel == channel).collect()
    }

    /// Returns all requests to the API and the storage, in the order in which their headers arrived.
    pub fn requests(&self) -> &[Recorded] {
        &self.requests
    }

    /// Returns all requests to the channel server, in the order in which they ended.
    pub fn hooks(&self) -> &[Fired] {
        &self.hooks
    }

    /// Returns the ids of the channel server that occurred for two messages.
    pub fn duplicates(&self) -> &[Duplicate] {
        &self.duplicates
    }

    /// Returns the number of requests that hit a rate limit.
    pub fn limited(&self) -> usize {
        self.limited
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "requests to the channel server:")?;
        self.hooks.iter().try_for_each(|fired| writeln!(formatter, "  {fired}"))?;
        writeln!(formatter, "requests to Front:")?;
        self.requests.iter().try_for_each(|request| writeln!(formatter, "  {request}"))?;
        writeln!(formatter, "channels:")?;
        for Channel { id, address, webhook_url, is_connected, .. } in &self.world.channels {
            writeln!(formatter, "  {id} {address} {webhook_url}{}", if *is_connected { "" } else { ", removed" })?;
        }
        writeln!(formatter, "conversations:")?;
        for conversation in &self.world.conversations {
            let Conversation { id, channel, external_ids, is_open, .. } = conversation;
            let open = if *is_open { "open" } else { "archived" };
            writeln!(formatter, "  {id} of {channel} {external_ids:?} {open}")?;
            for Message { id, is_inbound, external_id, text, state, .. } in &conversation.messages {
                let direction = if *is_inbound { "in" } else { "out" };
                writeln!(formatter, "    {id} {direction} {external_id:?} {text:?} {state:?}")?;
            }
        }
        writeln!(formatter, "calls:")?;
        self.world.calls.iter().try_for_each(|call| writeln!(formatter, "  {call}"))?;
        writeln!(formatter, "duplicates: {:?}", self.duplicates)?;
        writeln!(formatter, "faults to come: {:?}", self.faults.queued)
    }
}

pub(crate) struct Shared {
    watched: Watched<State>,
    /// `http://127.0.0.1:port`
    pub(crate) url: String,
    /// The URL of the storage.
    pub(crate) storage_url: String,
    pub(crate) control: bool,
    pub(crate) started: Instant,
}

impl Shared {
    pub(crate) fn new(world: World, url: String, storage_url: String, control: bool) -> Arc<Self> {
        let state = State {
            world,
            requests: Vec::new(),
            hooks: Vec::new(),
            duplicates: Vec::new(),
            limited: 0,
            limits: Limits::default(),
            faults: Faults::default(),
            settings: Settings::default(),
            grants: HashMap::new(),
            oauth: Vec::new(),
        };
        Arc::new(Self { watched: Watched::new(state), url, storage_url, control, started: Instant::now() })
    }
}

impl Deref for Shared {
    type Target = Watched<State>;

    fn deref(&self) -> &Watched<State> {
        &self.watched
    }
}
