//! The operator's settings: assignable workers, pools, and owners of numbers.

use frontgate_sdk::state::StateError;
use frontgate_sdk::{Error, Result, address, settings, state, warn};

use crate::availability::Availability;
use crate::pool::{Pool, SHARED};

/// All settings, with those that pools share.
const KNOWN: [&str; 8] = [
    "availability",
    "availability_seconds",
    "availability_url",
    "numbers.*",
    "pools.*",
    "round_robin",
    "without_crm",
    "workers",
];

/// Marks a pool among the owners of numbers.
const POOL: &str = "pool:";

/// The settings of one call.
pub(crate) struct Settings {
    pub(crate) without_crm: WithoutCrm,
    pub(crate) availability: Availability,
    /// The company's numbers, as Twilio writes them, and their workers or pools.
    numbers: Vec<(String, String)>,
    /// `round_robin`, with the general hours and fallbacks.
    general: Pool,
    pools: Vec<Pool>,
    /// Assignable workers; `None` for all.
    workers: Option<Vec<String>>,
}

/// The behaviour while the CRM is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithoutCrm {
    /// The gateway retries for some time.
    Wait,
    /// The next rule decides at once.
    Continue,
}

/// The recipient of a number's conversations.
pub(crate) enum Recipient<'s> {
    Worker(String),
    Pool(&'s Pool),
}

impl Settings {
    pub(crate) fn read() -> Result<Self> {
        settings::only(&[&KNOWN[..], &SHARED].concat())?;
        let without_crm = match settings::get("without_crm").as_deref() {
            None | Some("wait") => WithoutCrm::Wait,
            Some("continue") => WithoutCrm::Continue,
            Some(other) => {
                return Err(Error::failed(format!("the setting `without_crm` is `{other}`; write wait or continue")));
            }
        };
        let all = settings::all();
        let workers = |key: &str| settings::get(key).map(|list| identities(&list));
        let settings = Self {
            without_crm,
            availability: Availability::read()?,
            numbers: numbers(&all)?,
            general: Pool::general(&all, workers("round_robin").unwrap_or_default())?,
            pools: Pool::all(&all)?,
            workers: workers("workers"),
        };
        settings.check_pools_of_numbers()?;
        settings.check_fallbacks()?;
        settings.check_state()?;
        Ok(settings)
    }

    fn check_pools_of_numbers(&self) -> Result<()> {
        for (number, owner) in &self.numbers {
            if let Some(name) = owner.strip_prefix(POOL)
                && self.pool(name).is_none()
            {
                let problem = format!("the setting `numbers.{number}` names the pool `{name}`, which does not exist");
                return Err(Error::Failed(problem));
            }
        }
        Ok(())
    }

    fn check_fallbacks(&self) -> Result<()> {
        let Some(workers) = &self.workers else {
            return Ok(());
        };
        let mut fallbacks = self.all_pools().flat_map(|pool| [&pool.closed, &pool.away]);
        match fallbacks.find_map(|fallback| fallback.worker_outside(workers)) {
            Some(key) => Err(Error::Failed(format!("the setting `{key}` names a worker who is not in `workers`"))),
            None => Ok(()),
        }
    }

    fn all_pools(&self) -> impl Iterator<Item = &Pool> {
        std::iter::once(&self.general).chain(&self.pools)
    }

    /// Rejects settings that need the store, if it is not granted, before the first customer needs it.
    fn check_state(&self) -> Result<()> {
        let answers = |pool: &Pool| pool.closed.answers() || pool.away.answers();
        let is_needed = self.availability.is_used() || self.all_pools().any(answers);
        match is_needed.then(|| state::get("granted")) {
            Some(Err(problem @ StateError::NotGranted)) => Err(problem.into()),
            _ => Ok(()),
        }
    }

    /// Returns the worker or pool of a number. A setting with the `whatsapp:` prefix takes precedence.
    pub(crate) fn recipient_of(&self, number: &str) -> Option<Recipient<'_>> {
        let owner = |number: &str| self.numbers.iter().find(|(own, _)| own == number);
        let (_, owner) = owner(number).or_else(|| owner(address::number(number)))?;
        match owner.strip_prefix(POOL) {
            Some(name) => self.pool(name).map(Recipient::Pool),
            None => self.assignable(owner, "the owner of the number").map(Recipient::Worker),
        }
    }

    fn pool(&self, name: &str) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.name == name.trim())
    }

    pub(crate) fn general(&self) -> &Pool {
        &self.general
    }

    /// Returns the pools whose hours apply to a worker: those with this worker, else the general one.
    pub(crate) fn pools_of(&self, worker: &str) -> Vec<&Pool> {
        let pools: Vec<_> = self.pools.iter().filter(|pool| pool.has(worker)).collect();
        if pools.is_empty() { vec![&self.general] } else { pools }
    }

    /// Returns a pool's assignable workers.
    pub(crate) fn members(&self, pool: &Pool) -> Vec<String> {
        let who = if pool.name.is_empty() { "one of `round_robin`" } else { "a worker of a pool" };
        pool.workers.iter().filter_map(|worker| self.assignable(worker, who)).collect()
    }

    /// Returns a worker if assignable, spelled as in `workers`: CRMs are not consistent about case.
    pub(crate) fn assignable(&self, worker: &str, who: &str) -> Option<String> {
        let worker = worker.trim();
        let Some(workers) = &self.workers else {
            return (!worker.is_empty()).then(|| worker.to_owned());
        };
        let known = workers.iter().find(|known| known.eq_ignore_ascii_case(worker));
        if known.is_none() && !worker.is_empty() {
            warn!("{who} is not in `workers`, ignored");
        }
        known.cloned()
    }
}

/// Reads the table `numbers`.
fn numbers(all: &[(String, String)]) -> Result<Vec<(String, String)>> {
    let mut numbers = Vec::new();
    for (key, owner) in all {
        let Some(number) = key.strip_prefix("numbers.") else {
            continue;
        };
        if !address::is_e164(address::number(number)) {
            let problem = format!("setting `{key}` names no E.164 number; write for example \"+12025550199\"");
            return Err(Error::Failed(problem));
        }
        numbers.push((number.to_owned(), owner.clone()));
    }
    Ok(numbers)
}

/// Splits identities at commas.
pub(crate) fn identities(list: &str) -> Vec<String> {
    list.split(',').map(|worker| worker.trim().to_owned()).filter(|worker| !worker.is_empty()).collect()
}
