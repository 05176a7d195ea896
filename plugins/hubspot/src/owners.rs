//! Looks up owners, who are Frontline's workers. Owners are cached: they rarely change, and every call needs one.

use std::collections::HashSet;
use std::time::Duration;

use crm_values::is_same;
use frontgate_sdk::{Result, Team, debug, http, state};
use serde::{Deserialize, Serialize};

use crate::api::{self, Stop};
use crate::search::Found;
use crate::settings::Settings;

/// Time to live of a cached missing owner: short, so that a new owner takes effect soon.
const UNKNOWN_KEEP: Duration = Duration::from_secs(60);

/// The key of all owners in the store.
const ALL: &str = "owners";
/// HubSpot's default limit on owners of one request.
const PAGE: u32 = 100;

#[derive(Serialize, Deserialize)]
struct Owner {
    id: String,
    email: Option<String>,
}

/// All owners, in HubSpot's order.
#[derive(Default)]
pub(crate) struct Owners {
    all: Vec<Owner>,
    /// Whether they took a request.
    pub(crate) were_asked: bool,
}

impl Owners {
    /// Returns all owners. Without a store, every call costs a request.
    pub(crate) fn all(settings: &Settings) -> Result<Self, Stop> {
        if let Some(known) = Self::cached() {
            return Ok(known);
        }
        let mut all: Vec<Owner> = Vec::new();
        let mut after = None;
        loop {
            let request = http::get(&settings.url("owners")).query("limit", PAGE);
            let request = after.iter().fold(request, |request, after| request.query("after", after));
            let mut found: Found<Owner> = api::json(&api::source(request)?)?;
            let next = found.after();
            all.append(&mut found.results);
            match next {
                Some(next) if after.as_ref() != Some(&next) => after = Some(next),
                _ => break,
            }
        }
        if let Err(error) = state::set_json(ALL, &all, settings.owners_keep()) {
            debug!("owners are not cached: {error:?}");
        }
        Ok(Self { all, were_asked: true })
    }

    fn cached() -> Option<Self> {
        let all = state::get_json(ALL).ok()??;
        Some(Self { all, were_asked: false })
    }

    /// Returns the worker of an owner, or `None` for a removed owner.
    pub(crate) fn worker_of<'s>(&'s self, settings: &'s Settings, owner: &str) -> Option<&'s str> {
        let found = self.all.iter().find(|known| known.id == owner)?;
        found.email.as_deref().map(|email| settings.workers.worker_with(email))
    }

    /// Returns a team for each owner: the workers who see the owner's contacts. Of owners with the same address, the
    /// first one counts, as in [`id_of`].
    pub(crate) fn teams(&self, settings: &Settings) -> Vec<Team> {
        let mut addresses = HashSet::new();
        let owners = self.all.iter().filter_map(|owner| Some((&owner.id, owner.email.as_deref()?)));
        let firsts = owners.filter(|(_, email)| addresses.insert(email.to_lowercase()));
        firsts.map(|(id, email)| Team::new(id, settings.workers.workers_with(email))).collect()
    }
}

/// Returns the owner id of a worker.
pub(crate) fn id_of(settings: &Settings, worker: &str) -> Result<Option<String>> {
    let email = settings.workers.user_of(worker).to_lowercase();
    let is_it = |owner: &Owner| owner.email.as_deref().is_some_and(|known| is_same(known, &email));
    if let Some(owner) = Owners::cached().and_then(|owners| owners.all.into_iter().find(is_it)) {
        return Ok(Some(owner.id));
    }
    kept(settings, &format!("owner-of/{email}"), || {
        let found: Found<Owner> = api::ask(http::get(&settings.url("owners")).query("email", &email))?;
        Ok(found.results.into_iter().find(is_it).map(|owner| owner.id))
    })
}

/// Returns the worker of an owner, or `None` for a removed owner.
pub(crate) fn worker_of(settings: &Settings, owner: &str) -> Result<Option<String>> {
    if !api::is_id(owner) {
        return Ok(None);
    }
    if let Some(owners) = Owners::cached()
        && let Some(worker) = owners.worker_of(settings, owner)
    {
        return Ok(Some(worker.to_owned()));
    }
    let email = kept(settings, &format!("owner/{owner}"), || {
        let found: Option<Owner> = api::find(http::get(&settings.url(&format!("owners/{owner}"))))?;
        Ok(found.and_then(|owner| owner.email))
    })?;
    Ok(email.map(|email| settings.workers.worker_with(&email).to_owned()))
}

/// Returns the cached value, or the value from HubSpot. Without a store, every call costs a request.
fn kept(settings: &Settings, key: &str, ask: impl FnOnce() -> Result<Option<String>>) -> Result<Option<String>> {
    if let Ok(Some(known)) = state::get_json(key) {
        return Ok(known);
    }
    let found = ask()?;
    let keep = if found.is_some() { settings.owners_keep() } else { settings.owners_keep().min(UNKNOWN_KEEP) };
    if let Err(error) = state::set_json(key, &found, keep) {
        debug!("owners are not cached: {error:?}");
    }
    Ok(found)
}
