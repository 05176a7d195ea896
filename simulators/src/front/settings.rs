//! How the double behaves where Front leaves a choice, and what a test can set while it runs.

use std::net::SocketAddr;
use std::time::Duration;

use crate::common::fault::Random;
use crate::front::Front;
use crate::front::fault::{Action, Fault, Faults};

/// What `X-Front-Request-Timestamp` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timestamps {
    /// As was observed.
    Milliseconds,
    /// As some believe.
    Seconds,
}

/// What `GET /messages/{msg}/download/{fil}` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Downloads {
    /// 200 with the bytes.
    Bytes,
    /// 302 to the storage, which refuses a request with `Authorization`.
    Redirect,
    /// 302 to this URL, wherever that is.
    RedirectTo(String),
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) server: Option<SocketAddr>,
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
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            server: None,
            deadline: Duration::from_secs(7),
            timestamps: Timestamps::Milliseconds,
            import_delay: Duration::from_millis(10),
            imported_to_lose: 0,
            imported_to_repeat: 0,
            dedup: false,
            downloads: Downloads::Redirect,
            // Whether a MB has 1000 or 1024 kB here is [?].
            bytes_max: 25 * 1024 * 1024,
            autoreply: None,
            autoreply_metadata: false,
        }
    }
}

impl Front {
    /// Where the channel server listens, whatever host its URLs name, as if DNS and a proxy that speaks TLS
    /// led there. Can be called again when it has moved.
    pub fn point_at(&self, server: SocketAddr) {
        self.shared.update(|state| state.settings.server = Some(server));
    }

    /// How long Front waits for an answer; 7 s at first.
    pub fn deadline(&self, deadline: Duration) {
        self.shared.update(|state| state.settings.deadline = deadline);
    }

    /// What timestamps count; milliseconds at first.
    pub fn timestamps(&self, timestamps: Timestamps) {
        self.shared.update(|state| state.settings.timestamps = timestamps);
    }

    /// Signs with another app secret from now on, and accepts tokens of that one only.
    pub fn rotate_secret(&self, secret: &str) {
        self.shared.update(|state| secret.clone_into(&mut state.world.secret));
    }

    /// How long an import takes after its 202; 10 ms at first.
    pub fn import_delay(&self, delay: Duration) {
        self.shared.update(|state| state.settings.import_delay = delay);
    }

    /// So many of the next `message_imported` are never sent.
    pub fn lose_imported(&self, times: usize) {
        self.shared.update(|state| state.settings.imported_to_lose = times);
    }

    /// So many of the next `message_imported` are sent twice.
    pub fn repeat_imported(&self, times: usize) {
        self.shared.update(|state| state.settings.imported_to_repeat = times);
    }

    /// Whether an import with an id that is there already is dropped: answered with 202 and the first one's
    /// uid, and not told of. At first it is imported again.
    pub fn dedup(&self, on: bool) {
        self.shared.update(|state| state.settings.dedup = on);
    }

    /// How many requests a second one channel may make, or be made for one message; 5 at first.
    pub fn burst(&self, requests: u32) {
        self.shared.update(|state| state.limits.burst = requests);
    }

    /// How many requests the company may make in a window; 200 a minute at first.
    pub fn budget(&self, requests: u32, window: Duration) {
        self.shared.update(|state| {
            state.limits.budget = requests;
            state.limits.budget_window = window;
        });
    }

    /// What downloads answer; a redirect at first.
    pub fn downloads(&self, downloads: Downloads) {
        self.shared.update(|state| state.settings.downloads = downloads);
    }

    /// How many bytes a request may have as a whole; 25 MB at first.
    pub fn bytes_max(&self, bytes: usize) {
        self.shared.update(|state| state.settings.bytes_max = bytes);
    }

    /// Answers every imported message of a customer with this text; at first there is no such rule.
    pub fn autoreply_rule(&self, text: Option<&str>) {
        self.shared.update(|state| state.settings.autoreply = text.map(ToOwned::to_owned));
    }

    /// Whether autoreplies tell the conversation's ids; at first they have no `metadata`, as documented.
    pub fn autoreply_metadata(&self, on: bool) {
        self.shared.update(|state| state.settings.autoreply_metadata = on);
    }

    /// Queues a failure; the oldest that matches a request hits it.
    pub fn fault(&self, fault: Fault) {
        self.shared.update(|state| state.faults.queued.push(fault));
    }

    /// Every call fails with this probability, in any of the shapes; queued faults come first.
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
