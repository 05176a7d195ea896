//! Gateways that share a database on Postgres: who is alive, and who works on which deliveries.
//!
//! Each start of a process has a row with a beat. Others judge the beat by their own monotonic clocks: a row whose beat
//! stands still is declared ended, and its leases are released. For each tenant and platform, one replica at a time
//! works on the deliveries, so that rate limits stay in its memory and are exact. It is called the keeper of that part.
//!
//! A gateway with a SQLite file is alone: it may always act, and keeps every part.
//!
//! - [`Replica`]: this process.
//! - [`Turn`]: the permission to lease and execute deliveries of a part.
//!
//! In reading order: [`settings`], `rows` (the tables), `peers` (who is alive), `keepers` (who keeps what), `pulse` (the
//! thread that does it). This crate takes part in the flow of a delivery (see ARCHITECTURE.md).

pub mod admin;
mod keepers;
mod peers;
mod predecessor;
mod pulse;
mod rows;
pub mod settings;
mod time;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::{Condvar, Mutex};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tracing::info;

pub use self::settings::Settings;
use self::time::{Boottime, DatabaseClock};

/// The deliveries of a tenant for one platform, or the housekeeping of the whole installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Deliveries to Twilio.
    Twilio,
    /// Deliveries to Front and to the providers of its channels.
    Front,
    /// Runs that read customers for the index.
    Customers,
    /// Retention and counts, for all tenants.
    House,
}

impl Part {
    /// Returns the name used in the database, the log and the metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Twilio => "twilio",
            Self::Front => "front",
            Self::Customers => "customers",
            Self::House => "house",
        }
    }
}

/// The tenant of [`Part::House`].
const ALL_TENANTS: &str = "*";

/// A part of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    tenant: Arc<str>,
    part: Part,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            Part::House => f.write_str(self.part.name()),
            Part::Twilio | Part::Front | Part::Customers => write!(f, "{}/{}", self.tenant, self.part.name()),
        }
    }
}

impl Key {
    fn house() -> Self {
        Self { tenant: ALL_TENANTS.into(), part: Part::House }
    }
}

/// Pauses that a platform asked for, in milliseconds since 1970 by the clock of the database. Handed to the next keeper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Pace {
    /// End of the pause of all requests.
    paused_until_ms: i64,
    /// End of the pause of each Front channel, by its row id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    channels: BTreeMap<i64, i64>,
}

/// What is left of the pauses of a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pauses {
    /// The pause of all requests.
    pub all: Duration,
    /// The pause of each Front channel, by its row id.
    pub channels: Vec<(i64, Duration)>,
}

/// This process among the gateways of its database.
pub struct Replica(Option<Arc<Member>>);

/// Returns the live plugins with the digests of their files.
type PluginDigests = Box<dyn Fn() -> BTreeMap<String, String> + Send + Sync>;

/// A process that shares its database.
struct Member {
    settings: Settings,
    name: String,
    state: Mutex<State>,
    /// Returns the live plugins.
    plugins: OnceLock<PluginDigests>,
    /// Wakes the pulse before its next beat.
    wake: Condvar,
    /// Number of changes of `state` that others wait for.
    changed: watch::Sender<u64>,
}

struct State {
    /// Row of this start of the process; another one after it was declared ended.
    id: i64,
    /// Time until which no other replica declares this one ended.
    trusted_until: Boottime,
    clock: DatabaseClock,
    tenants: BTreeSet<Arc<str>>,
    /// Digest of the settings that must be equal everywhere.
    config: String,
    is_leaving: bool,
    kept: HashMap<Key, Kept>,
    peers: Vec<Peer>,
    /// Number of replicas that this one has declared ended.
    buried: u64,
    wakes: u64,
}

/// A part that this replica keeps.
struct Kept {
    fence: i64,
    /// Leased deliveries, and attempts to lease one.
    in_progress: usize,
    /// Since when it is being handed over.
    letting_go_since: Option<Boottime>,
    pace: Pace,
    /// Whether `pace` differs from its row.
    is_pace_new: bool,
}

