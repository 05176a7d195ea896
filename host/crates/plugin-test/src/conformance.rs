//! Checks that a plugin keeps the contract of its roles. The checks apply to the plugins of every company.
//!
//! Twilio and Front accept every answer that passes the checks.

mod calls;
mod channel;
mod channel_login;
mod conversations;
mod crm;
mod crm_source;
mod markup;
mod outgoing;
mod routing;
mod templates;
mod upstream;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use frontgate_contract::Role;
use frontgate_runtime::{Call, CallError, CallRecord};
use frontgate_telemetry::capture::Line;

use parking_lot::Mutex;

use super::check_result::{CheckResult, Outcome, Recorder, describe_failure};
use super::fixtures::{Fixtures, InstanceKind};
use super::harness::{CallOutcome, Harness};
use super::mock_server::{Behavior, RequestLine};

/// The worker in the checks, unless `[conformance]` names one.
const WORKER: &str = "ana@example.org";
/// Unknown ids: ordinary ones, and some with characters that break URLs, SQL or JSON built from strings.
const STRANGE_IDS: [&str; 6] =
    ["frontgate-no-such-id", "0", "../../etc/passwd", "'; DROP TABLE x; --", "{\"a\":[", "日本 \u{1f98a}\u{0}"];
/// An unknown address. The number is reserved for fiction.
const UNKNOWN_ADDRESS: &str = "+12025550100";
/// Maximum share of the deadline that a call may use, in percent.
const TIME_SHARE_MAX: u32 = 80;
/// Maximum number of receipts, and of log lines, that one check shows.
const SHOWN_MAX: usize = 10;

/// Advice that is added to the first unexpected request of a role.
const ADVICE: &str =
    "name a stub of the upstream in plugin.toml: [test] upstreams = { \"https://...\" = \"http://127.0.0.1:PORT\" }";

/// The reason why a check did not pass.
enum Problem {
    /// The plugin breaks the contract.
    Failed(String),
    /// The check does not apply to this plugin.
    Skipped(String),
}

type Verdict = Result<(), Problem>;

/// The state of the checks of one role.
struct Checker<'b> {
    harness: &'b Harness,
    role: Role,
    instances: InstanceKind,
    record: Mutex<Recorder>,
    /// Duration and description of the longest call so far.
    slowest: Mutex<Option<(Duration, String)>>,
    requests: Mutex<Vec<RequestLine>>,
    /// The most requests of one call so far, and its description.
    most_requests: Mutex<(u32, String)>,
    done: Mutex<Vec<CheckResult>>,
    /// Whether the advice was given already.
    advised: AtomicBool,
}

/// Checks every role of a plugin in one kind of instance.
pub(super) async fn check(harness: &Harness, instances: InstanceKind) -> Vec<CheckResult> {
    let mut all = Vec::new();
    for role in harness.live.roles() {
        let checker = Checker {
            harness,
            role,
            instances,
            record: Mutex::new(Recorder::begin()),
            slowest: Mutex::default(),
            requests: Mutex::default(),
            most_requests: Mutex::default(),
            done: Mutex::default(),
            advised: AtomicBool::default(),
        };
        match role {
            Role::Crm => crm::check(&checker).await,
            Role::Templates => templates::check(&checker).await,
            Role::Outgoing => outgoing::check(&checker).await,
            Role::Routing => routing::check(&checker).await,
            Role::Conversations => conversations::check(&checker).await,
            Role::Calls => calls::check(&checker).await,
            Role::ChannelLogin => channel_login::check(&checker).await,
            Role::CrmSource => crm_source::check(&checker).await,
            Role::Channel => {
                channel::check(&checker).await;
                markup::check(&checker).await;
            }
        }
        checker.check("every answer arrives well before the deadline", async |checker| checker.in_time()).await;
        all.extend(checker.done.into_inner());
    }
    all
}

impl<'b> Checker<'b> {
    /// Runs a check with the author's upstreams.
    async fn check(&self, name: &str, claim: impl AsyncFnOnce(&Self) -> Verdict) {
        self.check_in(Behavior::expect_nothing(), name, claim).await;
    }

    /// Runs a check while upstreams show this behavior.
    async fn check_in(&self, behavior: Behavior, name: &str, claim: impl AsyncFnOnce(&Self) -> Verdict) {
        let is_expecting = matches!(behavior, Behavior::Expect(_));
        self.begin(behavior);
        let verdict = claim(self).await;
        self.end(name, is_expecting, verdict);
    }

    /// Prepares recorder and upstreams. Not part of `check_in`, which is compiled again for each check.
    fn begin(&self, behavior: Behavior) {
        *self.record.lock() = Recorder::begin();
        if let Some(server) = &self.harness.mock_server {
            server.set_behavior(behavior);
        }
    }

