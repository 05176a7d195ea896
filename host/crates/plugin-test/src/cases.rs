//! The author's cases: files in the folder `cases/` of the project, each with a call and the expected answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::body_text::replaced;
use super::check_result::{CheckResult, Outcome, Recorder, describe_failure};
use super::difference::{Extent, differences};
use super::fixtures::{Customer, FixtureFiles, Fixtures, InstanceKind, TestDirectory};
use super::harness::{CallOutcome, Harness};
use super::invocation::Invocation;
use super::mock_server::{Behavior, Exchange, Observed};

const FOLDER: &str = "cases";
/// Maximum size of one case file, in bytes.
const BYTES_MAX: u64 = 16 << 20;
/// The function that receives a provider's requests.
pub(super) const RECEIVE: &str = "channel.receive";
/// The name of this group of checks in reports.
pub(super) const GROUP: &str = "cases";

/// The contents of one file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Case {
    /// A sentence, for reports.
    name: Option<String>,
    /// The function, such as `crm.list-customers`.
    call: String,
    /// Its arguments.
    #[serde(default)]
    with: Value,
    /// The requests that the plugin should send, with their responses.
    #[serde(default)]
    http: Vec<Exchange>,
    /// The customers of the import `directory`.
    #[serde(default)]
    customers: Option<Vec<Customer>>,
    /// The plugin's state before the call.
    #[serde(default)]
    state: BTreeMap<String, Value>,
    /// The files of the message, by id.
    #[serde(default)]
    files: BTreeMap<String, Value>,
    /// The expected actions on conversations, in order.
    actions: Option<Vec<Value>>,
    /// The whole expected answer.
    answer: Option<Value>,
    /// Some fields of the expected answer.
    answer_includes: Option<Value>,
}

/// Runs all cases, or only the case with this file name (without `.json`).
pub async fn check(harness: &Harness, only: Option<&str>) -> anyhow::Result<Vec<CheckResult>> {
    let (folder, mut files) = files(harness)?;
    if let Some(only) = only {
        files.retain(|path| stem(path) == only);
        ensure!(!files.is_empty(), "case not found: {}", folder.join(format!("{only}.json")).display());
    }
    let mut all = Vec::new();
    for file in files {
        all.push(run(harness, &file).await);
    }
    Ok(all)
}

/// Returns the folder of the cases and its files, sorted.
fn files(harness: &Harness) -> anyhow::Result<(PathBuf, Vec<PathBuf>)> {
    let folder = harness.project.folder.join(FOLDER);
    let mut files: Vec<_> = match std::fs::read_dir(&folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).with_context(|| format!("failed to read {}", folder.display())),
    };
    files.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    Ok((folder, files))
}

/// A case of `channel.receive` that reports a message in plain text.
pub(super) struct InboundCase {
    /// The name of the case.
    pub(super) case: String,
    /// The text of the message.
    pub(super) text: String,
    /// The expected requests of the plugin.
    pub(super) http: Vec<Exchange>,
    with: Value,
}

impl InboundCase {
    /// Returns the arguments with another text in the request, or `None` if the request lacks the case's text.
    pub(super) fn with_text(&self, text: &str) -> Option<Value> {
        let mut with = self.with.clone();
        let body = with.pointer_mut("/request/body")?;
        *body = replaced(body.as_str()?, &self.text, text)?.into();
        Some(with)
    }
}

/// Returns all cases of `channel.receive` that report a message in plain text.
pub(super) fn inbound_cases(harness: &Harness) -> anyhow::Result<Vec<InboundCase>> {
    let mut found = Vec::new();
    for file in files(harness)?.1 {
        let case = read(&file)?;
        let answer = case.answer.as_ref().or(case.answer_includes.as_ref()).filter(|_| case.call == RECEIVE);
        let texts = answer.into_iter().flat_map(bodies).filter_map(|body| body.get("plain")?.as_str());
        if let Some(text) = texts.map(str::to_owned).next() {
            found.push(InboundCase { case: stem(&file), text, http: case.http, with: case.with });
        }
    }
    Ok(found)
}

/// Returns the bodies of the messages in an answer of `channel.receive`.
pub(super) fn bodies(answer: &Value) -> impl Iterator<Item = &Value> {
    let events = answer.pointer("/ok/events").and_then(Value::as_array).into_iter().flatten();
    events.filter_map(|event| event.pointer("/inbound/body").or_else(|| event.pointer("/outbound/body")))
}