/// A replica as an operator sees it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Peer {
    /// Row id.
    pub id: i64,
    /// Name from its configuration, or its host's name.
    pub name: String,
    /// Whether it is the replica that shows this.
    pub this: bool,
    /// `up` or `leaving`.
    pub state: String,
    /// Milliseconds since this replica saw its beat change.
    pub silent_ms: u64,
    /// Version of its program.
    pub program: String,
    /// Whether its configuration equals that of this replica, where it has to.
    pub same_config: bool,
    /// Whether its live plugins are those of this replica.
    pub same_plugins: bool,
    /// Its live plugins, with the digests of their files.
    pub plugins: BTreeMap<String, String>,
    /// The parts that it keeps, such as `acme/twilio`.
    pub keeps: Vec<String>,
}

/// The permission to lease deliveries of a part and to execute them. The part is not handed over before it is dropped.
pub struct Turn {
    member: Option<(Arc<Member>, Key)>,
    /// Row of the replica that leases; `None` in a database that is not shared.
    pub replica: Option<i64>,
    /// Number of the keeper's term, compared when a delivery is leased.
    pub fence: i64,
}

impl Replica {
    /// Returns the only gateway of a database.
    pub fn alone() -> Arc<Self> {
        Arc::new(Self(None))
    }

    /// Joins the gateways of a database. `folder` is the data folder, which proves the end of the previous process.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be reached.
    pub fn join(
        settings: &Settings,
        store: &frontgate_store::Settings,
        folder: &Path,
        tenants: BTreeSet<Arc<str>>,
        config: String,
    ) -> anyhow::Result<Arc<Self>> {
        let name = settings.name();
        let state = State {
            id: 0,
            trusted_until: Boottime::default(),
            clock: DatabaseClock::default(),
            tenants,
            config,
            is_leaving: false,
            kept: HashMap::new(),
            peers: Vec::new(),
            buried: 0,
            wakes: 0,
        };
        let member = Arc::new(Member {
            settings: settings.clone(),
            name,
            state: Mutex::new(state),
            plugins: OnceLock::new(),
            wake: Condvar::new(),
            changed: watch::Sender::new(0),
        });
        let mut pulse = pulse::Pulse::new(&member, store.clone(), folder);
        pulse.join().context("failed to register this replica")?;
        let id = member.state.lock().id;
        info!(event = "replica.joined", replica = id, name = member.name, "joined as replica {id} `{}`", member.name);
        thread::Builder::new()
            .name("pulse".to_owned())
            .spawn(move || pulse.run())
            .context("failed to start the thread of the pulse")?;
        Ok(Arc::new(Self(Some(member))))
    }

    /// Returns the row of this replica; `None` in a database that is not shared.
    pub fn id(&self) -> Option<i64> {
        self.0.as_ref().map(|member| member.state.lock().id)
    }

    /// Returns whether a request about a delivery may leave that was leased as `replica`.
    ///
    /// It may not if this process has been silent for so long that others may declare it ended, or if they have.
    pub fn may_act(&self, replica: Option<i64>) -> bool {
        let Some(member) = &self.0 else { return true };
        let state = member.state.lock();
        Some(state.id) == replica && Boottime::now() < state.trusted_until
    }

    /// Returns a turn, unless another replica keeps the part or this one hands it over.
    pub fn begin(&self, tenant: &Arc<str>, part: Part) -> Option<Turn> {
        let Some(member) = &self.0 else { return Some(Turn { member: None, replica: None, fence: 0 }) };
        let key = if part == Part::House { Key::house() } else { Key { tenant: Arc::clone(tenant), part } };
        let mut state = member.state.lock();
        let id = state.id;
        let is_trusted = Boottime::now() < state.trusted_until;
        let kept = state.kept.get_mut(&key).filter(|kept| is_trusted && kept.letting_go_since.is_none())?;
        kept.in_progress += 1;
        Some(Turn { fence: kept.fence, replica: Some(id), member: Some((Arc::clone(member), key)) })
    }

