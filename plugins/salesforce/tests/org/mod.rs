//! An org for native tests: the simulator's records and queries without its server.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use frontgate_sdk::http::{Error as HttpError, Response};
use frontgate_sdk::{Batch, ChangeAnswer, CrmSource as _, SourceCustomer, testing};
use frontgate_simulators::salesforce::{Org, Problem};
use salesforce::Salesforce;

/// The org's time at the beginning: midnight of 1 January 2026.
pub(crate) const START: u64 = 1_767_225_600;
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);
pub(crate) const ANA: &str = "ana@example.org";
const INSTANCE: &str = "https://acme.my.salesforce.com";

/// An org, the answers that replace its own, and the queries so far.
pub(crate) struct World {
    pub(crate) org: Org,
    next: Vec<Result<Response, HttpError>>,
    asked: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Account(Rc<RefCell<World>>);

impl Account {
    /// Creates an org whose plugin has these settings besides `instance`.
    pub(crate) fn new(settings: &[(&str, &str)]) -> Self {
        let world = World { org: Org::at(START), next: Vec::new(), asked: Vec::new() };
        let account = Self(Rc::new(RefCell::new(world)));
        testing::settings([("instance", INSTANCE)].into_iter().chain(settings.iter().copied()));
        let world = Rc::clone(&account.0);
        testing::answer_with(move |request| {
            let path = request.url.strip_prefix(INSTANCE).expect("a request to the org").to_owned();
            world.borrow_mut().answer(&path)
        });
        account
    }

    /// Reads or changes the org.
    pub(crate) fn org<T>(&self, change: impl FnOnce(&mut Org) -> T) -> T {
        change(&mut self.0.borrow_mut().org)
    }

    /// Replaces the answer to a later request.
    pub(crate) fn next(&self, answer: Result<Response, HttpError>) {
        self.0.borrow_mut().next.push(answer);
    }

    pub(crate) fn refuse(&self, problem: &Problem) {
        let body = serde_json::json!([{ "errorCode": problem.code, "message": problem.message }]);
        self.next(Ok(Response::new(problem.status, body.to_string())));
    }

    /// Returns the queries since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut().asked)
    }
}

impl World {
    fn answer(&mut self, path: &str) -> Result<Response, HttpError> {
        self.asked.push(path.to_owned());
        if !self.next.is_empty() {
            return self.next.remove(0);
        }
        let reply = self.org.get(path);
        let headers = reply.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Ok(Response { headers, ..Response::new(reply.status, reply.body.to_vec()) })
    }
}

pub(crate) fn ask(since: Option<&[u8]>, limit: u32) -> ChangeAnswer {
    Salesforce::changes(since.map(<[u8]>::to_vec), limit).expect("an answer")
}

pub(crate) fn batch(since: Option<&[u8]>, limit: u32) -> Batch {
    match ask(since, limit) {
        ChangeAnswer::Batch(batch) => batch,
        other => panic!("{other:?}"),
    }
}

/// What a run reported.
pub(crate) struct Run {
    pub(crate) upserts: Vec<SourceCustomer>,
    pub(crate) removals: Vec<String>,
    pub(crate) next: Vec<u8>,
}

/// Calls `changes` until the last batch.
pub(crate) fn run(since: Option<&[u8]>) -> Run {
    run_with(since, 1_000, |_| {})
}

/// Works like [`run`] with a limit, and calls `between` after each batch that has more.
pub(crate) fn run_with(since: Option<&[u8]>, limit: u32, mut between: impl FnMut(&Batch)) -> Run {
    let mut run =
        Run { upserts: Vec::new(), removals: Vec::new(), next: since.map(<[u8]>::to_vec).unwrap_or_default() };
    let mut is_first = since.is_none();
    loop {
        let batch = batch(Some(&*run.next).filter(|_| !is_first), limit);
        is_first = false;
        assert!(batch.upserts.len() <= limit as usize && batch.next.len() <= 4_096);
        assert!(!batch.has_more || batch.next != run.next, "the cursor did not move");
        if batch.has_more {
            between(&batch);
        }
        run.upserts.extend(batch.upserts);
        run.removals.extend(batch.removals);
        run.next = batch.next;
        if !batch.has_more {
            return run;
        }
    }
}

pub(crate) fn ids(customers: &[SourceCustomer]) -> Vec<String> {
    customers.iter().map(|customer| customer.customer.customer_id.clone()).collect()
}
