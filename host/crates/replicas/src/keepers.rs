//! Who keeps which part: the live replica with the highest hash of part and name (rendezvous hashing).
//!
//! Rate limits depend on this, correctness does not: the rows of deliveries decide who may write about them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::rows::{KeeperRow, ReplicaRow};
use crate::{Key, Part};

/// A replica that can keep parts.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) tenants: BTreeSet<Arc<str>>,
    /// Whether it has been alive for long enough to get parts from others.
    pub(crate) is_settled: bool,
}

/// What this replica has to change.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Parts to take, each with its present keeper.
    pub(crate) take: Vec<(Key, Option<i64>)>,
    /// Parts to hand over.
    pub(crate) let_go: Vec<Key>,
}

/// Compares who should keep each part with who does.
///
/// `rows` are all live replicas, `candidates` those that answer. A part whose keeper is not among the candidates is free.
pub(crate) fn compare(
    me: i64,
    tenants: &BTreeSet<Arc<str>>,
    candidates: &[Candidate],
    rows: &[ReplicaRow],
    keepers: &[KeeperRow],
) -> Changes {
    let keeper_of: HashMap<&Key, Option<i64>> = keepers.iter().map(|row| (&row.key, row.replica)).collect();
    let mut changes = Changes::default();
    let own = tenants.iter().flat_map(|tenant| {
        [Part::Twilio, Part::Front, Part::Customers].map(|part| Key { tenant: Arc::clone(tenant), part })
    });
    let mut parts: BTreeSet<Key> = own.chain([Key::house()]).collect();
    // A part of a tenant that was removed from the configuration is let go.
    parts.extend(keepers.iter().filter(|row| row.replica == Some(me)).map(|row| row.key.clone()));
    for key in parts {
        let keeper = keeper_of.get(&key).copied().flatten();
        let best = best(&key, candidates);
        let is_leaving = |id: i64| rows.iter().any(|row| row.id == id && row.state == "leaving");
        match (keeper, best) {
            (Some(keeper), Some(best)) if keeper == me && best.id != me && best.is_settled => changes.let_go.push(key),
            (Some(keeper), None) if keeper == me => changes.let_go.push(key),
            (keeper, Some(best)) if best.id == me && keeper != Some(me) => {
                // A replica that hands over lets its parts go itself, and one that answers keeps them until then.
                let answers = |id: i64| candidates.iter().any(|other| other.id == id) || is_leaving(id);
                if keeper.is_none_or(|keeper| !answers(keeper)) {
                    changes.take.push((key, keeper));
                }
            }
            _ => {}
        }
    }
    changes
}

/// Returns the candidate that should keep a part.
fn best<'c>(key: &Key, candidates: &'c [Candidate]) -> Option<&'c Candidate> {
    let knows = |candidate: &&Candidate| key.part == Part::House || candidate.tenants.contains(&key.tenant);
    candidates.iter().filter(knows).max_by_key(|candidate| (weight(key, &candidate.name), candidate.id))
}

fn weight(key: &Key, name: &str) -> [u8; 32] {
    Sha256::digest(format!("{} {} {name}", key.tenant, key.part.name())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(id: i64, name: &str) -> Candidate {
        Candidate { id, name: name.to_owned(), tenants: tenants(), is_settled: true }
    }

    fn tenants() -> BTreeSet<Arc<str>> {
        (0..20).map(|number| Arc::from(format!("tenant-{number}"))).collect()
    }

    fn row(key: &Key, replica: Option<i64>) -> KeeperRow {
        KeeperRow { key: key.clone(), replica }
    }

    fn all_of(me: i64, candidates: &[Candidate]) -> Vec<Key> {
        let changes = compare(me, &tenants(), candidates, &[], &[]);
        changes.take.into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn each_part_has_one_keeper_among_the_candidates() {
        let candidates = [candidate(1, "a"), candidate(2, "b"), candidate(3, "c")];
        let parts: Vec<Vec<Key>> = [1, 2, 3].map(|me| all_of(me, &candidates)).into();
        let all: BTreeSet<&Key> = parts.iter().flatten().collect();
        assert_eq!(all.len(), 61);
        assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), 61);
        assert!(parts.iter().all(|own| own.len() > 5), "{parts:?}");
    }

    #[test]
    fn the_end_of_a_replica_moves_only_its_own_parts() {
        let (three, two) =
            ([candidate(1, "a"), candidate(2, "b"), candidate(3, "c")], [candidate(1, "a"), candidate(2, "b")]);
        let before: BTreeSet<Key> = all_of(1, &three).into_iter().collect();
        let after: BTreeSet<Key> = all_of(1, &two).into_iter().collect();
        assert!(before.is_subset(&after) && before.len() < after.len());
    }

    #[test]
    fn a_part_is_taken_only_from_a_keeper_that_does_not_answer() {
        let candidates = [candidate(1, "a"), candidate(2, "b")];
        let mine = all_of(1, &candidates);
        let take = |keeper| compare(1, &tenants(), &candidates, &[], &[row(&mine[0], keeper)]).take;
        assert!(take(Some(9)).contains(&(mine[0].clone(), Some(9))));
        assert!(take(None).contains(&(mine[0].clone(), None)));
        assert!(!take(Some(2)).iter().any(|(key, _)| *key == mine[0]));
    }

    #[test]
    fn a_part_is_handed_over_once_its_new_keeper_has_been_alive_for_some_time() {
        let mut candidates = [candidate(1, "a"), candidate(2, "b")];
        let others = all_of(2, &candidates);
        let keepers = [row(&others[0], Some(1))];
        assert_eq!(compare(1, &tenants(), &candidates, &[], &keepers).let_go, [others[0].clone()]);
        candidates[1].is_settled = false;
        assert_eq!(compare(1, &tenants(), &candidates, &[], &keepers).let_go, []);
    }
}
