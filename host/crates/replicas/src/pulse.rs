//! The pulse: one thread with a connection of its own that shows the others that this process is alive, judges them, and
//! takes and hands over parts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use frontgate_store::Shared;
use frontgate_store::sql::{self, Scope};
use tracing::{info, warn};

use crate::keepers::{Candidate, Changes, compare};
use crate::peers::Peers;
use crate::predecessor::Predecessor;
use crate::rows::{self, KeeperRow, Own, ReplicaRow};
use crate::time::Boottime;
use crate::{Kept, Key, Member, Pace, Peer, State};

/// Number of attempts to register this process when it starts.
const JOIN_TRIES: u32 = 5;

/// Time for which the row of an ended replica is kept.
const ENDED_KEPT: Duration = Duration::from_secs(3_600);

/// The thread's state.
pub(crate) struct Pulse {
    member: Arc<Member>,
    store: frontgate_store::Settings,
    predecessor: Predecessor,
    connection: Option<Shared>,
    peers: Peers,
    is_failing: bool,
}

/// What one beat has read.
struct Beat {
    is_alive: bool,
    rows: Vec<ReplicaRow>,
    keepers: Vec<KeeperRow>,
    now_ms: i64,
}

impl Pulse {
    pub(crate) fn new(member: &Arc<Member>, store: frontgate_store::Settings, folder: &Path) -> Self {
        Self {
            member: Arc::clone(member),
            store,
            predecessor: Predecessor::new(folder),
            connection: None,
            peers: Peers::default(),
            is_failing: false,
        }
    }

    /// Registers this process for the first time. The connection may be lost meanwhile.
    pub(crate) fn join(&mut self) -> anyhow::Result<()> {
        for _ in 1..JOIN_TRIES {
            match self.begin() {
                Ok(()) => return Ok(()),
                Err(error) => {
                    warn!(event = "replica.join_failed", "failed to register this replica, retrying: {error:#}");
                    self.connection = None;
                    std::thread::sleep(self.member.settings.beat());
                }
            }
        }
        self.begin()
    }

    /// Registers this process under a new id. Declares the previous process of its folder ended.
    fn begin(&mut self) -> anyhow::Result<()> {
        let sent = Boottime::now();
        let installation = self.connection()?.installation();
        let place = format!("{} {installation}", self.store.url);
        let (previous, lease_ms) = (self.predecessor.id(&place), self.member.settings.lease_ms);
        let (name, config, tenants) = {
            let state = self.member.state.lock();
            (self.member.name.clone(), state.config.clone(), state.tenants.clone())
        };
        let id = self.write(|transaction| {
            if let Some(previous) = previous {
                rows::bury_gone(transaction, previous)?;
            }
            rows::insert(
                transaction,
                &Own {
                    name: &name,
                    config: &config,
                    tenants: &tenants,
                    plugins: &BTreeMap::new(),
                    state: "up",
                    lease_ms,
                },
            )
        })?;
        self.predecessor.replace(&place, id);
        let mut state = self.member.state.lock();
        state.id = id;
        state.kept.clear();
        state.trusted_until = sent.plus(self.member.settings.trust());
        Ok(())
    }

    /// Beats until the process ends.
    pub(crate) fn run(mut self) {
        loop {
            let sent = Boottime::now();
            match self.turn(sent) {
                Ok(()) if self.is_failing => {
                    self.is_failing = false;
                    info!(event = "replica.reconnected", "connected to the database again");
                }
                Ok(()) => {}
                Err(error) => self.fail(&error),
            }
            let mut state = self.member.state.lock();
            let wakes = state.wakes;
            let pause = self.member.settings.beat().saturating_sub(Boottime::now().since(sent));
            self.member.wake.wait_while_for(&mut state, |state| state.wakes == wakes, pause);
        }
    }

    /// Other replicas may be alive although their beats were not read.
    fn fail(&mut self, error: &anyhow::Error) {
        self.connection = None;
        self.peers.restart(Boottime::now());
        if !self.is_failing {
            self.is_failing = true;
            warn!(event = "replica.beat_failed", "failed to beat, retrying: {error:#}");
        }
    }

    fn turn(&mut self, sent: Boottime) -> anyhow::Result<()> {
        let beat = self.beat()?;
        if !beat.is_alive {
            return self.begin_again();
        }
        let now = Boottime::now();
        self.peers.observe(&beat.rows, now);
        {
            let mut state = self.member.state.lock();
            state.trusted_until = sent.plus(self.member.settings.trust());
            state.clock.set(beat.now_ms);
        }
        self.bury(&beat.rows, now)?;
        let has_changed = self.exchange_parts(&beat, now)?;
        self.show(&beat, now);
        if has_changed {
            self.member.notify();
        }
        Ok(())
    }

