//! Who is alive, judged by this machine's monotonic clock: no two clocks are compared.

use std::collections::HashMap;
use std::time::Duration;

use crate::rows::ReplicaRow;
use crate::time::Boottime;

/// The beats of other replicas, and when this one saw them change.
#[derive(Debug, Default)]
pub(crate) struct Peers(HashMap<i64, Seen>);

#[derive(Debug, Clone, Copy)]
struct Seen {
    beat_ms: i64,
    /// When the beat was first seen.
    since: Boottime,
    /// When the replica was first seen.
    first: Boottime,
}

impl Peers {
    /// Records the beats that were read at this time.
    pub(crate) fn observe(&mut self, rows: &[ReplicaRow], now: Boottime) {
        self.0.retain(|id, _| rows.iter().any(|row| row.id == *id));
        for row in rows {
            let seen = self.0.entry(row.id).or_insert(Seen { beat_ms: row.beat_ms, since: now, first: now });
            if seen.beat_ms != row.beat_ms {
                (seen.beat_ms, seen.since) = (row.beat_ms, now);
            }
        }
    }

    /// Restarts all observations, because this replica could not read the beats: silence proves nothing now.
    pub(crate) fn restart(&mut self, now: Boottime) {
        for seen in self.0.values_mut() {
            seen.since = now;
        }
    }

    /// Returns for how long a beat has not changed.
    pub(crate) fn silence(&self, id: i64, now: Boottime) -> Duration {
        self.0.get(&id).map_or(Duration::ZERO, |seen| now.since(seen.since))
    }

    /// Returns for how long a replica has been known.
    pub(crate) fn age(&self, id: i64, now: Boottime) -> Duration {
        self.0.get(&id).map_or(Duration::ZERO, |seen| now.since(seen.first))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn row(id: i64, beat_ms: i64) -> ReplicaRow {
        let (name, state, config, program) = (String::new(), "up".to_owned(), String::new(), String::new());
        let (tenants, plugins) = (BTreeSet::new(), BTreeMap::new());
        ReplicaRow { id, name, beat_ms, state, tenants, config, program, plugins, lease_ms: 0 }
    }

    #[test]
    fn silence_is_the_time_for_which_a_beat_stands_still() {
        let (mut peers, start) = (Peers::default(), Boottime::now());
        let at = |seconds| start.plus(Duration::from_secs(seconds));
        peers.observe(&[row(1, 10), row(2, 10)], at(0));
        peers.observe(&[row(1, 11), row(2, 10)], at(3));
        assert_eq!(peers.silence(1, at(5)), Duration::from_secs(2));
        assert_eq!(peers.silence(2, at(5)), Duration::from_secs(5));
        // A clock that was set back is a change, too.
        peers.observe(&[row(1, 11), row(2, 9)], at(6));
        assert_eq!(peers.silence(2, at(6)), Duration::ZERO);
    }

    #[test]
    fn an_own_failure_restarts_the_observation_of_all() {
        let (mut peers, start) = (Peers::default(), Boottime::now());
        let at = |seconds| start.plus(Duration::from_secs(seconds));
        peers.observe(&[row(1, 10)], at(0));
        peers.restart(at(9));
        assert_eq!(peers.silence(1, at(10)), Duration::from_secs(1));
        assert_eq!(peers.age(1, at(10)), Duration::from_secs(10));
    }
}
