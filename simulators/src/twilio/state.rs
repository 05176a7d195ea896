//! The state of the simulator, and its fixed settings.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use crate::common::watched::Watched;
use crate::twilio::description::Deviation;
use crate::twilio::fault::Faults;
use crate::twilio::model::Conversation;
use crate::twilio::numbers::PhoneNumber;
use crate::twilio::record::{Effect, Fired, Recorded};
use crate::twilio::settings::Settings;
use crate::twilio::world::World;

/// All recorded events and all stored data. [`crate::Twilio::wait_for`] prints this state after a timeout.
pub struct State {
    pub(crate) world: World,
    pub(crate) requests: Vec<Recorded>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) webhooks: Vec<Fired>,
    pub(crate) deviations: Vec<Deviation>,
    pub(crate) faults: Faults,
    pub(crate) settings: Settings,
}

impl State {
    /// Finds a conversation by SID or unique name.
    pub fn conversation(&self, sid: &str) -> Option<&Conversation> {
        self.world.conversation(sid)
    }

    /// Returns all conversations, oldest first.
    pub fn conversations(&self) -> &[Conversation] {
        &self.world.conversations
    }

    /// Returns all REST requests, in the order in which their headers arrived.
    pub fn requests(&self) -> &[Recorded] {
        &self.requests
    }

    /// Returns the changes that REST requests made.
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// Returns the deviations from Twilio's published description that no call has taken.
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// Returns all webhook attempts, in the order in which they ended.
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
        writeln!(formatter, "deviations from Twilio's published description:")?;
        self.deviations.iter().try_for_each(|deviation| writeln!(formatter, "  {deviation}"))?;
        writeln!(formatter, "conversations:")?;
        for conversation in &self.world.conversations {
            let Conversation { sid, friendly_name, attributes, state, .. } = conversation;
            writeln!(formatter, "  {sid} {friendly_name:?} {attributes} {}", state.name())?;
            for participant in &conversation.participants {
                let (sid, attributes) = (&participant.sid, &participant.attributes);
                writeln!(formatter, "    {sid} {:?} {} {attributes}", participant.identity, participant.binding())?;
            }
        }
        writeln!(formatter, "numbers:")?;
        for PhoneNumber { sid, number, status_callback, .. } in &self.world.numbers {
            writeln!(formatter, "  {sid} {number} reports calls to {status_callback:?}")?;
        }
        writeln!(formatter, "faults to come: {:?}", self.faults.queued)
    }
}

pub(crate) struct Shared {
    watched: Watched<State>,
    pub(crate) credentials: Vec<(String, String)>,
    /// `http://127.0.0.1:port`
    pub(crate) url: String,
    /// The base of download URLs.
    pub(crate) storage_url: String,
    pub(crate) control: bool,
    pub(crate) started: Instant,
}

impl Shared {
    pub(crate) fn new(
        world: World,
        credentials: Vec<(String, String)>,
        url: String,
        storage_url: String,
        control: bool,
    ) -> Arc<Self> {
        let state = State {
            world,
            requests: Vec::new(),
            effects: Vec::new(),
            webhooks: Vec::new(),
            deviations: Vec::new(),
            faults: Faults::default(),
            settings: Settings::default(),
        };
        Arc::new(Self { watched: Watched::new(state), credentials, url, storage_url, control, started: Instant::now() })
    }
}

impl Deref for Shared {
    type Target = Watched<State>;

    fn deref(&self) -> &Watched<State> {
        &self.watched
    }
}