    fn beat(&mut self) -> anyhow::Result<Beat> {
        let (id, name, config, tenants, is_leaving) = {
            let state = self.member.state.lock();
            (state.id, self.member.name.clone(), state.config.clone(), state.tenants.clone(), state.is_leaving)
        };
        let (state, lease_ms) = (if is_leaving { "leaving" } else { "up" }, self.member.settings.lease_ms);
        let plugins = self.member.plugins.get().map(|plugins| plugins()).unwrap_or_default();
        self.write(|transaction| {
            let is_alive = rows::beat(
                transaction,
                id,
                &Own { name: &name, config: &config, tenants: &tenants, plugins: &plugins, state, lease_ms },
            )?;
            let (rows, keepers) = (rows::live(transaction)?, rows::keepers(transaction)?);
            Ok(Beat { is_alive, rows, keepers, now_ms: transaction.now_ms() })
        })
    }

    /// Others have declared this process ended: its leases are gone, and it starts again under a new id.
    fn begin_again(&mut self) -> anyhow::Result<()> {
        let old = self.member.state.lock().id;
        self.begin()?;
        let id = self.member.state.lock().id;
        warn!(
            event = "replica.declared_ended",
            replica = id,
            "replica {old} was silent for replica.lease_ms and was declared ended by others; continues as replica {id}"
        );
        self.member.notify();
        Ok(())
    }

    /// Declares replicas ended whose beat has not changed for `replica.lease_ms`.
    fn bury(&mut self, live: &[ReplicaRow], now: Boottime) -> anyhow::Result<()> {
        let (me, lease) = (self.member.state.lock().id, self.member.settings.lease());
        for row in live.iter().filter(|row| row.id != me) {
            let silence = self.peers.silence(row.id, now);
            // The other one may have been started with a longer lease.
            let own = Duration::from_millis(u64::try_from(row.lease_ms).unwrap_or_default());
            if silence >= lease.max(own) && self.write(|transaction| rows::bury(transaction, row.id, row.beat_ms))? {
                warn!(
                    event = "replica.buried",
                    replica = row.id,
                    "replica {} `{}` was silent for {} ms and is declared ended; its deliveries are released",
                    row.id,
                    row.name,
                    silence.as_millis()
                );
                self.member.state.lock().buried += 1;
                self.member.notify();
            }
        }
        Ok(())
    }

    /// Takes and hands over parts; returns whether anything has changed.
    fn exchange_parts(&mut self, beat: &Beat, now: Boottime) -> anyhow::Result<bool> {
        let Changes { take, let_go } = self.compare(beat, now);
        let mut has_changed = self.drop_lost(&beat.keepers);
        let id = self.member.state.lock().id;
        for (key, from) in take {
            if let Some((fence, pace)) = self.write(|transaction| rows::take(transaction, id, &key, from))? {
                info!(
                    event = "replica.part_taken",
                    replica = id,
                    tenant = &*key.tenant,
                    part = key.part.name(),
                    "keeps {key}"
                );
                let kept = Kept { fence, in_progress: 0, letting_go_since: None, pace, is_pace_new: false };
                self.member.state.lock().kept.insert(key, kept);
                has_changed = true;
            }
        }
        self.begin_handovers(let_go, now);
        for (key, fence, pace) in self.ready_to_go(now) {
            self.write(|transaction| rows::let_go(transaction, id, &key, fence, &pace))?;
            info!(
                event = "replica.part_handed_over",
                replica = id,
                tenant = &*key.tenant,
                part = key.part.name(),
                "hands over {key}"
            );
            self.member.state.lock().kept.remove(&key);
            has_changed = true;
        }
        self.write_paces()?;
        if self.member.state.lock().kept.contains_key(&Key::house()) {
            let before = beat.now_ms.saturating_sub(i64::try_from(ENDED_KEPT.as_millis()).unwrap_or(i64::MAX));
            self.write(|transaction| rows::forget(transaction, before))?;
        }
        Ok(has_changed)
    }

