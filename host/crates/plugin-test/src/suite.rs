//! All that is checked of a plugin: the author's cases, and what the contract expects.

use std::time::{Duration, Instant};

use frontgate_runtime::{CallError, CallRecord};
use frontgate_telemetry::capture::Line;
use serde::Serialize;
use serde_json::Value;

use super::bench::Bench;
use super::{cases, conformance};

/// What is checked.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Only the case of this name.
    pub case: Option<String>,
    /// Whether what the contract expects is left out.
    pub no_conformance: bool,
}

/// What came of one check.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// `cases`, or the role whose contract it is.
    pub group: String,
    /// A sentence.
    pub name: String,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How long it took.
    #[serde(rename = "took_ms", serialize_with = "millis")]
    pub took: Duration,
    /// What a case was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// What was logged meanwhile.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<Line>,
    /// What the calls cost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<CallRecord>,
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome", content = "why")]
pub enum Outcome {
    /// As it should.
    Passed,
    /// Not as it should, in these ways.
    Failed(Vec<String>),
    /// It says nothing about this plugin.
    Skipped(String),
}

/// Checks a plugin.
pub async fn check(bench: &Bench, choice: &Choice) -> anyhow::Result<Vec<Checked>> {
    let mut all = cases::check(bench, choice.case.as_deref()).await?;
    if choice.case.is_none() && !choice.no_conformance {
        all.extend(conformance::check(bench).await);
    }
    Ok(all)
}

/// Collects what one check leaves behind.
pub(super) struct Record {
    began: Instant,
    pub(super) answer: Option<Value>,
    pub(super) log: Vec<Line>,
    pub(super) receipts: Vec<CallRecord>,
}

impl Record {
    pub(super) fn begin() -> Self {
        Self { began: Instant::now(), answer: None, log: Vec::new(), receipts: Vec::new() }
    }

    pub(super) fn end(self, group: &str, name: &str, outcome: Outcome) -> Checked {
        let Self { began, answer, log, receipts } = self;
        Checked {
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

/// What an author can do about a call that ended without an answer.
pub(super) fn no_answer(function: &str, error: &CallError) -> String {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    let remedy = match error {
        CallError::OutOfTime("cpu_time_ms") => {
            "; it computed for longer than it may: do less in one call, or ask the operator for more `cpu_time_ms`"
        }
        CallError::OutOfTime(_) => {
            "; answer sooner: give requests a deadline of their own, and say `unavailable` when it has passed"
        }
        CallError::Trap { limit: Some("answer_bytes_max"), .. } => {
            "; the answer, or what was handed to the gateway, is too large: keep to `page-size`, and leave out what nobody reads"
        }
        CallError::Trap { limit: Some("memory_bytes_max"), .. } => "; it took more memory than it may",
        CallError::Trap { .. } => "; catch what can go wrong, and answer one of the contract's errors",
        _ => "",
    };
    format!("{function} gave no answer: {error}{detail}{remedy}")
}

fn millis<S: serde::Serializer>(time: &Duration, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
