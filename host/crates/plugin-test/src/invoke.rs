//! Makes a single call, for `frontgate plugin call`.

use std::sync::Arc;

use anyhow::Context as _;
use frontgate_runtime::CallRecord;
use frontgate_telemetry::capture::Line;
use serde::Serialize;
use serde_json::Value;

use super::check_result::describe_failure;
use super::fixtures::{Fixtures, TestDirectory};
use super::harness::Harness;
use super::invocation::Invocation;

/// The outcome of a call, its log and its cost.
#[derive(Debug, Serialize)]
pub struct CallReport {
    /// `{"ok": ...}` or `{"error": ...}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// Why the call returned no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// Actions on conversations that a gateway would make.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Value>,
    /// Log lines of the plugin, and warnings of the gateway.
    pub log: Vec<Line>,
    /// The cost of the call.
    pub receipt: Option<CallRecord>,
}

/// Calls a function of the contract with JSON arguments. The import `directory` returns `customers`.
pub async fn invoke(
    harness: &Harness,
    function: &str,
    with: &Value,
    customers: Option<Value>,
) -> anyhow::Result<CallReport> {
    let invocation = Invocation::read(harness, function, with)?;
    let customers = customers.map(serde_json::from_value).transpose().context("invalid --customers")?;
    let fixtures = Fixtures { directory: Arc::new(TestDirectory::new(customers)), ..Fixtures::of("call") };
    let record = invocation.run(harness, &fixtures).await;
    let (answer, ended) = match record.result {
        Ok(answer) => (Some(answer), None),
        Err(error) => (None, Some(describe_failure(function, &error))),
    };
    Ok(CallReport { answer, ended, actions: record.actions, log: record.log, receipt: record.receipt })
}
