//! One question by hand.

use std::sync::Arc;

use anyhow::Context as _;
use frontgate_runtime::CallRecord;
use frontgate_telemetry::capture::Line;
use serde::Serialize;
use serde_json::Value;

use super::around::TestDirectory;
use super::bench::{Bench, Setting};
use super::question::Question;
use super::suite::no_answer;

/// A question, and everything that came of it.
#[derive(Debug, Serialize)]
pub struct Asked {
    /// `{"ok": ...}` or `{"error": ...}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// What the plugin wrote, and what the gateway warned of.
    pub log: Vec<Line>,
    /// What the call cost.
    pub receipt: Option<CallRecord>,
}

/// Asks a plugin one thing; `directory` knows these customers.
pub async fn ask(bench: &Bench, function: &str, with: &Value, customers: Option<Value>) -> anyhow::Result<Asked> {
    let question = Question::read(bench, function, with)?;
    let customers = customers.map(serde_json::from_value).transpose().context("these are no customers")?;
    let setting = Setting { directory: Arc::new(TestDirectory::new(customers)), ..Setting::of("call") };
    let run = question.ask(bench, &setting).await;
    let (answer, ended) = match run.result {
        Ok(answer) => (Some(answer), None),
        Err(error) => (None, Some(no_answer(function, &error))),
    };
    Ok(Asked { answer, ended, log: run.lines, receipt: run.told })
}
