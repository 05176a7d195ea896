//! What is known at one moment, and the place where it is shared and waited for.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::twilio::fault::Faults;
use crate::twilio::model::Conversation;
use crate::twilio::record::{Effect, Fired, Recorded};
use crate::twilio::settings::Settings;
use crate::twilio::world::World;

/// Far more than anything takes; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Everything the double knows; [`crate::Twilio::wait_for`] shows it.
pub struct State {
    pub(crate) world: World,
    pub(crate) requests: Vec<Recorded>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) webhooks: Vec<Fired>,
    pub(crate) faults: Faults,
    pub(crate) settings: Settings,
}

impl State {
    /// A conversation by SID or unique name.
    pub fn conversation(&self, sid: &str) -> Option<&Conversation> {
        self.world.conversation(sid)
    }

    /// All conversations, oldest first.
    pub fn conversations(&self) -> &[Conversation] {
        &self.world.conversations
    }

    /// All REST requests, in the order in which their headers came.
    pub fn requests(&self) -> &[Recorded] {
        &self.requests
    }

    /// What REST requests really changed.
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// All attempts at webhooks, in the order in which they ended.
    pub fn webhooks(&self) -> &[Fired] {
        &self.webhooks
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "webhooks:")?;
        self.webhooks.iter().try_for_each(|fired| writeln!(formatter, "  {fired}"))?;
        writeln!(formatter, "requests:")?;
        self.requests.iter().try_for_each(|request| writeln!(formatter, "  {request}"))?;
        writeln!(formatter, "effects:")?;
        self.effects.iter().try_for_each(|effect| writeln!(formatter, "  {effect:?}"))?;
        writeln!(formatter, "conversations:")?;
        for conversation in &self.world.conversations {
            let Conversation { sid, friendly_name, attributes, state, .. } = conversation;
            writeln!(formatter, "  {sid} {friendly_name:?} {attributes} {}", state.name())?;
            for participant in &conversation.participants {
                let (sid, attributes) = (&participant.sid, &participant.attributes);
                writeln!(formatter, "    {sid} {:?} {} {attributes}", participant.identity, participant.binding())?;
            }
        }
        writeln!(formatter, "faults to come: {:?}", self.faults.queued)
    }
}

pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    version: watch::Sender<u64>,
    pub(crate) credentials: Vec<(String, String)>,
    /// `http://127.0.0.1:port`
    pub(crate) url: String,
    pub(crate) control: bool,
    pub(crate) started: Instant,
}

impl Shared {
    pub(crate) fn new(world: World, credentials: Vec<(String, String)>, url: String, control: bool) -> Arc<Self> {
        let state = State {
            world,
            requests: Vec::new(),
            effects: Vec::new(),
            webhooks: Vec::new(),
            faults: Faults::default(),
            settings: Settings::default(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            version: watch::Sender::new(0),
            credentials,
            url,
            control,
            started: Instant::now(),
        })
    }

    /// A test that fails while it looks leaves the state as it was.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        self.version.send_modify(|version| *version += 1);
        result
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, condition: impl Fn(&State) -> bool) {
        let waited = self.changed.wait_timeout_while(self.lock(), PATIENCE, |state| !condition(state));
        let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "what the test waits for did not happen\n{state}");
    }

    /// The same for scenarios, which run beside the server.
    pub(crate) async fn until(&self, condition: impl Fn(&State) -> bool) {
        let mut changes = self.version.subscribe();
        let waiting = async {
            while !self.read(&condition) {
                changes.changed().await.expect("the sender lives as long as this");
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "what the scenario waits for did not happen\n{}", self.read(State::to_string));
    }
}
