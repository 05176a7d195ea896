//! The result of one check, and the recorder that collects it.

use std::time::{Duration, Instant};

use frontgate_runtime::{CallError, CallRecord};
use frontgate_telemetry::capture::Line;
use serde::Serialize;
use serde_json::Value;

/// The result of one check.
#[derive(Debug, Serialize)]
pub struct CheckResult {
    /// `cases`, or the role whose contract is checked.
    pub group: String,
    /// A sentence that is true if the check passed.
    pub name: String,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How long it took.
    #[serde(rename = "took_ms", serialize_with = "millis")]
    pub took: Duration,
    /// The answer to a case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// Log lines of the check's calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<Line>,
    /// The cost of the check's calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<CallRecord>,
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome", content = "why")]
pub enum Outcome {
    /// The plugin behaves as expected.
    Passed,
    /// The differences to what was expected.
    Failed(Vec<String>),
    /// Why the check does not apply to this plugin.
    Skipped(String),
}

/// A recorder of the answer, log and receipts of one check.
pub(super) struct Recorder {
    began: Instant,
    pub(super) answer: Option<Value>,
    pub(super) log: Vec<Line>,
    pub(super) receipts: Vec<CallRecord>,
}

impl Recorder {
    pub(super) fn begin() -> Self {
        Self { began: Instant::now(), answer: None, log: Vec::new(), receipts: Vec::new() }
    }

    pub(super) fn end(self, group: &str, name: &str, outcome: Outcome) -> CheckResult {
        let Self { began, answer, log, receipts } = self;
        CheckResult {
            group: group.to_owned(),
            name: name.to_owned(),
            outcome,
            took: began.elapsed(),
            answer,
            log,
            receipts,
        }
    }
}

/// Describes why a call returned no answer, and how the author can fix the plugin.
pub(super) fn describe_failure(function: &str, error: &CallError) -> String {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    let remedy = match error {
        CallError::OutOfTime("cpu_time_ms") => {
            "; CPU time limit exceeded: do less in one call, or ask the operator for more `cpu_time_ms`"
        }
        CallError::OutOfTime(_) => {
            "; answer sooner: set a deadline on requests, and return `unavailable` when it passes"
        }
        CallError::Trap { limit: Some("answer_bytes_max"), .. } => {
            "; answer or arguments of an import too large: keep to `page-size` or `limit`, and leave out fields that are not shown"
        }
        CallError::Trap { limit: Some("memory_bytes_max"), .. } => "; memory limit exceeded",
        CallError::Trap { .. } => "; handle the failure, and return one of the contract's errors",
        _ => "",
    };
    format!("{function} returned no answer: {error}{detail}{remedy}")
}

fn millis<S: serde::Serializer>(time: &Duration, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