async fn run(harness: &Harness, file: &Path) -> CheckResult {
    let (mut record, stem) = (Recorder::begin(), stem(file));
    let (name, outcome) = match read(file) {
        Ok(case) => {
            let name = case.name.as_ref().map_or_else(|| stem.clone(), |name| format!("{stem}: {name}"));
            let outcome = case.check(harness, &stem, &mut record).await;
            (name, outcome.unwrap_or_else(|error| Outcome::Failed(vec![format!("{error:#}")])))
        }
        Err(error) => (stem, Outcome::Failed(vec![format!("{}: {error:#}", file.display())])),
    };
    record.end(GROUP, &name, outcome)
}

/// Returns all cases with their names.
pub(super) fn all(harness: &Harness) -> anyhow::Result<Vec<(String, Case)>> {
    files(harness)?.1.iter().map(|file| Ok((stem(file), read(file)?))).collect()
}

fn read(file: &Path) -> anyhow::Result<Case> {
    ensure!(file.metadata()?.len() <= BYTES_MAX, "file too large: the limit is {BYTES_MAX} bytes");
    let case: Case = serde_json::from_slice(&std::fs::read(file)?).context("invalid case")?;
    if case.answer.is_some() == case.answer_includes.is_some() {
        bail!("invalid case: set either `answer` or `answer-includes`");
    }
    Ok(case)
}

/// What one call of a case did.
pub(super) struct Run {
    pub(super) call: CallOutcome<Value>,
    pub(super) observed: Observed,
}

impl Case {
    /// Returns the role that the case calls.
    pub(super) fn role(&self) -> &str {
        self.call.split('.').next().unwrap_or_default()
    }

    /// Makes the call, with the case's customers, state, files and responses.
    pub(super) async fn run(
        &self,
        harness: &Harness,
        tenant: &Arc<str>,
        instances: InstanceKind,
    ) -> anyhow::Result<Run> {
        let invocation = Invocation::read(harness, &self.call, &self.with)?;
        harness.set_state(tenant, &self.state).await?;
        let fixtures = Fixtures {
            tenant: Arc::clone(tenant),
            directory: Arc::new(TestDirectory::new(self.customers.clone())),
            files: Some(Arc::new(FixtureFiles::read(&self.files)?)),
            instances,
        };
        let server = harness.mock_server.as_ref().context("cases need the mock server")?;
        server.set_behavior(Behavior::Expect(self.http.clone().into()));
        let call = invocation.run(harness, &fixtures).await;
        Ok(Run { call, observed: server.take_observed() })
    }

    async fn check(self, harness: &Harness, stem: &str, record: &mut Recorder) -> anyhow::Result<Outcome> {
        let invocation = Invocation::read(harness, &self.call, &self.with)?;
        let Run { call, observed } = self.run(harness, &format!("{GROUP}/{stem}").into(), InstanceKind::Fresh).await?;
        let (expected, extent) = match (&self.answer, self.answer_includes) {
            (Some(answer), _) => (invocation.canonical(answer)?, Extent::Whole),
            (None, included) => (included.unwrap_or_default(), Extent::Named),
        };
        record.log.extend(call.log);
        record.receipts.extend(call.receipt);
        let mut problems = observed.problems;
        if let Some(actions) = self.actions {
            problems.extend(differences(&Value::Array(actions), &Value::Array(call.actions), Extent::Whole));
        }
        match call.result {
            Ok(found) => {
                problems.extend(compare(&expected, &found, extent));
                record.answer = Some(found);
            }
            Err(error) => problems.push(describe_failure(&self.call, &error)),
        }
        Ok(if problems.is_empty() { Outcome::Passed } else { Outcome::Failed(problems) })
    }
}

/// Compares an answer with the expected answer. An expected error that is only a name matches any text.
fn compare(expected: &Value, found: &Value, extent: Extent) -> Vec<String> {
    let named = expected.get("error").and_then(Value::as_str);
    let is_that = |name: &str| match found.get("error") {
        Some(Value::String(found)) => found == name,
        Some(Value::Object(found)) => found.contains_key(name),
        _ => false,
    };
    match named {
        Some(name) if is_that(name) => Vec::new(),
        _ => differences(expected, found, extent),
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
