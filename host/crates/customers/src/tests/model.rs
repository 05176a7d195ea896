//! The model: customers by id, and who sees them.

use std::collections::{BTreeMap, BTreeSet};

use frontgate_contract::bindings::crm_source::{Audience, SourceCustomer, Visibility};
use frontgate_contract::bindings::plugin_types::{ContactChannel, Customer};

use super::Draft;
use crate::{Applied, CursorKind, SweepEnd};

/// Number of different customers.
pub(super) const IDS: usize = 40;
/// Names, some with the same place in the list.
pub(super) const NAMES: [&str; 10] =
    ["Ana Lind", "ana lind", "(Ana Lind)", "Åke Lind", "Zoë", "王伟", "", "Bo", "d'Arc", "Gonçalves 4711"];
pub(super) const COMPANIES: [Option<&str>; 3] = [None, Some("ACME"), Some("Ação Ltda")];
/// Numbers, two of them in several notations, and one that is unusable.
pub(super) const NUMBERS: [&str; 6] =
    ["+551239235555", "(12) 3923-5555", "+46700000001", "+46700000002", "0815", "+46 70-000 00 01"];
/// Number of ways to be seen.
pub(super) const VISIBILITIES: usize = 6;
/// Number of different lists of teams.
pub(super) const TEAMS: usize = 3;
pub(super) const WORKERS: [&str; 4] = ["ana@example.org", "ben@example.org", "Cara@example.org", "dora@example.org"];
pub(super) const QUERIES: [&str; 12] =
    ["ana", "AN", "lind an", "zoe", "wang", "王", "acme", "acao", "4711", "923-5555", "darc", "no such"];

/// An enumeration removes at most one of so many customers, but always this number.
const PART_HELD: usize = 10;
const ALWAYS_REMOVED: usize = 20;

/// A customer as the source reported it.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) source: SourceCustomer,
    generation: i64,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) customers: BTreeMap<String, Known>,
    pub(super) forgotten: BTreeSet<String>,
    /// Customers that changes have written or removed.
    pub(super) touched: BTreeSet<String>,
    pub(super) teams: Vec<(String, Vec<String>)>,
    pub(super) is_ready: bool,
    pub(super) sweeping: i64,
    pub(super) generation: i64,
    pub(super) held: usize,
    pub(super) changes_cursor: Vec<u8>,
    pub(super) sweep_cursor: Vec<u8>,
}

pub(super) fn id(number: usize) -> String {
    format!("c-{number}")
}

pub(super) fn teams(number: usize) -> Vec<(String, Vec<String>)> {
    let team = |id: &str, workers: &[&str]| (id.to_owned(), workers.iter().map(|&worker| worker.to_owned()).collect());
    match number {
        0 => vec![],
        1 => vec![team("t1", &["ana@example.org", "CARA@example.org"]), team("t2", &[])],
        _ => vec![team("t2", &["ben@example.org", "cara@example.org"])],
    }
}

pub(super) fn known(draft: &Draft) -> Known {
    let worker = |worker: &str| Audience::Worker(worker.to_owned());
    let team = |team: &str| Audience::Team(team.to_owned());
    let seen_by = match draft.seen_by {
        0 => Visibility::Everyone,
        1 => Visibility::Only(vec![]),
        2 => Visibility::Only(vec![worker("ANA@example.org")]),
        3 => Visibility::Only(vec![worker("ben@example.org"), team("t1")]),
        4 => Visibility::Only(vec![team("t2"), worker("cara@example.org")]),
        _ => Visibility::Only(vec![worker("ana@example.org"), worker("ben@example.org"), worker("ana@example.org")]),
    };
    let number = NUMBERS[draft.number].to_owned();
    let customer = Customer {
        customer_id: id(draft.id),
        display_name: NAMES[draft.name].to_owned(),
        avatar: draft.is_complete.then(|| "https://crm.test/a.png".to_owned()),
        channels: vec![ContactChannel { kind: "sms".to_owned(), value: number.clone() }],
        links: vec![],
        details: None,
        worker: None,
    };
    let source = SourceCustomer {
        customer,
        seen_by,
        company: COMPANIES[draft.company].map(str::to_owned),
        emails: vec![],
        numbers: vec![number],
        version: draft.version.map(u64::from),
        is_complete: draft.is_complete,
    };
    Known { source, generation: 0 }
}

impl Known {
    pub(super) fn id(&self) -> &str {
        &self.source.customer.customer_id
    }