    /// Returns what is left of the pauses that the previous keeper of a part handed over.
    pub fn pauses(&self, tenant: &Arc<str>, part: Part) -> Pauses {
        let Some(member) = &self.0 else { return Pauses::default() };
        let state = member.state.lock();
        let Some(kept) = state.kept.get(&Key { tenant: Arc::clone(tenant), part }) else { return Pauses::default() };
        let now = state.clock.now_ms();
        let left = |until: i64| Duration::from_millis(u64::try_from(until - now).unwrap_or_default());
        let channels = kept.pace.channels.iter().map(|(channel, until)| (*channel, left(*until)));
        Pauses { all: left(kept.pace.paused_until_ms), channels: channels.collect() }
    }

    /// Records a pause of a part, or of one of its Front channels, for the next keeper.
    pub fn note_pause(&self, tenant: &Arc<str>, part: Part, channel: Option<i64>, pause: Duration) {
        let Some(member) = &self.0 else { return };
        let mut state = member.state.lock();
        let now = state.clock.now_ms();
        let until = now.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
        let Some(kept) = state.kept.get_mut(&Key { tenant: Arc::clone(tenant), part }) else { return };
        match channel {
            Some(channel) => {
                kept.pace.channels.retain(|_, until| *until > now);
                kept.pace.channels.insert(channel, until);
            }
            None => kept.pace.paused_until_ms = kept.pace.paused_until_ms.max(until),
        }
        kept.is_pace_new = true;
    }

    /// Returns a receiver that changes whenever parts were taken or let go, or a replica was declared ended.
    pub fn changes(&self) -> watch::Receiver<u64> {
        match &self.0 {
            Some(member) => member.changed.subscribe(),
            None => watch::Sender::new(0).subscribe(),
        }
    }

    /// Replaces what others need to know about the configuration.
    pub fn configure(&self, tenants: BTreeSet<Arc<str>>, config: String) {
        if let Some(member) = &self.0 {
            let mut state = member.state.lock();
            (state.tenants, state.config) = (tenants, config);
            member.wake(&mut state);
        }
    }

    /// Shows the live plugins to others, which `plugins` returns at each beat.
    pub fn show_plugins(&self, plugins: impl Fn() -> BTreeMap<String, String> + Send + Sync + 'static) {
        if let Some(member) = &self.0 {
            // Later calls have no effect.
            let _ = member.plugins.set(Box::new(plugins));
        }
    }

    /// Hands over all parts. Waits until others may take them, but at most for `replica.handover_ms`.
    pub async fn leave(&self) {
        let Some(member) = &self.0 else { return };
        let mut changes = member.changed.subscribe();
        {
            let mut state = member.state.lock();
            state.is_leaving = true;
            member.wake(&mut state);
        }
        let gone = async { while !member.state.lock().kept.is_empty() && changes.changed().await.is_ok() {} };
        // After this time, others take over as after a crash.
        let _ = tokio::time::timeout(Duration::from_millis(member.settings.handover_ms), gone).await;
    }

    /// Returns all live replicas; empty in a database that is not shared.
    pub fn peers(&self) -> Vec<Peer> {
        self.0.as_ref().map(|member| member.state.lock().peers.clone()).unwrap_or_default()
    }

    /// Returns the parts that this replica keeps.
    pub fn kept(&self) -> Vec<(Arc<str>, Part)> {
        let Some(member) = &self.0 else { return Vec::new() };
        member.state.lock().kept.keys().map(|key| (Arc::clone(&key.tenant), key.part)).collect()
    }

    /// Returns the number of replicas that this one has declared ended.
    pub fn buried(&self) -> u64 {
        self.0.as_ref().map_or(0, |member| member.state.lock().buried)
    }
}

impl Member {
    /// Wakes the pulse.
    fn wake(&self, state: &mut State) {
        state.wakes += 1;
        self.wake.notify_one();
    }

    /// Notifies everyone who waits for a change.
    fn notify(&self) {
        self.changed.send_modify(|number| *number += 1);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some((member, key)) = &self.member else { return };
        let mut state = member.state.lock();
        let Some(kept) = state.kept.get_mut(key) else { return };
        // A later term of the same part has its own count.
        if kept.fence == self.fence {
            kept.in_progress = kept.in_progress.saturating_sub(1);
            if kept.in_progress == 0 && kept.letting_go_since.is_some() {
                member.wake(&mut state);
            }
        }
    }
}
