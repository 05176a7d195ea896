//! Settings that a test can change while the simulator runs.

use std::net::SocketAddr;
use std::time::Duration;

use crate::Twilio;
use crate::common::fault::Random;
use crate::common::rng::Rng;
use crate::twilio::fault::{Action, Fault, Faults};

/// When a new group MMS becomes active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initializing {
    /// This long after its creation.
    For(Duration),
    /// After this many writes were rejected with 50386.
    Refusals(u32),
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) gateway: Option<GatewayAddress>,
    pub(crate) conversations_deadline: Duration,
    pub(crate) routing_deadline: Duration,
    pub(crate) retries: u32,
    pub(crate) retry_pause: Duration,
    pub(crate) reorder: Option<Rng>,
    pub(crate) duplicate: Option<(Rng, f64)>,
    pub(crate) initializing: Initializing,
    pub(crate) answered_attributes: bool,
    pub(crate) projected_participant: bool,
    pub(crate) routing: bool,
    /// The number of webhooks to sign with a wrong token.
    pub(crate) wrong_signatures: usize,
    /// Tokens of webhooks below other URLs than the gateway's own.
    pub(crate) other_tokens: Vec<(String, String)>,
}

/// The gateway's addresses.
#[derive(Debug, Clone)]
pub(crate) struct GatewayAddress {
    pub(crate) address: SocketAddr,
    pub(crate) conversations_url: String,
    pub(crate) routing_url: String,
    pub(crate) voice_url: String,
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
            wrong_signatures: 0,
            other_tokens: Vec::new(),
        }
    }
}

impl Twilio {
    /// Sets the address of the gateway, its public URL, and the auth token that signs webhooks.
    ///
    /// Sets the webhooks of the account, which the service inherits. They go to `{path_prefix}/callbacks/conversations` and `{path_prefix}/callbacks/routing` below `public_url`.
    /// Call this again after the gateway has moved. URLs that were set over REST are kept.
    pub fn point_at(&self, gateway: SocketAddr, public_url: &str, path_prefix: &str, token: &str) {
        let url = |name: &str| format!("{public_url}{}/callbacks/{name}", path_prefix.trim_end_matches('/'));
        let conversations_url = url("conversations");
        self.shared.update(|state| {
            let before = state.settings.gateway.as_ref().map(|gateway| gateway.conversations_url.clone());
            let webhooks = &mut state.world.account_webhooks;
            for configured in [&mut webhooks.pre_webhook_url, &mut webhooks.post_webhook_url] {
                if before.as_ref().map_or(configured.is_empty(), |before| before == configured) {
                    configured.clone_from(&conversations_url);
                }
            }
            state.settings.gateway = Some(GatewayAddress {
                address: gateway,
                conversations_url,
                routing_url: url("routing"),
                voice_url: url("voice"),
                token: token.to_owned(),
            });
        });
    }

    /// Signs webhooks to URLs that begin with this text with another token.
    pub fn sign_below(&self, url: &str, token: &str) {
        let signed = (url.to_owned(), token.to_owned());
        self.shared.update(|state| state.settings.other_tokens.push(signed));
    }

    /// Signs the next webhooks with a wrong token.
    pub fn wrong_signatures(&self, times: usize) {
        self.shared.update(|state| state.settings.wrong_signatures = times);
    }

    /// Fires only these Conversations events. Default: all. `Configuration/Webhooks` of the account changes the same
    /// setting.
    pub fn filters(&self, events: &[&str]) {
        let events = events.iter().map(|event| (*event).to_owned()).collect();
        self.shared.update(|state| state.world.account_webhooks.filters = Some(events));
    }

    /// Whether inbound conversations use custom routing. Default: true.
    pub fn custom_routing(&self, on: bool) {
        self.shared.update(|state| state.settings.routing = on);
    }

    /// The timeouts of Conversations webhooks and of routing callbacks. Default: 5 s and 6 s.
    pub fn deadlines(&self, conversations: Duration, routing: Duration) {
        self.shared.update(|state| {
            state.settings.conversations_deadline = conversations;
            state.settings.routing_deadline = routing;
        });
    }

    /// Retries post events and routing callbacks that got no 2xx status, with a pause before each. Default: no retries.
    pub fn retries(&self, retries: u32, pause: Duration) {
        self.shared.update(|state| {
            state.settings.retries = retries;
            state.settings.retry_pause = pause;
        });
    }

    /// Fires the post events and routing callbacks of a scenario in random order.
    pub fn reorder(&self, seed: u64) {
        self.shared.update(|state| state.settings.reorder = Some(Rng::new(seed)));
    }

    /// Fires each post event and routing callback twice with this probability. Half of the duplicates have the same
    /// idempotency token.
    pub fn duplicate(&self, seed: u64, probability: f64) {
        self.shared.update(|state| state.settings.duplicate = Some((Rng::new(seed), probability)));
    }

    /// When a group MMS becomes active. Default: 300 ms after its creation.
    pub fn initializing(&self, initializing: Initializing) {
        self.shared.update(|state| state.settings.initializing = initializing);
    }

    /// Whether `attributes` in the answer to `onConversationAdd` take effect, which is not documented. Default: true.
    pub fn answered_attributes(&self, count: bool) {
        self.shared.update(|state| state.settings.answered_attributes = count);
    }

    /// Whether the company's number is a separate participant of a group MMS, with only a projected address. Default:
    /// true, as captured.
    pub fn projected_participant(&self, on: bool) {
        self.shared.update(|state| state.settings.projected_participant = on);
    }

    /// The limits of participants per conversation, of all and of those with an address. Default: 100 and 50.
    pub fn participants_max(&self, all: usize, non_chat: usize) {
        self.shared.update(|state| {
            state.world.participants_max = all;
            state.world.non_chat_participants_max = non_chat;
        });
    }

    /// Queues a fault. The oldest one that matches a request hits it.
    pub fn fault(&self, fault: Fault) {
        self.shared.update(|state| state.faults.queued.push(fault));
    }

    /// Each REST call fails with this probability, with any action. Queued faults have precedence.
    pub fn faults_at_random(&self, seed: u64, probability: f64) {
        self.faults_at_random_of(seed, probability, &Action::all());
    }

    /// Like [`Twilio::faults_at_random`], with these actions only, such as [`Action::passing`].
    pub fn faults_at_random_of(&self, seed: u64, probability: f64, actions: &[Action]) {
        let random = Random::new(seed, probability, actions);
        self.shared.update(|state| state.faults.random = Some(random));
    }

    /// Removes all faults, queued and random.
    pub fn faults_off(&self) {
        self.shared.update(|state| state.faults = Faults::default());
    }
}
