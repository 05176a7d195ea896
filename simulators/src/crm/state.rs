//! The state of the CRM: contacts, records of requests, and faults.

use std::collections::VecDeque;
use std::fmt;

use crate::common::watched::Watched;
use crate::crm::contact::Contact;
use crate::crm::fault::{Fault, Faults};
use crate::crm::limit::Limit;
use crate::crm::people::people;

/// The maximum number of recorded requests. Older requests are dropped.
const REQUESTS_MAX: usize = 10_000;
/// The maximum number of queued faults.
const FAULTS_MAX: usize = 1_000;

pub(crate) struct Shared {
    pub(crate) state: Watched<State>,
    /// Whether the control API is enabled.
    pub(crate) control: bool,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// `GET`, `POST`, ...
    pub method: String,
    /// The path with the raw query.
    pub target: String,
    /// Whether the request had the token.
    pub authorized: bool,
    /// The status of the response. `None` if the connection was closed or the response is pending.
    pub status: Option<u16>,
}

pub(crate) struct State {
    pub(crate) contacts: Vec<Contact>,
    pub(crate) token: String,
    pub(crate) limit: Limit,
    pub(crate) faults: Faults,
    pub(crate) requests: VecDeque<Recorded>,
    /// The number of requests dropped or taken so far.
    forgotten: usize,
}

impl State {
    pub(crate) fn new(contacts: usize, token: String) -> Self {
        Self {
            contacts: people(contacts),
            token,
            limit: Limit::default(),
            faults: Faults::default(),
            requests: VecDeque::new(),
            forgotten: 0,
        }
    }

    pub(crate) fn add_fault(&mut self, fault: Fault) {
        if self.faults.queued.len() < FAULTS_MAX {
            self.faults.queued.push(fault);
        }
    }

    pub(crate) fn forget_faults(&mut self) {
        self.faults = Faults::default();
    }

    /// Records a request and returns its number.
    pub(crate) fn record(&mut self, request: Recorded) -> usize {
        if self.requests.len() == REQUESTS_MAX {
            self.requests.pop_front();
            self.forgotten += 1;
        }
        self.requests.push_back(request);
        self.forgotten + self.requests.len() - 1
    }

    /// Records the status of a response, unless the request was dropped.
    pub(crate) fn answered(&mut self, number: usize, status: u16) {
        let at = number.checked_sub(self.forgotten);
        if let Some(request) = at.and_then(|at| self.requests.get_mut(at)) {
            request.status = Some(status);
        }
    }

    /// Removes and returns the recorded requests.
    pub(crate) fn take_requests(&mut self) -> Vec<Recorded> {
        self.forgotten += self.requests.len();
        self.requests.drain(..).collect()
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Recorded { method, target, authorized, status } in &self.requests {
            let token = if *authorized { "" } else { " without the token" };
            let outcome = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            writeln!(formatter, "{method} {target}{token} -> {outcome}")?;
        }
        Ok(())
    }
}
