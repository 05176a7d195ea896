//! The index of one tenant in memory: loaded from the tables, and kept up to date by following their changes.

use std::collections::{BTreeMap, HashMap};

use frontgate_customer_search::{Audience, Builder, Change, Index, Position, Row, SortKey};

use crate::record::{EVERYONE, team_audience, worker_audience};
use crate::rows::read::IndexRow;
use crate::rows::source::SourceRow;

/// The customers of a tenant at one moment.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) source: SourceRow,
    pub(crate) index: Index,
    /// Numbers of audiences by name. Grows only, since numbers are in the index.
    audiences: HashMap<String, Audience>,
    /// Audiences of the teams of each worker.
    teams: HashMap<String, Vec<String>>,
    /// Number of the last change in the index.
    pub(crate) seq: i64,
}

/// What following changes led to.
pub(crate) enum Followed {
    /// The index is up to date with these rows.
    Done(Box<Snapshot>),
    /// Changes are no longer known: everything has to be loaded.
    Lost,
}

/// Collects all rows of a tenant.
pub(crate) struct Loading {
    builder: Builder,
    audiences: HashMap<String, Audience>,
    seq: i64,
}

impl Loading {
    /// Begins to load a source, whose row was read before its customers.
    pub(crate) fn new(source: &SourceRow) -> Self {
        Self { builder: Builder::default(), audiences: HashMap::new(), seq: source.seq }
    }

    pub(crate) fn push(&mut self, row: &IndexRow) {
        if row.is_gone {
            return;
        }
        let seen_by = numbers(&mut self.audiences, &row.audiences);
        let key = SortKey::from_bytes(&row.sort_key);
        self.builder.push(&Row { n: row.n, key: &key, text: &row.searched, audiences: &seen_by });
    }

    /// Sorts the rows. Changes since the start are to be followed.
    pub(crate) fn finish(self, source: SourceRow) -> Snapshot {
        let teams = teams(&source);
        Snapshot { source, index: self.builder.finish(), audiences: self.audiences, teams, seq: self.seq }
    }
}

impl Snapshot {
    /// Applies changes in their order. `source` was read before them.
    pub(crate) fn follow(&self, source: SourceRow, rows: &[IndexRow]) -> Followed {
        let mut audiences = self.audiences.clone();
        let mut changes = Vec::with_capacity(rows.len());
        let prepared: Vec<_> = rows
            .iter()
            .map(|row| (SortKey::from_bytes(&row.sort_key), numbers(&mut audiences, &row.audiences)))
            .collect();
        for (row, (key, seen_by)) in rows.iter().zip(&prepared) {
            if row.is_gone && row.sort_key.is_empty() {
                // The row was erased before this gateway could follow.
                return Followed::Lost;
            }
            let new = (!row.is_gone).then(|| Row { n: row.n, key, text: &row.searched, audiences: seen_by });
            changes.push(Change { old: Some(Position { key: key.clone(), n: row.n }), new });
        }
        let seq = rows.last().map_or(self.seq, |row| row.seq);
        let teams = if source.teams == self.source.teams { self.teams.clone() } else { teams(&source) };
        Followed::Done(Box::new(Self { source, index: self.index.apply(&changes), audiences, teams, seq }))
    }

    /// Returns the same customers in another index.
    pub(crate) fn with_index(&self, index: Index) -> Self {
        Self { index, ..self.clone() }
    }

    /// Returns the audiences of a worker: everyone, the worker, and the worker's teams.
    pub(crate) fn audiences(&self, worker: &str) -> Vec<Audience> {
        self.audience_names(worker).filter_map(|name| self.audiences.get(&*name).copied()).collect()
    }

    /// Returns whether a worker sees a customer with these audiences.
    pub(crate) fn sees(&self, worker: &str, audiences: &[String]) -> bool {
        self.audience_names(worker).any(|name| audiences.contains(&name))
    }

    fn audience_names(&self, worker: &str) -> impl Iterator<Item = String> {
        let teams = self.teams.get(&worker.to_lowercase()).into_iter().flatten().cloned();
        [EVERYONE.to_owned(), worker_audience(worker)].into_iter().chain(teams)
    }
}

/// Returns the numbers of audiences, and numbers those that are new.
fn numbers(known: &mut HashMap<String, Audience>, names: &[String]) -> Vec<Audience> {
    let mut numbered = Vec::with_capacity(names.len());
    for name in names {
        let next = Audience(u32::try_from(known.len()).unwrap_or(u32::MAX));
        numbered.push(match known.get(name) {
            Some(number) => *number,
            None => *known.entry(name.clone()).or_insert(next),
        });
    }
    numbered
}

/// Returns the audiences of the teams of each worker.
fn teams(source: &SourceRow) -> HashMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (team, workers) in source.teams() {
        for worker in workers {
            found.entry(worker.to_lowercase()).or_default().push(team_audience(&team));
        }
    }
    found.into_iter().collect()
}
