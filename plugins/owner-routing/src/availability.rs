//! Whether workers are available, from Frontline's Users API: the switch that workers have in the app.
//!
//! An API that does not answer never stops routing: workers are available until the opposite is known.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use frontgate_sdk::{Error, Result, clock, http, settings, state, warn};
use serde::Deserialize;

const URL: &str = "https://frontline-api.twilio.com";
/// Default age up to which an answer of the API is used again.
const KEPT: Duration = Duration::from_secs(30);
/// Requests of one call, below the gateway's limit. A larger pool is known after several calls.
const REQUESTS_MAX: usize = 8;
/// Time after which a call sends no further request, and of one request. A call has about five seconds.
const PATIENCE: Duration = Duration::from_secs(2);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(1);
/// Time without requests after a failure, and time in which only one failure is logged.
const PAUSE: Duration = Duration::from_secs(30);
const LOG_PAUSE: Duration = Duration::from_secs(3_600);

const FAILED: &str = "frontline/failed";
const REPORTED: &str = "frontline/reported";

/// The source of availability during one call.
pub(crate) struct Availability {
    /// The API's URL; `None` if availability is not used.
    url: Option<String>,
    kept: Duration,
    started: SystemTime,
    requests: Cell<usize>,
    has_failed: Cell<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Available,
    Away,
    /// The API did not answer, or was not asked.
    Unknown,
}

/// The part of a user that is read.
#[derive(Deserialize)]
struct User {
    is_available: Option<bool>,
}

impl Availability {
    pub(crate) fn read() -> Result<Self> {
        let url = settings::get("availability_url").unwrap_or_else(|| URL.to_owned());
        if !url.starts_with("https://") && !url.starts_with("http://") {
            let problem = format!("the setting `availability_url` is `{url}`; write for example {URL}");
            return Err(Error::Failed(problem));
        }
        let is_used = match settings::get("availability").as_deref() {
            None | Some("ignore") => false,
            Some("frontline") => true,
            Some(other) => {
                let problem = format!("the setting `availability` is `{other}`; write frontline or ignore");
                return Err(Error::Failed(problem));
            }
        };
        let kept = match settings::get_as::<u32>("availability_seconds")? {
            None => KEPT,
            Some(seconds @ 1..=3_600) => Duration::from_secs(seconds.into()),
            Some(other) => {
                let problem = format!("the setting `availability_seconds` is `{other}`; write a number from 1 to 3600");
                return Err(Error::Failed(problem));
            }
        };
        let url = is_used.then(|| url.trim_end_matches('/').to_owned());
        let (requests, has_failed) = (Cell::new(0), Cell::new(false));
        Ok(Self { url, kept, started: clock::now(), requests, has_failed })
    }

    pub(crate) fn is_used(&self) -> bool {
        self.url.is_some()
    }

    /// Returns whether a worker may get a conversation.
    pub(crate) fn includes(&self, worker: &str) -> bool {
        self.presence(worker) != Presence::Away
    }

    /// Returns the available workers. If none is known to be, those of unknown availability.
    pub(crate) fn among(&self, workers: Vec<String>) -> Vec<String> {
        let known: Vec<_> = workers.into_iter().map(|worker| (self.presence(&worker), worker)).collect();
        let with = |presence: Presence| {
            let found = known.iter().filter(move |(known, _)| *known == presence);
            found.map(|(_, worker)| worker.clone()).collect::<Vec<_>>()
        };
        let available = with(Presence::Available);
        if available.is_empty() { with(Presence::Unknown) } else { available }
    }

    fn presence(&self, worker: &str) -> Presence {
        let Some(url) = &self.url else {
            return Presence::Available;
        };
        let key = format!("available/{worker}");
        // Without the store, each call asks the API.
        if let Some(kept) = state::get(&key).ok().flatten() {
            return if kept.value == b"yes" { Presence::Available } else { Presence::Away };
        }
        if !self.may_ask() {
            return Presence::Unknown;
        }
        match ask(url, worker) {
            Ok(is_available) => {
                let _ = state::set(&key, if is_available { "yes" } else { "no" }, self.kept);
                if is_available { Presence::Available } else { Presence::Away }
            }
            Err(problem) => {
                self.has_failed.set(true);
                let _ = state::set(FAILED, "1", PAUSE);
                report(&problem);
                Presence::Unknown
            }
        }
    }

    /// Counts a request, if the call may send one more.
    fn may_ask(&self) -> bool {
        let is_late = clock::now().duration_since(self.started).is_ok_and(|time| time >= PATIENCE);
        if self.has_failed.get() || is_late || self.requests.get() >= REQUESTS_MAX {
            return false;
        }
        if self.requests.get() == 0 && state::get(FAILED).ok().flatten().is_some() {
            self.has_failed.set(true);
            return false;
        }
        self.requests.set(self.requests.get() + 1);
        true
    }
}

/// Asks the API about a worker. One who is unknown there is not available.
fn ask(url: &str, worker: &str) -> Result<bool> {
    let url = format!("{url}/v1/Users/{}", http::segment(worker));
    let response = http::get(&url).timeout(REQUEST_TIMEOUT).send()?;
    if response.status == 404 {
        warn!("a worker of the settings or the CRM is no user of Frontline: not available");
        return Ok(false);
    }
    let user: User = response.success()?.json()?;
    Ok(user.is_available == Some(true))
}

/// Logs the first failure of some time.
fn report(problem: &Error) {
    if state::get(REPORTED).ok().flatten().is_none() {
        let _ = state::set(REPORTED, "1", LOG_PAUSE);
        warn!("Frontline's Users API failed, all workers are treated as available: {problem}");
    }
}
