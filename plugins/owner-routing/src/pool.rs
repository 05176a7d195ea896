//! A pool: workers who get conversations in turn, with hours and fallbacks.

use std::time::SystemTime;

use frontgate_sdk::{Error, Result};

use crate::fallback::Fallback;
use crate::hours::Hours;
use crate::settings::identities;
use crate::table::Table;

/// Settings that a pool can have; the general ones apply to pools without their own.
pub(crate) const SHARED: [&str; 15] = [
    "away.answer",
    "away.then",
    "away.worker",
    "closed.answer",
    "closed.then",
    "closed.worker",
    "hours.fri",
    "hours.holidays",
    "hours.mon",
    "hours.sat",
    "hours.sun",
    "hours.thu",
    "hours.tue",
    "hours.wed",
    "hours.zone",
];

/// A group of workers. The general pool has the workers of `round_robin`.
pub(crate) struct Pool {
    /// Empty for the general pool.
    pub(crate) name: String,
    pub(crate) workers: Vec<String>,
    /// `None` if the pool is always open.
    pub(crate) hours: Option<Hours>,
    pub(crate) closed: Fallback,
    pub(crate) away: Fallback,
}

impl Pool {
    /// Reads the general pool.
    pub(crate) fn general(all: &[(String, String)], workers: Vec<String>) -> Result<Self> {
        Self::read(&Table::general(all), "", workers)
    }

    /// Reads `pools`, and rejects unknown keys.
    pub(crate) fn all(all: &[(String, String)]) -> Result<Vec<Self>> {
        let mut names: Vec<&str> = Vec::new();
        for (key, _) in all {
            let Some(rest) = key.strip_prefix("pools.") else {
                continue;
            };
            let (name, inside) = rest.split_once('.').unwrap_or((rest, ""));
            if inside != "workers" && !SHARED.contains(&inside) {
                let problem =
                    format!("unknown setting `{key}`: known settings of a pool: workers, {}", SHARED.join(", "));
                return Err(Error::Failed(problem));
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let pool = |name: &&str| {
            let key = format!("pools.{name}.workers");
            let workers = all.iter().find(|(known, _)| *known == key).map(|(_, list)| identities(list));
            let Some(workers) = workers.filter(|workers| !workers.is_empty()) else {
                return Err(Error::Failed(format!("the setting `{key}` is missing; write identities, with commas")));
            };
            Self::read(&Table::of_pool(all, name), name, workers)
        };
        names.iter().map(pool).collect()
    }

    fn read(table: &Table<'_>, name: &str, workers: Vec<String>) -> Result<Self> {
        let hours = Hours::read(table)?;
        let (closed, away) = (Fallback::read(table, "closed")?, Fallback::read(table, "away")?);
        Ok(Self { name: name.to_owned(), workers, hours, closed, away })
    }

    pub(crate) fn is_open(&self, now: SystemTime) -> bool {
        self.hours.as_ref().is_none_or(|hours| hours.are_open(now))
    }

    pub(crate) fn has(&self, worker: &str) -> bool {
        self.workers.iter().any(|member| member.eq_ignore_ascii_case(worker))
    }
}