    /// Records the result of a check.
    fn end(&self, name: &str, is_expecting: bool, verdict: Verdict) {
        let observed = self.harness.mock_server.as_ref().map(|server| server.take_observed());
        let unknown = observed.as_ref().and_then(|observed| observed.problems.first().cloned());
        let unknown = unknown.filter(|_| is_expecting);
        self.requests.lock().extend(observed.into_iter().flat_map(|observed| observed.requests));
        let outcome = match (verdict, unknown) {
            // With a real upstream, the plugin might have answered differently.
            (_, Some(unknown)) => Outcome::Skipped(match self.advised.swap(true, Ordering::Relaxed) {
                false => format!("{unknown}; {ADVICE}"),
                true => unknown,
            }),
            (Ok(()), None) => Outcome::Passed,
            (Err(Problem::Failed(why)), None) => Outcome::Failed(vec![why]),
            (Err(Problem::Skipped(why)), None) => Outcome::Skipped(why),
        };
        let record = std::mem::replace(&mut *self.record.lock(), Recorder::begin());
        self.done.lock().push(record.end(self.role.name(), name, outcome));
    }

    /// Makes one call and records its cost and log. Fails if the call ends without an answer.
    async fn call<R>(
        &self,
        what: &str,
        invoke: impl AsyncFnOnce(Call<'_>) -> Result<R, CallError>,
    ) -> Result<Result<R, CallError>, Problem> {
        let fixtures = self.fixtures(self.role.name());
        let CallOutcome { result, receipt, log, .. } = self.harness.call(&fixtures, self.role, invoke).await;
        self.note(what, receipt, log);
        match result {
            Err(error) if !is_contract_error(&error) => Err(Problem::Failed(describe_failure(what, &error))),
            result => Ok(result),
        }
    }

    /// Returns the fixtures of a call for a tenant of this name.
    fn fixtures(&self, tenant: &str) -> Fixtures {
        match self.instances {
            InstanceKind::Fresh => Fixtures::of(tenant),
            InstanceKind::Used => Fixtures { instances: InstanceKind::Used, ..Fixtures::of(&format!("used/{tenant}")) },
        }
    }

    /// Records the cost and the log of a call.
    fn note(&self, what: &str, receipt: Option<CallRecord>, log: Vec<Line>) {
        if let Some(receipt) = &receipt
            && let Some(cost) = &receipt.cost
        {
            let took = Duration::from_micros(cost.run_us);
            let mut slowest = self.slowest.lock();
            if slowest.as_ref().is_none_or(|(longest, _)| took > *longest) {
                *slowest = Some((took, what.to_owned()));
            }
            let mut most = self.most_requests.lock();
            if cost.requests > most.0 {
                *most = (cost.requests, what.to_owned());
            }
        }
        let mut record = self.record.lock();
        record.log.extend(log);
        record.log.truncate(SHOWN_MAX);
        record.receipts.extend(receipt);
        record.receipts.truncate(SHOWN_MAX);
    }

    /// Makes one call that must return `ok`.
    async fn call_ok<R>(
        &self,
        what: &str,
        invoke: impl AsyncFnOnce(Call<'_>) -> Result<R, CallError>,
    ) -> Result<R, Problem> {
        self.call(what, invoke).await?.map_err(|error| {
            let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
            Problem::Failed(format!("{what} returned an error: {}{detail}", error.code()))
        })
    }

    fn worker(&self) -> String {
        self.harness.project.conformance.worker.clone().unwrap_or_else(|| WORKER.to_owned())
    }

    /// Returns whether the plugin has sent any request so far.
    fn sends_requests(&self) -> bool {
        !self.requests.lock().is_empty()
    }

    fn in_time(&self) -> Verdict {
        let most = self.harness.deadline(self.role);
        match &*self.slowest.lock() {
            Some((took, what)) if *took > most * TIME_SHARE_MAX / 100 => Err(Problem::Failed(format!(
                "{what} took {} of {} ms, which leaves no reserve under load: request less data per call, or cache \
                 what changes rarely in `state`",
                took.as_millis(),
                most.as_millis()
            ))),
            Some(_) => Ok(()),
            None => Err(Problem::Skipped("no call was made".to_owned())),
        }
    }
}

/// Returns whether the plugin returned this error as its answer, rather than ending without an answer.
fn is_contract_error(error: &CallError) -> bool {
    matches!(
        error,
        CallError::NotFound
            | CallError::Forbidden(_)
            | CallError::Invalid(_)
            | CallError::Unavailable(_)
            | CallError::Failed(_)
    )
}

/// Fails with a reason unless the condition is true.
fn ensure(holds: bool, why: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Problem::Failed(why())) }
}
