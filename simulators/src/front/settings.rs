//! Settings that a test can change while the simulator runs.

use std::net::SocketAddr;
use std::time::Duration;

use crate::common::fault::Random;
use crate::front::Front;
use crate::front::fault::{Action, Fault, Faults};

/// The unit of `X-Front-Request-Timestamp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timestamps {
    /// Milliseconds, as observed.
    Milliseconds,
    /// Seconds, as some sources claim.
    Seconds,
}

/// The answer to `GET /messages/{msg}/download/{fil}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Downloads {
    /// 200 with the bytes.
    Bytes,
    /// 302 to the storage, which rejects a request with `Authorization`.
    Redirect,
    /// 302 to this URL.
    RedirectTo(String),
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) server: Option<SocketAddr>,
    pub(crate) server_url: Option<String>,
    pub(crate) deadline: Duration,
    pub(crate) timestamps: Timestamps,
    pub(crate) import_delay: Duration,
    pub(crate) imported_to_lose: usize,
    pub(crate) imported_to_repeat: usize,
    pub(crate) dedup: bool,
    pub(crate) downloads: Downloads,
    pub(crate) bytes_max: usize,
    pub(crate) autoreply: Option<String>,
    pub(crate) autoreply_metadata: bool,
    /// Whether the app's channel has templates.
    pub(crate) templates: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            server: None,
            server_url: None,
            deadline: Duration::from_secs(7),
            timestamps: Timestamps::Milliseconds,
            import_delay: Duration::from_millis(10),
            imported_to_lose: 0,
            imported_to_repeat: 0,
            dedup: false,
            downloads: Downloads::Redirect,
            // [?] Whether one MB is 1000 or 1024 kB.
            bytes_max: 25 * 1024 * 1024,
            autoreply: None,
            autoreply_metadata: false,
            templates: true,
        }
    }
}

impl Front {
    /// Sets the address of the channel server, for URLs of any host, as DNS and a TLS proxy would. Call this again
    /// after the server has moved.
    pub fn point_at(&self, server: SocketAddr) {
        self.shared.update(|state| state.settings.server = Some(server));
    }

    /// Sets the URL of the app's server, at which channels that are created by the API are authorized.
    pub fn app_server(&self, url: &str) {
        self.shared.update(|state| state.settings.server_url = Some(url.to_owned()));
    }

    /// The timeout of requests to the channel server. Default: 7 s.
    pub fn deadline(&self, deadline: Duration) {
        self.shared.update(|state| state.settings.deadline = deadline);
    }

    /// The unit of timestamps. Default: milliseconds.
    pub fn timestamps(&self, timestamps: Timestamps) {
        self.shared.update(|state| state.settings.timestamps = timestamps);
    }

    /// Replaces the app secret, for signatures and tokens.
    pub fn rotate_secret(&self, secret: &str) {
        self.shared.update(|state| secret.clone_into(&mut state.world.secret));
    }

    /// The delay of an import after its 202. Default: 10 ms.
    pub fn import_delay(&self, delay: Duration) {
        self.shared.update(|state| state.settings.import_delay = delay);
    }

    /// Drops this many of the next `message_imported`.
    pub fn lose_imported(&self, times: usize) {
        self.shared.update(|state| state.settings.imported_to_lose = times);
    }

    /// Sends each of the next `times` requests `message_imported` twice.
    pub fn repeat_imported(&self, times: usize) {
        self.shared.update(|state| state.settings.imported_to_repeat = times);
    }

    /// Whether templates are ticked in the settings of the app's channel. Default: true.
    pub fn allow_templates(&self, on: bool) {
        self.shared.update(|state| state.settings.templates = on);
    }

    /// Whether an import with a known id is dropped: answered with 202 and the uid of the first one, without a
    /// notification. Default: false, which imports the message again.
    pub fn dedup(&self, on: bool) {
        self.shared.update(|state| state.settings.dedup = on);
    }

    /// The burst limit: requests per second of one channel or for one message. Default: 5.
    pub fn burst(&self, requests: u32) {
        self.shared.update(|state| state.limits.burst = requests);
    }

    /// The company's limit: requests per window. Default: 200 per minute.
    pub fn budget(&self, requests: u32, window: Duration) {
        self.shared.update(|state| {
            state.limits.budget = requests;
            state.limits.budget_window = window;
        });
    }

    /// The answer to downloads. Default: a redirect to the storage.
    pub fn downloads(&self, downloads: Downloads) {
        self.shared.update(|state| state.settings.downloads = downloads);
    }

    /// The size limit of a request. Default: 25 MB.
    pub fn bytes_max(&self, bytes: usize) {
        self.shared.update(|state| state.settings.bytes_max = bytes);
    }

    /// Adds a rule that answers each imported message of a customer with this text.
    pub fn autoreply_rule(&self, text: Option<&str>) {
        self.shared.update(|state| state.settings.autoreply = text.map(ToOwned::to_owned));
    }

    /// Whether autoreplies have `metadata` with the conversation's ids. Default: false, as documented.
    pub fn autoreply_metadata(&self, on: bool) {
        self.shared.update(|state| state.settings.autoreply_metadata = on);
    }

    /// Queues a fault. The oldest one that matches a request hits it.
    pub fn fault(&self, fault: Fault) {
        self.shared.update(|state| state.faults.queued.push(fault));
    }

    /// Each call fails with this probability, with any action. Queued faults have precedence.
    pub fn faults_at_random(&self, seed: u64, probability: f64) {
        self.faults_at_random_of(seed, probability, &Action::all());
    }

    /// Like [`Front::faults_at_random`], with these actions only, such as [`Action::passing`].
    pub fn faults_at_random_of(&self, seed: u64, probability: f64, actions: &[Action]) {
        let random = Random::new(seed, probability, actions);
        self.shared.update(|state| state.faults.random = Some(random));
    }

    /// Removes all faults, queued and random.
    pub fn faults_off(&self) {
        self.shared.update(|state| state.faults = Faults::default());
    }
}
