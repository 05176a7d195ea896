//! Looks up owners, who are Frontline's workers. Owners are cached: they rarely change, and every call needs one.

use std::time::Duration;

use frontgate_sdk::{Result, debug, http, state};
use serde::Deserialize;

use crate::api;
use crate::settings::Settings;

/// Time to live of a cached missing owner: short, so that a new owner takes effect soon.
const UNKNOWN_KEEP: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct Owner {
    id: String,
    email: Option<String>,
}

#[derive(Deserialize)]
struct Owners {
    results: Vec<Owner>,
}

/// Returns the owner id of a worker.
pub(crate) fn id_of(settings: &Settings, worker: &str) -> Result<Option<String>> {
    let email = settings.email_of(worker).to_lowercase();
    kept(settings, &format!("owner-of/{email}"), || {
        let found: Owners = api::ask(http::get(&settings.url("owners")).query("email", &email))?;
        let is_it = |owner: &Owner| owner.email.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(&email));
        Ok(found.results.into_iter().find(is_it).map(|owner| owner.id))
    })
}

/// Returns the worker of an owner, or `None` for a removed owner.
pub(crate) fn worker_of(settings: &Settings, owner: &str) -> Result<Option<String>> {
    if !api::is_id(owner) {
        return Ok(None);
    }
    let email = kept(settings, &format!("owner/{owner}"), || {
        let found: Option<Owner> = api::find(http::get(&settings.url(&format!("owners/{owner}"))))?;
        Ok(found.and_then(|owner| owner.email))
    })?;
    Ok(email.map(|email| settings.worker_with(&email).to_owned()))
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
