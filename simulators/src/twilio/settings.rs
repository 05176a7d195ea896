//! How the double behaves where Twilio leaves a choice, and what a test can set while it runs.

use std::net::SocketAddr;
use std::time::Duration;

use crate::Twilio;
use crate::common::chance::Chance;
use crate::common::fault::Random;
use crate::twilio::fault::{Action, Fault, Faults};

/// When a group MMS that was created by itself becomes active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initializing {
    /// So long after its creation.
    For(Duration),
    /// After so many writes to it were refused with 50386.
    Refusals(u32),
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) gateway: Option<Pointed>,
    pub(crate) conversations_deadline: Duration,
    pub(crate) routing_deadline: Duration,
    pub(crate) retries: u32,
    pub(crate) retry_pause: Duration,
    pub(crate) reorder: Option<Chance>,
    pub(crate) duplicate: Option<(Chance, f64)>,
    pub(crate) initializing: Initializing,
    pub(crate) answered_attributes: bool,
    pub(crate) projected_participant: bool,
    pub(crate) routing: bool,
}

/// Where the gateway is.
#[derive(Debug, Clone)]
pub(crate) struct Pointed {
    pub(crate) address: SocketAddr,
    pub(crate) conversations_url: String,
    pub(crate) routing_url: String,
    pub(crate) token: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            gateway: None,
            conversations_deadline: Duration::from_secs(5),
            routing_deadline: Duration::from_secs(6),
            retries: 0,
            retry_pause: Duration::from_millis(100),
            reorder: None,
            duplicate: None,
            initializing: Initializing::For(Duration::from_millis(300)),
            answered_attributes: true,
            projected_participant: true,
            routing: true,
        }
    }
}

impl Twilio {
    /// Where the gateway listens, what it is called publicly, and the auth token that signs: webhooks go
    /// to `{path_prefix}/callbacks/conversations` and `/callbacks/routing` below `public_url`. Can be
    /// called again when the gateway has moved; URLs that were set over REST stay.
    pub fn point_at(&self, gateway: SocketAddr, public_url: &str, path_prefix: &str, token: &str) {
        let url = |name: &str| format!("{public_url}{}/callbacks/{name}", path_prefix.trim_end_matches('/'));
        let conversations_url = url("conversations");
        self.shared.update(|state| {
            let before = state.settings.gateway.as_ref().map(|gateway| gateway.conversations_url.clone());
            let webhooks = &mut state.world.webhooks;
            for configured in [&mut webhooks.pre_webhook_url, &mut webhooks.post_webhook_url] {
                if before.as_ref().map_or(configured.is_empty(), |before| before == configured) {
                    configured.clone_from(&conversations_url);
                }
            }
            let (routing_url, token) = (url("routing"), token.to_owned());
            state.settings.gateway = Some(Pointed { address: gateway, conversations_url, routing_url, token });
        });
    }

    /// Fires only these Conversations events; all of them at first. `Configuration/Webhooks` sets the same.
    pub fn filters(&self, events: &[&str]) {
        let events = events.iter().map(|event| (*event).to_owned()).collect();
        self.shared.update(|state| state.world.webhooks.filters = Some(events));
    }

    /// Whether conversations that come in are routed by the callback; at first they are.
    pub fn custom_routing(&self, on: bool) {
        self.shared.update(|state| state.settings.routing = on);
    }

    /// How long Twilio waits for Conversations webhooks (5 s at first) and routing callbacks (6 s).
    pub fn deadlines(&self, conversations: Duration, routing: Duration) {
        self.shared.update(|state| {
            state.settings.conversations_deadline = conversations;
            state.settings.routing_deadline = routing;
        });
    }

    /// Post events and routing callbacks that got no 2xx are sent up to so many times again, with a pause
    /// before each; at first they are not.
    pub fn retries(&self, retries: u32, pause: Duration) {
        self.shared.update(|state| {
            state.settings.retries = retries;
            state.settings.retry_pause = pause;
        });
    }

    /// Post events and routing callbacks of a scenario come in any order.
    pub fn reorder(&self, seed: u64) {
        self.shared.update(|state| state.settings.reorder = Some(Chance::new(seed)));
    }

    /// Post events and routing callbacks come twice, with this probability each; half of the second ones
    /// have the same idempotency token.
    pub fn duplicate(&self, seed: u64, probability: f64) {
        self.shared.update(|state| state.settings.duplicate = Some((Chance::new(seed), probability)));
    }

    /// When a group MMS becomes active; 300 ms after it came at first.
    pub fn initializing(&self, initializing: Initializing) {
        self.shared.update(|state| state.settings.initializing = initializing);
    }

    /// Whether `attributes` in the answer to `onConversationAdd` count, which is not documented; at first
    /// they do.
    pub fn answered_attributes(&self, count: bool) {
        self.shared.update(|state| state.settings.answered_attributes = count);
    }

    /// Whether the company's number is a participant of its own, with only a projected address, in a group
    /// MMS; at first it is, as was captured.
    pub fn projected_participant(&self, on: bool) {
        self.shared.update(|state| state.settings.projected_participant = on);
    }

    /// How many participants a conversation may have in all (100 at first), and outside of chat (50).
    pub fn participants_max(&self, all: usize, non_chat: usize) {
        self.shared.update(|state| {
            state.world.participants_max = all;
            state.world.non_chat_participants_max = non_chat;
        });
    }

    /// Queues a failure; the oldest that matches a request hits it.
    pub fn fault(&self, fault: Fault) {
        self.shared.update(|state| state.faults.queued.push(fault));
    }

    /// Every REST call fails with this probability, in any of the shapes; queued faults come first.
    pub fn faults_at_random(&self, seed: u64, probability: f64) {
        self.faults_at_random_of(seed, probability, &Action::all());
    }

    /// The same with some shapes only, such as [`Action::passing`].
    pub fn faults_at_random_of(&self, seed: u64, probability: f64, actions: &[Action]) {
        let random = Random::new(seed, probability, actions);
        self.shared.update(|state| state.faults.random = Some(random));
    }

    /// No failures any more, queued or random.
    pub fn faults_off(&self) {
        self.shared.update(|state| state.faults = Faults::default());
    }
}
