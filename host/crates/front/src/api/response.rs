//! Reads the outcome of a call from Front's response.

use serde_json::Value;

use crate::time;

/// Longest wait that Front can demand. Front's limits are per minute and per second; a longer wait is an error, or
/// milliseconds in place of seconds.
pub(crate) const RETRY_AFTER_MS_MAX: u64 = 60_000;

/// Maximum characters of Front's own error text.
const DETAIL_CHARS_MAX: usize = 300;

/// A response of Front.
#[derive(Clone, Copy)]
pub struct Response<'r> {
    /// HTTP status.
    pub status: u16,
    /// Looks up a header by its lower-case name.
    pub header: &'r dyn Fn(&str) -> Option<&'r str>,
    /// The body, if all of it arrived.
    pub body: Option<&'r [u8]>,
}

/// The outcome of a call to Front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The call is done, or accepted for processing.
    Accepted {
        /// The id under which `message_imported` will confirm an imported message.
        message_uid: Option<String>,
    },
    /// The call had no effect, and can be retried.
    Again {
        /// Wait that Front demands; at most [`RETRY_AFTER_MS_MAX`].
        after_ms: Option<u64>,
        /// The calls that must wait.
        scope: Scope,
        /// Description for the operator.
        reason: String,
    },
    /// The token is rejected: the app, its secret, or the gateway's clock is wrong. The call can be retried when this
    /// is corrected.
    Token(String),
    /// The object does not exist; a message that was just imported may appear later.
    NotFound(String),
    /// A retry cannot succeed.
    Refused(String),
    /// The call may have had its effect.
    Unclear(String),
}

/// The calls that a rate limit covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Calls of one channel: five per second.
    Channel,
    /// All calls of the company.
    Company,
}

/// The company's rate limit, which every response reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budget {
    /// Maximum calls per minute.
    pub limit: Option<u32>,
    /// Remaining calls.
    pub remaining: Option<u32>,
    /// Time of the reset, in milliseconds since 1970.
    pub reset_ms: Option<u64>,
}

impl Response<'_> {
    /// Returns the outcome of the call, described for operators. The description never quotes Front, whose text may
    /// name people; see [`Self::detail`].
    pub fn fate(&self, now_ms: u64) -> Fate {
        let said = |meaning: &str| format!("Front answered {}: {meaning}", self.status);
        let again = |scope, meaning| Fate::Again { after_ms: self.after_ms(now_ms), scope, reason: said(meaning) };
        match self.status {
            202 | 204 => Fate::Accepted { message_uid: self.message_uid() },
            // Another response may come from a proxy in front of Front.
            200..=299 if self.json().is_some_and(|json| json.is_object()) => {
                Fate::Accepted { message_uid: self.message_uid() }
            }
            200..=299 => Fate::Unclear(said("the response is invalid")),
            300..=399 => again(Scope::Company, "redirected; see api_url"),
            401 | 403 => Fate::Token(said("token rejected; check app_uid, app_secrets and the gateway's clock")),
            404 => Fate::NotFound(said("no such channel, conversation or message")),
            413 => Fate::Refused(said("the message with its files is too large")),
            429 if self.is_burst() => again(Scope::Channel, "too many calls of this channel at once"),
            429 => again(Scope::Company, "too many calls of the company in this minute"),
            503 if self.retry_after_ms().is_some() => again(Scope::Company, "Front is not available"),
            408 | 500.. => Fate::Unclear(said("Front failed")),
            _ => Fate::Refused(said("the call is rejected")),
        }
    }

    /// Returns Front's own error text in one line. The text may name people: do not log it at the default level.
    pub fn detail(&self) -> Option<String> {
        let error = self.json()?.get("_error")?.clone();
        let text = |name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
        let details = error.get("details").and_then(Value::as_array).into_iter().flatten();
        let details = details.filter_map(Value::as_str).map(str::to_owned);
        let all: Vec<String> = text("title").into_iter().chain(text("message")).chain(details).collect();
        let line = all.join(": ").replace(char::is_control, " ");
        (!line.trim().is_empty()).then(|| line.chars().take(DETAIL_CHARS_MAX).collect())
    }

    /// Returns the company's rate limit.
    pub fn budget(&self) -> Budget {
        let count = |name| self.number(name).map(|count| count as u32);
        Budget {
            limit: count("x-ratelimit-limit"),
            remaining: count("x-ratelimit-remaining"),
            reset_ms: self.number("x-ratelimit-reset").map(|at| time::unix_ms(at as u64)),
        }
    }

    /// Returns whether the limit of one channel was reached, judging by a header or by the error text.
    fn is_burst(&self) -> bool {
        (self.header)("x-front-tier").is_some() || self.retry_in_ms().is_some()
    }

    /// Returns the longest wait that Front demands. For a 429 without a wait, returns the time until the reset.
    fn after_ms(&self, now_ms: u64) -> Option<u64> {
        let reset_ms = || self.budget().reset_ms.map(|at| at.saturating_sub(now_ms));
        let said = self.retry_after_ms().max(self.retry_in_ms());
        said.or_else(|| (self.status == 429).then(reset_ms).flatten()).map(|after| after.min(RETRY_AFTER_MS_MAX))
    }

    fn retry_after_ms(&self) -> Option<u64> {
        self.number("retry-after").map(|seconds| (seconds * 1_000.0).ceil() as u64)
    }

    /// Returns the wait in an error text such as `... retry in 430 milliseconds`.
    fn retry_in_ms(&self) -> Option<u64> {
        let json = self.json()?;
        let message = json.pointer("/_error/message")?.as_str()?.to_ascii_lowercase();
        let (_, rest) = message.split_once("retry in ")?;
        let (digits, unit) = rest.split_at(rest.find(|letter: char| !letter.is_ascii_digit())?);
        unit.trim_start().starts_with("millisecond").then(|| digits.parse().ok()).flatten()
    }

    fn message_uid(&self) -> Option<String> {
        self.json()?.get("message_uid")?.as_str().filter(|uid| !uid.is_empty()).map(str::to_owned)
    }

    /// Returns a header's number. A negative number is rejected, so that a cast to an integer only rounds or saturates.
    fn number(&self, header: &str) -> Option<f64> {
        let number: f64 = (self.header)(header)?.trim().parse().ok()?;
        (number.is_finite() && number >= 0.0).then_some(number)
    }

    fn json(&self) -> Option<Value> {
        serde_json::from_slice(self.body?).ok()
    }
}