    /// Returns the audiences without those that are named twice.
    fn seen_by(&self) -> Option<BTreeSet<(bool, String)>> {
        let Visibility::Only(audiences) = &self.source.seen_by else { return None };
        let audience = |audience: &Audience| match audience {
            Audience::Worker(worker) => (true, worker.to_lowercase()),
            Audience::Team(team) => (false, team.clone()),
        };
        Some(audiences.iter().map(audience).collect())
    }

    /// Returns whether the source reported the same.
    fn is_same(&self, other: &Self) -> bool {
        let parts = |known: &Self| {
            let SourceCustomer { customer, company, numbers, version, is_complete, .. } = &known.source;
            format!("{customer:?} {company:?} {numbers:?} {version:?} {is_complete} {:?}", known.seen_by())
        };
        parts(self) == parts(other)
    }
}

impl Model {
    pub(super) fn cursor(&mut self, kind: CursorKind) -> &mut Vec<u8> {
        if kind == CursorKind::Sweep { &mut self.sweep_cursor } else { &mut self.changes_cursor }
    }

    /// Returns whether a worker sees a customer.
    pub(super) fn sees(&self, worker: &str, known: &Known) -> bool {
        let Some(seen_by) = known.seen_by() else { return true };
        let worker = worker.to_lowercase();
        let is_in = |team: &str| {
            let mut named = self.teams.iter().filter(|(id, _)| id == team).flat_map(|(_, workers)| workers);
            named.any(|named| named.to_lowercase() == worker)
        };
        seen_by.iter().any(|(is_worker, name)| if *is_worker { *name == worker } else { is_in(name) })
    }

    pub(super) fn apply(&mut self, upserts: &[Known], removals: &[String]) -> Applied {
        let (current, is_sweeping) = (self.sweeping.max(self.generation), self.sweeping > 0);
        let last: BTreeMap<&str, &Known> = upserts.iter().map(|known| (known.id(), known)).collect();
        let mut applied = Applied::default();
        for (id, new) in last {
            if self.forgotten.contains(id) || removals.iter().any(|removed| removed == id) {
                continue;
            }
            let new = Known { generation: current, ..new.clone() };
            match self.customers.get_mut(id) {
                None => {
                    applied.added += 1;
                    self.touched.insert(id.to_owned());
                    self.customers.insert(id.to_owned(), new);
                }
                Some(known) => {
                    let versions = known.source.version.zip(new.source.version);
                    if versions.is_some_and(|(known, new)| new < known) || known.is_same(&new) {
                        applied.same += 1;
                        known.generation = if is_sweeping { current } else { known.generation };
                    } else {
                        applied.changed += 1;
                        self.touched.insert(id.to_owned());
                        *known = new;
                    }
                }
            }
        }
        let before = self.customers.len();
        self.touched.extend(removals.iter().filter(|id| self.customers.contains_key(*id)).cloned());
        self.customers.retain(|id, _| !removals.contains(id));
        applied.removed = u64::try_from(before - self.customers.len()).expect("a number");
        applied
    }

    pub(super) fn begin_sweep(&mut self, restart: bool) {
        if self.sweeping == 0 || restart {
            self.sweeping = self.sweeping.max(self.generation) + 1;
            self.sweep_cursor = Vec::new();
        }
    }

    /// Forgets the cursors, which belong to one version of one plugin.
    pub(super) fn other_plugin(&mut self) {
        self.begin_sweep(true);
        (self.changes_cursor, self.held) = (Vec::new(), 0);
    }

    pub(super) fn finish_sweep(&mut self) -> SweepEnd {
        let missing = self.customers.values().filter(|known| known.generation < self.sweeping).count();
        let all = self.customers.len();
        let is_held = missing > ALWAYS_REMOVED.max(all / PART_HELD) || missing > 0 && missing == all;
        self.held = if is_held { missing } else { 0 };
        (self.generation, self.sweeping, self.is_ready) = (self.sweeping, 0, true);
        self.changes_cursor = self.sweep_cursor.clone();
        let number = i64::try_from(missing).expect("a number");
        if is_held {
            return SweepEnd::Held(number);
        }
        self.remove_missing();
        SweepEnd::Remove(number)
    }

    pub(super) fn remove_missing(&mut self) {
        let generation = self.generation;
        self.customers.retain(|_, known| known.generation >= generation);
        self.held = 0;
    }

    pub(super) fn forget(&mut self, id: &str) -> bool {
        self.forgotten.insert(id.to_owned());
        self.customers.remove(id).is_some()
    }
}
