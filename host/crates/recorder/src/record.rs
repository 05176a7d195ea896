//! One recorded request: facts of its handling, and a sample of its content.
//!
//! Records are made on the path of a callback, so they share texts with the gateway and hold no words that a reader could
//! make.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::keep::KeepReason;

/// One recorded request. Never changes, except that its content is dropped with age.
#[derive(Debug, Clone)]
pub struct Record {
    /// Position among all requests of this gateway, in the order in which they ended. Increases over restarts.
    pub sequence: u64,
    /// Reason for which the record is kept for longer; `None` for a recent record only.
    pub kept: Option<KeepReason>,
    /// Facts of the request.
    pub facts: Facts,
    /// Bodies, headers and lines; `None` if they were not captured, or are too old.
    pub content: Option<Box<Content>>,
    /// Memory that the record uses, in bytes.
    pub(crate) bytes: usize,
}

/// Facts of one request. Contain no personal data, except in `detail`.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Id of the request, as in the log and in the response's `x-request-id`.
    pub id: Arc<str>,
    /// Unix time in milliseconds at which the header had arrived.
    pub at_ms: u64,
    /// Name of the tenant; `None` if the path matched no route.
    pub tenant: Option<Arc<str>>,
    /// Name of the callback, such as `crm` or `front`; `-` if the path matched no route.
    pub callback: &'static str,
    /// Type of a webhook or of a request from Front, such as `onMessageAdded`.
    pub event: Option<Box<str>>,
    /// HTTP method; `other` for unusual ones.
    pub method: &'static str,
    /// Path, without the query. The key of a channel is replaced by `-`, because it must remain secret.
    pub path: Box<str>,
    /// Duration of the parts of the request.
    pub stages: Stages,
    /// Duration from the header's arrival until the response, in microseconds.
    pub took_us: u64,
    /// Time limit of the request in microseconds; `None` if the path matched no route.
    pub deadline_us: Option<u64>,
    /// How the request ended.
    pub outcome: Outcome,
    /// HTTP status of the response; `None` if the caller disconnected before it.
    pub status: Option<u16>,
    /// `ok`, the stable code of the error, or `caller-gone`.
    pub code: &'static str,
    /// Text of the error for operators, as in the log.
    pub detail: Option<Box<str>>,
    /// Result of the signature check.
    pub signature: SignatureResult,
    /// Whether the signature was verified, or a plugin accepted the request.
    pub is_accepted: bool,
    /// Name of the plugin that answered.
    pub plugin: Option<Arc<str>>,
    /// Name of the index, if it answered instead of a plugin.
    pub index: Option<&'static str>,
    /// Calls of plugins, in the order in which they ended.
    pub calls: Vec<PluginCall>,
    /// Id of the conversation or call that the request is about.
    pub conversation: Option<Box<str>>,
    /// Front's id of the channel.
    pub channel: Option<Box<str>>,
    /// Ids of the deliveries that were stored.
    pub deliveries: Vec<i64>,
    /// Size of the request's body.
    pub bytes_in: u64,
    /// Size of the response's body.
    pub bytes_out: u64,
    /// Whether the simulator of the console sent the request.
    pub is_simulated: bool,
}

/// Durations of the parts of a request, in microseconds. Together they are `took_us`; a part that was not reached is 0.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Stages {
    /// Finding the route and reading the body.
    pub body_us: u64,
    /// Checking the signature.
    pub verify_us: u64,
    /// Decoding the request and calling plugins, with the wait for admission.
    pub calls_us: u64,
    /// Reading and writing the database.
    pub store_us: u64,
    /// Encoding the response, and all other work after the last call.
    pub encode_us: u64,
}

/// End of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Answered without an error.
    Answered,
    /// Answered with an error's status.
    Refused,
    /// Answered 200 despite an error, because the platform must not be blocked.
    LetThrough,
    /// The caller disconnected before the response.
    CallerGone,
}

/// Result of a signature check.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum SignatureResult {
    /// The request was not checked, or a plugin checks it.
    #[default]
    Unchecked,
    /// A key matched.
    Matched {
        /// Label of the key, such as `auth_tokens[0]`.
        key: Box<str>,
        /// URL that was signed, without its query; `None` for Front, which signs no URL.
        url: Option<Box<str>>,
    },
    /// No key matched.
    Refused {
        /// Explanation for operators, with the correction if one is known.
        explanation: Box<str>,
    },
}

/// One call of a plugin that has ended.
#[derive(Debug, Clone)]
pub struct PluginCall {
    /// Name of the plugin.
    pub plugin: Arc<str>,
    /// Role and function, such as `crm.list-customers`.
    pub function: Cow<'static, str>,
    /// `answered`, or the code of the error.
    pub outcome: &'static str,
    /// The limit that ended the call.
    pub limit: Option<&'static str>,
    /// SHA-256 digest of the plugin's file.
    pub digest: [u8; 32],
    /// Time until admission, in microseconds.
    pub queue_us: u64,
    /// Resources that it used; `None` if it was not admitted.
    pub cost: Option<CallCost>,
}

/// Resources that a call used. The journal stores them, without the hosts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallCost {
    /// Whether the call reused an instance.
    pub is_reused: bool,
    /// Time until the instance was ready, in microseconds.
    pub start_us: u64,
    /// Wall time in microseconds, including the start.
    pub run_us: u64,
    /// Processor time in microseconds.
    pub cpu_us: u64,
    /// Peak size of all linear memories together, in bytes.
    pub memory_bytes: usize,
    /// HTTP requests, including rejected ones.
    pub requests: u32,
    /// Hosts of these requests. Not stored.
    #[serde(skip)]
    pub hosts: Vec<String>,
    /// Bytes sent to and received from these hosts.
    pub bytes_exchanged: (u64, u64),
}

