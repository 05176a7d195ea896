//! The reaction while a pool is closed, or none of its workers is available.

use std::time::Duration;

use frontgate_sdk::actions::{self, NewMessage};
use frontgate_sdk::{Assignment, Error, Result, error, state};

use crate::table::Table;

/// Twilio's maximum length of a message, in characters.
const ANSWER_CHARS_MAX: usize = 1_600;

/// A reaction: `closed` or `away`.
pub(crate) struct Fallback {
    name: &'static str,
    then: Then,
    /// A message to the customer.
    answer: Option<String>,
}

enum Then {
    /// The next plugin decides, and finally the tenant's default worker.
    Default,
    Worker(String),
    /// The gateway asks again, for `delivery.routing_patience_ms`.
    Wait,
}

impl Fallback {
    /// Reads `NAME.then`, `NAME.worker` and `NAME.answer`.
    pub(crate) fn read(table: &Table<'_>, name: &'static str) -> Result<Self> {
        let get = |key: &str| table.get(&format!("{name}.{key}"));
        let filled = |key: &str| get(key).filter(|setting| !setting.value.trim().is_empty());
        let (worker, answer) = (filled("worker"), filled("answer"));
        if let Some(answer) = &answer
            && answer.value.chars().count() > ANSWER_CHARS_MAX
        {
            return Err(answer.problem(&format!("has more than {ANSWER_CHARS_MAX} characters")));
        }
        let waits = match get("then") {
            None => false,
            Some(setting) => match setting.value {
                "default" => false,
                "wait" => true,
                _ => return Err(setting.error("write default or wait")),
            },
        };
        if waits && let Some(unused) = worker.as_ref().or(answer.as_ref()) {
            // The gateway asks again only after an error, which discards the actions of the call.
            return Err(unused.problem(&format!("has no effect with `{name}.then = \"wait\"`; remove one of them")));
        }
        let then = match worker {
            _ if waits => Then::Wait,
            Some(worker) => Then::Worker(worker.value.trim().to_owned()),
            None => Then::Default,
        };
        Ok(Self { name, then, answer: answer.map(|answer| answer.value.to_owned()) })
    }

    pub(crate) fn answers(&self) -> bool {
        self.answer.is_some()
    }

    /// Returns the key of the worker, unless the worker is one of these.
    pub(crate) fn worker_outside(&self, workers: &[String]) -> Option<String> {
        match &self.then {
            Then::Worker(worker) if !workers.contains(worker) => Some(format!("{}.worker", self.name)),
            _ => None,
        }
    }

    /// Answers the customer, at most once within `period`, and returns the assignment.
    pub(crate) fn apply(&self, conversation: &str, reason: &str, period: Duration) -> Result<Option<Assignment>> {
        if let Some(answer) = &self.answer
            && let Err(problem) =
                answer_once(&format!("answered/{}/{conversation}", self.name), conversation, answer, period)
        {
            // A conversation without an answer is better than one without a worker.
            error!("failed to answer a customer: {problem}");
        }
        match &self.then {
            Then::Default => Ok(None),
            Then::Worker(worker) => Ok(Some(Assignment::worker(worker))),
            Then::Wait => Err(Error::unavailable(format!("{reason}: waiting"))),
        }
    }
}

/// Posts the message, unless this conversation got one in this period: routing may be repeated.
fn answer_once(key: &str, conversation: &str, answer: &str, period: Duration) -> Result<()> {
    if state::swap(key, None, "1", period)? {
        actions::post_message(conversation, NewMessage::text(answer))?;
    }
    Ok(())
}