    fn compare(&self, beat: &Beat, now: Boottime) -> Changes {
        let state = self.member.state.lock();
        let suspect = self.member.settings.suspect();
        let answers = |row: &&ReplicaRow| row.state == "up" && self.peers.silence(row.id, now) < suspect;
        let candidates: Vec<Candidate> = beat
            .rows
            .iter()
            .filter(|row| !(row.id == state.id && state.is_leaving))
            .filter(answers)
            .map(|row| Candidate {
                id: row.id,
                name: row.name.clone(),
                tenants: if row.id == state.id { state.tenants.clone() } else { row.tenants.clone() },
                is_settled: self.peers.age(row.id, now) >= suspect,
            })
            .collect();
        let answering: Vec<ReplicaRow> =
            beat.rows.iter().filter(|row| self.peers.silence(row.id, now) < suspect).cloned().collect();
        let mut changes = compare(state.id, &state.tenants, &candidates, &answering, &beat.keepers);
        // A part that the table gives to this id, but that this process does not know, was taken by a commit whose answer
        // was lost.
        let is_unknown = |row: &&KeeperRow| row.replica == Some(state.id) && !state.kept.contains_key(&row.key);
        let unknown = beat.keepers.iter().filter(is_unknown).map(|row| (row.key.clone(), Some(state.id)));
        changes.take.extend(unknown);
        if state.is_leaving {
            changes.let_go = state.kept.keys().cloned().collect();
        }
        changes
    }

    /// Forgets parts that another replica has taken because this one was silent.
    fn drop_lost(&self, keepers: &[KeeperRow]) -> bool {
        let mut state = self.member.state.lock();
        let (id, had) = (state.id, state.kept.len());
        state.kept.retain(|key, _| keepers.iter().any(|row| row.key == *key && row.replica == Some(id)));
        state.kept.len() != had
    }

    /// Stops new turns of the parts. Only one part at a time, unless this replica leaves.
    fn begin_handovers(&self, let_go: Vec<Key>, now: Boottime) {
        let mut state = self.member.state.lock();
        let most = if state.is_leaving { usize::MAX } else { 1 };
        let mut going = state.kept.values().filter(|kept| kept.letting_go_since.is_some()).count();
        for key in let_go {
            if let Some(kept) = state.kept.get_mut(&key)
                && kept.letting_go_since.is_none()
                && going < most
            {
                kept.letting_go_since = Some(now);
                going += 1;
            }
        }
    }

    /// Returns the parts whose deliveries have ended, or have delayed the handover for long enough.
    fn ready_to_go(&self, now: Boottime) -> Vec<(Key, i64, Pace)> {
        let longest = Duration::from_millis(self.member.settings.handover_ms);
        let state = self.member.state.lock();
        let is_ready = |kept: &Kept| {
            kept.letting_go_since.is_some_and(|since| kept.in_progress == 0 || now.since(since) >= longest)
        };
        let ready = state.kept.iter().filter(|(_, kept)| is_ready(kept));
        ready.map(|(key, kept)| (key.clone(), kept.fence, kept.pace.clone())).collect()
    }

    fn write_paces(&mut self) -> anyhow::Result<()> {
        let new: Vec<(Key, i64, Pace)> = {
            let mut state = self.member.state.lock();
            let written = |(key, kept): (&Key, &mut Kept)| {
                std::mem::take(&mut kept.is_pace_new).then(|| (key.clone(), kept.fence, kept.pace.clone()))
            };
            state.kept.iter_mut().filter_map(written).collect()
        };
        for (key, fence, pace) in new {
            if let Err(error) = self.write(|transaction| rows::set_pace(transaction, &key, fence, &pace)) {
                if let Some(kept) = self.member.state.lock().kept.get_mut(&key) {
                    kept.is_pace_new = true;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Updates what operators see.
    fn show(&self, beat: &Beat, now: Boottime) {
        let mut state = self.member.state.lock();
        let State { id, config, .. } = &*state;
        let own = beat.rows.iter().find(|row| row.id == *id).map(|row| &row.plugins);
        let peer = |row: &ReplicaRow| {
            let parts = beat.keepers.iter().filter(|keeper| keeper.replica == Some(row.id));
            Peer {
                id: row.id,
                name: row.name.clone(),
                this: row.id == *id,
                state: row.state.clone(),
                silent_ms: u64::try_from(self.peers.silence(row.id, now).as_millis()).unwrap_or(u64::MAX),
                program: row.program.clone(),
                same_config: row.config == *config,
                same_plugins: own == Some(&row.plugins),
                plugins: row.plugins.clone(),
                keeps: parts.map(|keeper| keeper.key.to_string()).collect(),
            }
        };
        let peers = beat.rows.iter().map(peer).collect();
        state.peers = peers;
    }

    fn write<T>(&mut self, work: impl FnOnce(&sql::Transaction<'_>) -> sql::Result<T>) -> anyhow::Result<T> {
        Ok(self.connection()?.write(&Scope::Rows, work)?)
    }

    fn connection(&mut self) -> anyhow::Result<&mut Shared> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(Shared::open(&self.store)?)),
        }
    }
}
