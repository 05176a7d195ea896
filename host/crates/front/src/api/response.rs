//! What became of a call, read off Front's answer.

use serde_json::Value;

use crate::time;

/// How long Front can make us wait. Its limits are per minute and per second; what is longer is a
/// mistake, or milliseconds where seconds are promised.
pub const RETRY_AFTER_MS_MAX: u64 = 60_000;

/// Characters that are kept of Front's own words.
const DETAIL_CHARS_MAX: usize = 300;

/// An answer of Front.
#[derive(Clone, Copy)]
pub struct Response<'r> {
    /// Of HTTP.
    pub status: u16,
    /// The value of a header, by its name in small letters.
    pub header: &'r dyn Fn(&str) -> Option<&'r str>,
    /// The body, if it arrived whole.
    pub body: Option<&'r [u8]>,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is done, or is taken on.
    Accepted {
        /// What `message_imported` will call a message that was told of.
        message_uid: Option<String>,
    },
    /// It had no effect, and can be made again.
    Again {
        /// Not before, if Front says so; at most [`RETRY_AFTER_MS_MAX`].
        after_ms: Option<u64>,
        /// Who should wait.
        scope: Scope,
        /// For the operator.
        reason: String,
    },
    /// The token is not accepted: the app, its secret, or this clock is wrong. The operator can mend
    /// each, and then nothing is lost.
    Token(String),
    /// What the path names is not there, or, of a message that was told of just now, not yet.
    NotFound(String),
    /// Trying again is of no use.
    Refused(String),
    /// It may have had its effect.
    Unclear(String),
}

/// Whose calls wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those of one channel: five calls a second is what it may make.
    Channel,
    /// Those of the whole company at Front.
    Company,
}

/// How much the company may still ask, as every answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budget {
    /// Calls in a minute.
    pub limit: Option<u32>,
    /// Calls that are left of them.
    pub remaining: Option<u32>,
    /// When there are all again, in milliseconds since 1970.
    pub reset_ms: Option<u64>,
}

impl Response<'_> {
    /// What became of the call. In words that an operator can act on, and never in Front's own, which
    /// may name people; see [`Self::detail`].
    pub fn fate(&self, now_ms: u64) -> Fate {
        let said = |meaning: &str| format!("Front answered {}: {meaning}", self.status);
        let again = |scope, meaning| Fate::Again { after_ms: self.after_ms(now_ms), scope, reason: said(meaning) };
        match self.status {
            202 | 204 => Fate::Accepted { message_uid: self.message_uid() },
            // Whoever answers otherwise may not be Front, but what stands at its address.
            200..=299 if self.json().is_some_and(|json| json.is_object()) => {
                Fate::Accepted { message_uid: self.message_uid() }
            }
            200..=299 => Fate::Unclear(said("it could not be read")),
            300..=399 => again(Scope::Company, "it is somewhere else; see the address of Front's API"),
            401 | 403 => Fate::Token(said("the token is not accepted; see the app's UID, its secret, and this clock")),
            404 => Fate::NotFound(said("there is no such channel, conversation or message")),
            413 => Fate::Refused(said("the message with its files is larger than Front takes")),
            429 if self.is_burst() => again(Scope::Channel, "too many calls of this channel at once"),
            429 => again(Scope::Company, "too many calls of the company in this minute"),
            503 if self.retry_after_ms().is_some() => again(Scope::Company, "Front is not available"),
            408 | 500.. => Fate::Unclear(said("Front failed")),
            _ => Fate::Refused(said("Front does not take this call")),
        }
    }

    /// What Front itself says of an error, in one line. It may name people: not for the log.
    pub fn detail(&self) -> Option<String> {
        let error = self.json()?.get("_error")?.clone();
        let text = |name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
        let details = error.get("details").and_then(Value::as_array).into_iter().flatten();
        let details = details.filter_map(Value::as_str).map(str::to_owned);
        let all: Vec<String> = text("title").into_iter().chain(text("message")).chain(details).collect();
        let line = all.join(": ").replace(char::is_control, " ");
        (!line.trim().is_empty()).then(|| line.chars().take(DETAIL_CHARS_MAX).collect())
    }

    /// How much may still be asked.
    pub fn budget(&self) -> Budget {
        let count = |name| self.number(name).map(|count| count as u32);
        Budget {
            limit: count("x-ratelimit-limit"),
            remaining: count("x-ratelimit-remaining"),
            reset_ms: self.number("x-ratelimit-reset").map(|at| time::unix_ms(at as u64)),
        }
    }

    /// The header with that limit's tier, or the text that only that limit has.
    fn is_burst(&self) -> bool {
        (self.header)("x-front-tier").is_some() || self.milliseconds_said().is_some()
    }

    /// The longest that Front says in any way; without a word, until the minute's calls are there again.
    fn after_ms(&self, now_ms: u64) -> Option<u64> {
        let reset_ms = || self.budget().reset_ms.map(|at| at.saturating_sub(now_ms));
        let said = self.retry_after_ms().max(self.milliseconds_said());
        said.or_else(|| (self.status == 429).then(reset_ms).flatten()).map(|after| after.min(RETRY_AFTER_MS_MAX))
    }

    fn retry_after_ms(&self) -> Option<u64> {
        self.number("retry-after").map(|seconds| (seconds * 1_000.0).ceil() as u64)
    }

    /// `... retry in 430 milliseconds`.
    fn milliseconds_said(&self) -> Option<u64> {
        let json = self.json()?;
        let message = json.pointer("/_error/message")?.as_str()?.to_ascii_lowercase();
        let (_, rest) = message.split_once("retry in ")?;
        let (digits, unit) = rest.split_at(rest.find(|letter: char| !letter.is_ascii_digit())?);
        unit.trim_start().starts_with("millisecond").then(|| digits.parse().ok()).flatten()
    }

    fn message_uid(&self) -> Option<String> {
        self.json()?.get("message_uid")?.as_str().filter(|uid| !uid.is_empty()).map(str::to_owned)
    }

    /// Not negative, so that a cast to an integer only rounds or saturates.
    fn number(&self, header: &str) -> Option<f64> {
        let number: f64 = (self.header)(header)?.trim().parse().ok()?;
        (number.is_finite() && number >= 0.0).then_some(number)
    }

    fn json(&self) -> Option<Value> {
        serde_json::from_slice(self.body?).ok()
    }
}