/// Result of a call, for counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallResult {
    /// The plugin answered.
    Answered,
    /// The plugin refused, such as with `not-found`.
    Refused,
    /// The call failed.
    Failed,
}

/// Personal data of one request: bodies, chosen headers, and lines that plugins logged.
#[derive(Debug, Default, Clone)]
pub struct Content {
    /// Bytes of request and response, if they were within the budget.
    pub capture: Option<Capture>,
    /// Lines of plugins, also those below the level of the log. Recorded with a capture, and for records that are kept.
    pub lines: Vec<Line>,
    /// Lines that were not recorded, because there were too many.
    pub lines_dropped: u32,
}

/// Bytes of one request and of its response.
#[derive(Debug, Default, Clone)]
pub struct Capture {
    /// Chosen headers as `name: value` lines. Never authorization, cookies or signatures.
    pub headers: Box<str>,
    /// Start of the request's body, up to `capture_bytes_max`.
    pub request: Box<[u8]>,
    /// Start of the response's body, up to `capture_bytes_max`.
    pub response: Bytes,
}

/// One line that a plugin logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Name of the plugin.
    pub plugin: Arc<str>,
    /// Level of the line.
    pub level: Level,
    /// Text, without characters that could forge another line.
    pub text: Box<str>,
}

/// Level of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// An error.
    Error,
    /// A warning.
    Warn,
    /// Information.
    Info,
    /// Details for debugging.
    Debug,
    /// More details.
    Trace,
}

/// Outcome of a call that the plugin answered.
const ANSWERED: &str = "answered";
/// Outcomes with which a plugin refuses.
const REFUSALS: [&str; 3] = ["not-found", "forbidden", "invalid"];

impl Facts {
    /// Returns whether the request took over half of its deadline.
    pub fn is_slow(&self) -> bool {
        self.deadline_us.is_some_and(|deadline| self.took_us > deadline / 2)
    }

    /// Returns whether the gateway or a plugin failed, as opposed to a refusal.
    pub fn is_failed(&self) -> bool {
        match self.outcome {
            Outcome::Answered => false,
            Outcome::Refused => self.status.is_some_and(|status| status >= 500),
            Outcome::LetThrough | Outcome::CallerGone => true,
        }
    }

    fn heap_bytes(&self) -> usize {
        let length = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len());
        let signature = match &self.signature {
            SignatureResult::Unchecked => 0,
            SignatureResult::Matched { key, url } => key.len() + length(url),
            SignatureResult::Refused { explanation } => explanation.len(),
        };
        self.id.len()
            + self.path.len()
            + length(&self.event)
            + length(&self.detail)
            + length(&self.conversation)
            + length(&self.channel)
            + signature
            + self.calls.capacity() * size_of::<PluginCall>()
            + self.calls.iter().map(PluginCall::heap_bytes).sum::<usize>()
            + self.deliveries.capacity() * size_of::<i64>()
    }
}

impl PluginCall {
    /// Returns the result of the call.
    pub fn result(&self) -> CallResult {
        match self.outcome {
            ANSWERED => CallResult::Answered,
            outcome if REFUSALS.contains(&outcome) => CallResult::Refused,
            _ => CallResult::Failed,
        }
    }

    /// Returns the duration of the call, with the wait for admission.
    pub fn took_us(&self) -> u64 {
        self.queue_us + self.cost.as_ref().map_or(0, |cost| cost.run_us)
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let hosts = self.cost.iter().flat_map(|cost| &cost.hosts);
        hosts.map(|host| size_of::<String>() + host.len()).sum()
    }
}

impl Content {
    pub(crate) fn is_empty(&self) -> bool {
        self.capture.is_none() && self.lines.is_empty() && self.lines_dropped == 0
    }

    fn heap_bytes(&self) -> usize {
        let capture = self.capture.as_ref();
        let captured = capture.map_or(0, |capture| {
            capture.headers.len() + capture.request.len() + capture.response.len() + ALLOCATION_BYTES
        });
        let lines: usize = self.lines.iter().map(|line| line.text.len() + ALLOCATION_BYTES).sum();
        size_of::<Self>() + captured + self.lines.capacity() * size_of::<Line>() + lines
    }
}

/// Estimate of the memory that small allocations of one record waste.
const ALLOCATION_BYTES: usize = 64;

impl Record {
    /// Returns a record of an earlier start, without content.
    pub fn restored(sequence: u64, facts: Facts) -> Self {
        let kept = KeepReason::of(&facts).unwrap_or(KeepReason::Sample);
        Self { sequence, ..Self::new(facts, Content::default(), Some(kept)) }
    }

    pub(crate) fn new(facts: Facts, content: Content, kept: Option<KeepReason>) -> Self {
        let content = (!content.is_empty()).then(|| Box::new(content));
        let mut record = Self { sequence: 0, kept, facts, content, bytes: 0 };
        record.bytes = record.measured();
        record
    }

    /// Drops the content, and returns the bytes that this frees.
    pub(crate) fn drop_content(&mut self) -> usize {
        let before = self.bytes;
        self.content = None;
        self.bytes = self.measured();
        before - self.bytes
    }

    fn measured(&self) -> usize {
        let content = self.content.as_ref().map_or(0, |content| content.heap_bytes());
        size_of::<Self>() + ALLOCATION_BYTES + self.facts.heap_bytes() + content
    }
}
