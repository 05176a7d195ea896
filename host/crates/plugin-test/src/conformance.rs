//! What the contract expects of every plugin of a role, whatever company it is for: what passes here is taken by
//! Twilio and Front.

mod channel;
mod conversations;
mod crm;
pub(super) mod markup;
mod outgoing;
mod routing;
mod templates;
mod upstream;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use frontgate_contract::Role;
use frontgate_runtime::{Call, CallError};

use super::bench::{Bench, Run, Setting};
use super::stage::{Act, Asked};
use super::suite::{Checked, Outcome, Record, no_answer};

/// Who asks, where the author names nobody.
const WORKER: &str = "ana@example.org";
/// Ids that nobody gives to anything: of a usual kind, empty, long, and of letters that break what is glued
/// together from texts.
const STRANGE_IDS: [&str; 6] =
    ["frontgate-no-such-id", "0", "../../etc/passwd", "'; DROP TABLE x; --", "{\"a\":[", "日本 \u{1f98a}\u{0}"];
/// An address of nobody's: the number is set aside for fiction.
const NOBODY: &str = "+12025550100";
/// Shares of a call's time that are no reason to worry, in percent.
const TIME_SHARE_MAX: u32 = 80;
/// Receipts and lines of the log that one check shows.
const SHOWN_MAX: usize = 10;

/// Where a request is answered by nobody.
const ADVICE: &str =
    "name who plays it in plugin.toml: [test] upstreams = { \"https://...\" = \"http://127.0.0.1:PORT\" }";

/// Why a check did not pass.
enum Problem {
    /// It is not so.
    Failed(String),
    /// This plugin cannot tell.
    Skipped(String),
}

type Verdict = Result<(), Problem>;

/// Asks for one role.
struct Tries<'b> {
    bench: &'b Bench,
    role: Role,
    record: Mutex<Record>,
    /// Until where, and which question took longest.
    slowest: Mutex<Option<(Duration, String)>>,
    asked: Mutex<Vec<Asked>>,
    done: Mutex<Vec<Checked>>,
    /// Whether it was said what to do about requests that nobody answers.
    advised: AtomicBool,
}

/// Checks every role that a plugin answers.
pub(super) async fn check(bench: &Bench) -> Vec<Checked> {
    let mut all = Vec::new();
    for role in bench.live.roles() {
        let tries = Tries {
            bench,
            role,
            record: Mutex::new(Record::begin()),
            slowest: Mutex::default(),
            asked: Mutex::default(),
            done: Mutex::default(),
            advised: AtomicBool::default(),
        };
        match role {
            Role::Crm => crm::check(&tries).await,
            Role::Templates => templates::check(&tries).await,
            Role::Outgoing => outgoing::check(&tries).await,
            Role::Routing => routing::check(&tries).await,
            Role::Conversations => conversations::check(&tries).await,
            Role::Channel => {
                channel::check(&tries).await;
                markup::check(&tries).await;
            }
        }
        tries.check("every answer comes in good time", async |tries| tries.in_time()).await;
        all.extend(tries.done.into_inner().unwrap_or_else(PoisonError::into_inner));
    }
    all
}

impl<'b> Tries<'b> {
    /// One check, with upstreams as the author named them.
    async fn check(&self, name: &str, claim: impl AsyncFnOnce(&Self) -> Verdict) {
        self.check_in(Act::nothing(), name, claim).await;
    }

    /// One check, while upstreams do this.
    async fn check_in(&self, act: Act, name: &str, claim: impl AsyncFnOnce(&Self) -> Verdict) {
        let is_scripted = matches!(act, Act::Script(_));
        *lock(&self.record) = Record::begin();
        if let Some(stage) = &self.bench.stage {
            stage.play(act);
        }
        let verdict = claim(self).await;
        let played = self.bench.stage.as_ref().map(|stage| stage.played());
        let unknown = played.as_ref().and_then(|played| played.problems.first().cloned()).filter(|_| is_scripted);
        lock(&self.asked).extend(played.into_iter().flat_map(|played| played.asked));
        let outcome = match (verdict, unknown) {
            // Whatever the plugin said then, it may say another thing to an answer.
            (_, Some(unknown)) => Outcome::Skipped(match self.advised.swap(true, Ordering::Relaxed) {
                false => format!("{unknown}; {ADVICE}"),
                true => unknown,
            }),
            (Ok(()), None) => Outcome::Passed,
            (Err(Problem::Failed(why)), None) => Outcome::Failed(vec![why]),
            (Err(Problem::Skipped(why)), None) => Outcome::Skipped(why),
        };
        let record = std::mem::replace(&mut *lock(&self.record), Record::begin());
        lock(&self.done).push(record.end(self.role.name(), name, outcome));
    }

    /// Asks one thing, and notes what it left behind. What ends without an answer has failed.
    async fn ask<R>(
        &self,
        what: &str,
        question: impl AsyncFnOnce(Call<'_>) -> Result<R, CallError>,
    ) -> Result<Result<R, CallError>, Problem> {
        let Run { result, told, lines } = self.bench.ask(&Setting::of(self.role.name()), self.role, question).await;
        if let Some(told) = &told
            && let Some(cost) = &told.cost
        {
            let took = Duration::from_micros(cost.run_us);
            let mut slowest = lock(&self.slowest);
            if slowest.as_ref().is_none_or(|(longest, _)| took > *longest) {
                *slowest = Some((took, what.to_owned()));
            }
        }
        let mut record = lock(&self.record);
        record.log.extend(lines);
        record.log.truncate(SHOWN_MAX);
        record.receipts.extend(told);
        record.receipts.truncate(SHOWN_MAX);
        match result {
            Err(error) if !is_word(&error) => Err(Problem::Failed(no_answer(what, &error))),
            result => Ok(result),
        }
    }

    /// The same where only an `ok` will do.
    async fn ask_ok<R>(
        &self,
        what: &str,
        question: impl AsyncFnOnce(Call<'_>) -> Result<R, CallError>,
    ) -> Result<R, Problem> {
        self.ask(what, question).await?.map_err(|error| {
            let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
            Problem::Failed(format!("{what} was answered with an error, {}{detail}", error.code()))
        })
    }

    fn worker(&self) -> String {
        self.bench.project.conformance.worker.clone().unwrap_or_else(|| WORKER.to_owned())
    }

    /// Whether the plugin has sent any request so far.
    fn sends_requests(&self) -> bool {
        !lock(&self.asked).is_empty()
    }

    fn in_time(&self) -> Verdict {
        let most = self.bench.deadline(self.role);
        match &*lock(&self.slowest) {
            Some((took, what)) if *took > most * TIME_SHARE_MAX / 100 => Err(Problem::Failed(format!(
                "{what} took {} of {} ms; a busy hour would make it late: ask for less at a time, or keep what changes \
                 rarely in `state`",
                took.as_millis(),
                most.as_millis()
            ))),
            Some(_) => Ok(()),
            None => Err(Problem::Skipped("nothing was asked".to_owned())),
        }
    }
}

/// Whether an error is what the plugin said, and not how it ended.
fn is_word(error: &CallError) -> bool {
    matches!(
        error,
        CallError::NotFound
            | CallError::Forbidden(_)
            | CallError::Invalid(_)
            | CallError::Unavailable(_)
            | CallError::Failed(_)
    )
}

/// Fails unless something holds.
fn ensure(holds: bool, why: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Problem::Failed(why())) }
}

/// Nothing panics while it holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
