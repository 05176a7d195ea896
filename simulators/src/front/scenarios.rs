//! Scenarios for tests. Each returns once the channel server has answered or timed out; `begin_...` returns at once.

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
    /// The ids of message and conversation in the answer, or the reason for which the teammate saw that the channel's
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
    /// An admin connects a new channel. Returns its `cha_...`, or the reason for which the server refused.
    pub fn connect(&self, connect: impl Into<Connect>) -> Result<String, Refusal> {
        let id = self.shared.update(|state| state.world.id("cha"));
        self.runtime().block_on(admin::authorize(&self.shared, id, connect.into()))
    }

    /// An admin connects an existing or removed channel again, with the same id.
    pub fn reconnect(&self, channel: &str, connect: impl Into<Connect>) -> Result<String, Refusal> {
        self.runtime().block_on(admin::authorize(&self.shared, channel.to_owned(), connect.into()))
    }

    /// Lists the addresses that a server offers, all pages.
    pub fn list_addresses(&self, connect: impl Into<Connect>) -> Result<Vec<Address>, Refusal> {
        self.runtime().block_on(admin::addresses(&self.shared, connect.into()))
    }

    /// An admin removes a channel.
    pub fn disconnect(&self, channel: &str, farewell: Farewell) -> Fired {
        self.runtime().block_on(admin::remove(&self.shared, channel, farewell))
    }

    /// A teammate writes to the recipients of the draft.
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

    /// Like [`Front::send`], in the background. Returns the `msg_...`.
    pub fn begin_send(&self, channel: &str, draft: impl Into<Draft>) -> String {
        self.begun(&Place::New { channel }, draft.into())
    }

    /// Like [`Front::reply`], in the background. Returns the `msg_...`.
    pub fn begin_reply(&self, conversation: &str, draft: impl Into<Draft>) -> String {
        self.begun(&Place::Reply { conversation }, draft.into())
    }

    /// Sends a message again, with the same id and the current ids of the conversation.
    pub fn resend(&self, message: &str) -> Sent {
        self.settled(message.to_owned(), &Draft::new(""))
    }

    /// Replays a request: the same bytes, timestamp and signature. The answer has no effect.
    pub fn repeat(&self, fired: &Fired) -> Fired {
        self.runtime().block_on(self.shared.transmit(fired.clone(), acknowledged, |_, _| ()))
    }

    /// Signs any body and posts it to any URL. The answer has no effect.
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
