//! What the CRM knows, and what it was asked.

use std::collections::VecDeque;
use std::fmt;

use crate::common::watched::Watched;
use crate::crm::contact::Contact;
use crate::crm::fault::{Fault, Faults};
use crate::crm::limit::Limit;
use crate::crm::people::people;

/// Older requests are forgotten.
const REQUESTS_MAX: usize = 10_000;
/// More failures do not wait.
const FAULTS_MAX: usize = 1_000;

pub(crate) struct Shared {
    pub(crate) state: Watched<State>,
    /// Whether `/_control` is there.
    pub(crate) control: bool,
}

/// A request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// `GET` and so on.
    pub method: String,
    /// The path, and the query as it was written.
    pub target: String,
    /// Whether it showed the token.
    pub authorized: bool,
    /// What it was answered; none where the connection was closed, or the answer has not come yet.
    pub status: Option<u16>,
}

pub(crate) struct State {
    pub(crate) contacts: Vec<Contact>,
    pub(crate) token: String,
    pub(crate) limit: Limit,
    pub(crate) faults: Faults,
    pub(crate) requests: VecDeque<Recorded>,
    /// How many were forgotten or taken.
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

    /// Writes a request down, and says under which number.
    pub(crate) fn record(&mut self, request: Recorded) -> usize {
        if self.requests.len() == REQUESTS_MAX {
            self.requests.pop_front();
            self.forgotten += 1;
        }
        self.requests.push_back(request);
        self.forgotten + self.requests.len() - 1
    }

    /// Writes down what a request was answered, if it is still known.
    pub(crate) fn answered(&mut self, number: usize, status: u16) {
        let at = number.checked_sub(self.forgotten);
        if let Some(request) = at.and_then(|at| self.requests.get_mut(at)) {
            request.status = Some(status);
        }
    }

    /// The requests so far, which are forgotten.
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
