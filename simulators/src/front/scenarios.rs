//! Scenarios for tests. Each returns when the channel server has answered or timed out; `begin_...` returns at once.

use std::sync::Arc;

use crate::front::Front;
use crate::front::admin::{self, Address, Farewell};
use crate::front::draft::{Connect, Draft};
use crate::front::hook::Hook;
use crate::front::record::{Fired, Refusal};
use crate::front::steps::{self, Place, acknowledged};

/// A sent message and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// `msg_...`
    pub message: String,
    /// `cnv_...` of its conversation.
    pub conversation: String,
    /// The ids of message and conversation in the response, or the reason for which the teammate saw that the channel's
    /// servers are unresponsive.
    pub outcome: Result<(String, String), String>,
}

impl Sent {
    /// Returns the channel server's ids of message and conversation.
    ///
    /// # Panics
    ///
    /// Panics if the teammate saw an error.
    #[track_caller]
    pub fn ids(&self) -> (&str, &str) {
        match &self.outcome {
            Ok((external_id, conversation)) => (external_id, conversation),
            Err(why) => panic!("{} was not delivered: {why}", self.message),
        }
    }
}

impl Front {
    /// Connects a new channel, as an admin does. Returns the channel's `cha_...`, or the reason for the refusal.
    pub fn connect(&self, connect: impl Into<Connect>) -> Result<String, Refusal> {
        let id = self.shared.update(|state| state.world.id("cha"));
        self.runtime().block_on(admin::authorize(&self.shared, id, connect.into()))
    }

    /// Reconnects an existing or removed channel with the same id, as an admin does.
    pub fn reconnect(&self, channel: &str, connect: impl Into<Connect>) -> Result<String, Refusal> {
        self.runtime().block_on(admin::authorize(&self.shared, channel.to_owned(), connect.into()))
    }

    /// Lists the addresses that a server offers, from all pages.
    pub fn list_addresses(&self, connect: impl Into<Connect>) -> Result<Vec<Address>, Refusal> {
        self.runtime().block_on(admin::addresses(&self.shared, connect.into()))
    }

    /// Removes a channel, as an admin does.
    pub fn disconnect(&self, channel: &str, farewell: Farewell) -> Fired {
        self.runtime().block_on(admin::remove(&self.shared, channel, farewell))
    }

    /// Sends a teammate's message to the recipients of the draft.
    pub fn send(&self, channel: &str, draft: impl Into<Draft>) -> Sent {
        self.played(&Place::New { channel }, &draft.into())
    }

    /// Sends a teammate's reply in a conversation.
    pub fn reply(&self, conversation: &str, draft: impl Into<Draft>) -> Sent {
        self.played(&Place::Reply { conversation }, &draft.into())
    }

    /// Sends a rule's reply in a conversation.
    pub fn autoreply(&self, conversation: &str, draft: impl Into<Draft>) -> Sent {
        self.played(&Place::Autoreply { conversation }, &draft.into())
    }

    /// Works like [`Front::send`], in the background. Returns the `msg_...` of the message.
    pub fn begin_send(&self, channel: &str, draft: impl Into<Draft>) -> String {
        self.begun(&Place::New { channel }, draft.into())
    }

    /// Works like [`Front::reply`], in the background. Returns the `msg_...` of the message.
    pub fn begin_reply(&self, conversation: &str, draft: impl Into<Draft>) -> String {
        self.begun(&Place::Reply { conversation }, draft.into())
    }

    /// Sends a message again, with the same id and the current ids of the conversation.
    pub fn resend(&self, message: &str) -> Sent {
        self.settled(message.to_owned(), &Draft::new(""))
    }

    /// Replays a request: the same bytes, timestamp and signature. The response has no effect.
    pub fn repeat(&self, fired: &Fired) -> Fired {
        self.runtime().block_on(self.shared.transmit(fired.clone(), acknowledged, |_, _| ()))
    }

    /// Signs any body and posts it to any URL. The response has no effect.
    pub fn fire(&self, url: &str, body: &str) -> Fired {
        let json: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        let hook = Hook::new(json["type"].as_str().unwrap_or_default(), url, body);
        self.runtime().block_on(self.shared.deliver(hook, acknowledged))
    }

    /// Merges the second conversation into the first, which keeps the ids of both.
    ///
    /// # Panics
    ///
    /// Panics unless both exist and belong to one channel.
    pub fn merge(&self, into: &str, from: &str) {
        assert!(self.shared.update(|state| state.world.merge(into, from)), "{into} and {from} cannot be merged");
    }

    fn played(&self, place: &Place<'_>, draft: &Draft) -> Sent {
        self.settled(steps::compose(&self.shared, place, draft), draft)
    }

    fn settled(&self, message: String, draft: &Draft) -> Sent {
        let outcome = self.runtime().block_on(steps::dispatch(&self.shared, &message, draft));
        let conversation = self.look(|state| state.world.message(&message).map(|(found, _)| found.id.clone()));
        Sent { message, conversation: conversation.expect("it was composed"), outcome }
    }

    fn begun(&self, place: &Place<'_>, draft: Draft) -> String {
        let id = steps::compose(&self.shared, place, &draft);
        let (shared, message) = (Arc::clone(&self.shared), id.clone());
        self.runtime().spawn(async move { steps::dispatch(&shared, &message, &draft).await });
        id
    }
}
