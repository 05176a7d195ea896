//! Scenarios for tests: each returns when the channel server has answered, or was given up; those that
//! `begin` return at once.

use std::sync::Arc;

use crate::front::Front;
use crate::front::admin::{self, Address, Farewell};
use crate::front::draft::{Connect, Draft};
use crate::front::hook::Hook;
use crate::front::record::{Fired, Refusal};
use crate::front::scenes::{self, Place, acknowledged};

/// A message that was sent, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// `msg_...`
    pub message: String,
    /// `cnv_...` of where it stands now.
    pub conversation: String,
    /// The ids of the message and of its conversation in the answer, or why the teammate was shown that
    /// the channel's servers are unresponsive.
    pub outcome: Result<(String, String), String>,
}

impl Sent {
    /// The channel server's ids of the message and of its conversation.
    /// Panics if the teammate was shown an error.
    #[track_caller]
    pub fn ids(&self) -> (&str, &str) {
        match &self.outcome {
            Ok((external_id, conversation)) => (external_id, conversation),
            Err(why) => panic!("{} was not delivered: {why}", self.message),
        }
    }
}

impl Front {
    /// An admin connects a new channel. Its `cha_...`, or why the server refused.
    pub fn connect(&self, connect: impl Into<Connect>) -> Result<String, Refusal> {
        let id = self.shared.update(|state| state.world.id("cha"));
        self.runtime().block_on(admin::authorize(&self.shared, id, connect.into()))
    }

    /// Asks again for a channel that is there or was removed, with the same id.
    pub fn reconnect(&self, channel: &str, connect: impl Into<Connect>) -> Result<String, Refusal> {
        self.runtime().block_on(admin::authorize(&self.shared, channel.to_owned(), connect.into()))
    }

    /// What a server offers to connect, all pages of it.
    pub fn list_addresses(&self, connect: impl Into<Connect>) -> Result<Vec<Address>, Refusal> {
        self.runtime().block_on(admin::addresses(&self.shared, connect.into()))
    }

    /// An admin removes a channel.
    pub fn disconnect(&self, channel: &str, farewell: Farewell) -> Fired {
        self.runtime().block_on(admin::remove(&self.shared, channel, farewell))
    }

    /// A teammate writes to somebody; the draft says to whom.
    pub fn send(&self, channel: &str, draft: impl Into<Draft>) -> Sent {
        self.played(&Place::New { channel }, &draft.into())
    }

    /// A teammate answers in a conversation.
    pub fn reply(&self, conversation: &str, draft: impl Into<Draft>) -> Sent {
        self.played(&Place::Reply { conversation }, &draft.into())
    }

    /// A rule answers in a conversation.
    pub fn autoreply(&self, conversation: &str, draft: impl Into<Draft>) -> Sent {
        self.played(&Place::Autoreply { conversation }, &draft.into())
    }

    /// Like [`Front::send`], beside everything else. The `msg_...`.
    pub fn begin_send(&self, channel: &str, draft: impl Into<Draft>) -> String {
        self.begun(&Place::New { channel }, draft.into())
    }

    /// Like [`Front::reply`], beside everything else. The `msg_...`.
    pub fn begin_reply(&self, conversation: &str, draft: impl Into<Draft>) -> String {
        self.begun(&Place::Reply { conversation }, draft.into())
    }

    /// Sends a message again, under the same id and with the conversation's ids of now.
    pub fn resend(&self, message: &str) -> Sent {
        self.settled(message.to_owned(), &Draft::new(""))
    }

    /// Sends the very same bytes again, with their timestamp and their signature. Whatever is answered
    /// changes nothing.
    pub fn repeat(&self, fired: &Fired) -> Fired {
        self.runtime().block_on(self.shared.transmit(fired.clone(), acknowledged, |_, _| ()))
    }

    /// Signs and posts any body to any URL; whatever is answered changes nothing.
    pub fn fire(&self, url: &str, body: &str) -> Fired {
        let json: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        let hook = Hook::new(json["type"].as_str().unwrap_or_default(), url, body);
        self.runtime().block_on(self.shared.deliver(hook, acknowledged))
    }

    /// All of the second conversation becomes part of the first: the ids of both lead there.
    /// Panics unless both are there and belong to one channel.
    pub fn merge(&self, into: &str, from: &str) {
        assert!(self.shared.update(|state| state.world.merge(into, from)), "{into} and {from} cannot be merged");
    }

    fn played(&self, place: &Place<'_>, draft: &Draft) -> Sent {
        self.settled(scenes::compose(&self.shared, place, draft), draft)
    }

    fn settled(&self, message: String, draft: &Draft) -> Sent {
        let outcome = self.runtime().block_on(scenes::dispatch(&self.shared, &message, draft));
        let conversation = self.look(|state| state.world.message(&message).map(|(found, _)| found.id.clone()));
        Sent { message, conversation: conversation.expect("it was composed"), outcome }
    }

    fn begun(&self, place: &Place<'_>, draft: Draft) -> String {
        let id = scenes::compose(&self.shared, place, &draft);
        let (shared, message) = (Arc::clone(&self.shared), id.clone());
        self.runtime().spawn(async move { scenes::dispatch(&shared, &message, &draft).await });
        id
    }
}
