//! The author's own cases: files in `cases/` beside the plugin, each a request and the answer to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::around::{Customer, Given, TestDirectory};
use super::bench::{Bench, Setting};
use super::conformance::markup::replaced;
use super::difference::{Extent, differences};
use super::question::Question;
use super::stage::{Act, Exchange};
use super::suite::{Checked, Outcome, Record, no_answer};

/// Where the cases are.
const FOLDER: &str = "cases";
/// Bytes of one case.
const BYTES_MAX: u64 = 16 << 20;
/// The function that a provider's requests come to.
pub(super) const RECEIVE: &str = "channel.receive";
/// The group in reports.
const GROUP: &str = "cases";

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Case {
    /// A sentence.
    name: Option<String>,
    /// `crm.list-customers`.
    call: String,
    /// What it is given.
    #[serde(default)]
    with: Value,
    /// What its requests get.
    #[serde(default)]
    http: Vec<Exchange>,
    /// What `directory` knows.
    #[serde(default)]
    customers: Option<Vec<Customer>>,
    /// What it has kept before.
    #[serde(default)]
    state: BTreeMap<String, Value>,
    /// The files of the message, by id.
    #[serde(default)]
    files: BTreeMap<String, Value>,
    /// The whole answer.
    answer: Option<Value>,
    /// Some fields of it.
    answer_includes: Option<Value>,
}

/// Runs all cases, or one.
pub async fn check(bench: &Bench, only: Option<&str>) -> anyhow::Result<Vec<Checked>> {
    let (folder, mut files) = files(bench)?;
    if let Some(only) = only {
        files.retain(|path| stem(path) == only);
        ensure!(!files.is_empty(), "there is no case {}", folder.join(format!("{only}.json")).display());
    }
    let mut all = Vec::new();
    for file in files {
        all.push(run(bench, &file).await);
    }
    Ok(all)
}

/// The folder of the cases, and the files in it, sorted.
fn files(bench: &Bench) -> anyhow::Result<(PathBuf, Vec<PathBuf>)> {
    let folder = bench.project.folder.join(FOLDER);
    let mut files: Vec<_> = match std::fs::read_dir(&folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).with_context(|| format!("reading {}", folder.display())),
    };
    files.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    Ok((folder, files))
}

/// A case in which a provider tells of a message that is plain text.
pub(super) struct Reception {
    /// The case's name.
    pub(super) case: String,
    /// What was written.
    pub(super) text: String,
    /// What the plugin's requests get.
    pub(super) http: Vec<Exchange>,
    with: Value,
}

impl Reception {
    /// What the plugin is given where somebody writes another text; none where the request does not show its own.
    pub(super) fn saying(&self, text: &str) -> Option<Value> {
        let mut with = self.with.clone();
        let body = with.pointer_mut("/request/body")?;
        *body = replaced(body.as_str()?, &self.text, text)?.into();
        Some(with)
    }
}

/// The cases of that kind.
pub(super) fn receptions(bench: &Bench) -> anyhow::Result<Vec<Reception>> {
    let mut found = Vec::new();
    for file in files(bench)?.1 {
        let case = read(&file)?;
        let answer = case.answer.as_ref().or(case.answer_includes.as_ref()).filter(|_| case.call == RECEIVE);
        let texts = answer.into_iter().flat_map(bodies).filter_map(|body| body.get("plain")?.as_str());
        if let Some(text) = texts.map(str::to_owned).next() {
            found.push(Reception { case: stem(&file), text, http: case.http, with: case.with });
        }
    }
    Ok(found)
}

/// The bodies of the messages that an answer of `channel.receive` tells of.
pub(super) fn bodies(answer: &Value) -> impl Iterator<Item = &Value> {
    let events = answer.pointer("/ok/events").and_then(Value::as_array).into_iter().flatten();
    events.filter_map(|event| event.pointer("/inbound/body").or_else(|| event.pointer("/outbound/body")))
}

async fn run(bench: &Bench, file: &Path) -> Checked {
    let (mut record, stem) = (Record::begin(), stem(file));
    let (name, outcome) = match read(file) {
        Ok(case) => {
            let name = case.name.as_ref().map_or_else(|| stem.clone(), |name| format!("{stem}: {name}"));
            let outcome = case.run(bench, &stem, &mut record).await;
            (name, outcome.unwrap_or_else(|error| Outcome::Failed(vec![format!("{error:#}")])))
        }
        Err(error) => (stem, Outcome::Failed(vec![format!("{}: {error:#}", file.display())])),
    };
    record.end(GROUP, &name, outcome)
}

fn read(file: &Path) -> anyhow::Result<Case> {
    ensure!(file.metadata()?.len() <= BYTES_MAX, "it has more than {BYTES_MAX} bytes");
    let case: Case = serde_json::from_slice(&std::fs::read(file)?).context("this is no case")?;
    if case.answer.is_some() == case.answer_includes.is_some() {
        bail!("it needs `answer` or `answer-includes`, and not both");
    }
    Ok(case)
}

impl Case {
    async fn run(self, bench: &Bench, stem: &str, record: &mut Record) -> anyhow::Result<Outcome> {
        let question = Question::read(bench, &self.call, &self.with)?;
        let (expected, extent) = match (&self.answer, self.answer_includes) {
            (Some(answer), _) => (question.canonical(answer)?, Extent::Whole),
            (None, included) => (included.unwrap_or_default(), Extent::Named),
        };
        let tenant: Arc<str> = format!("{GROUP}/{stem}").into();
        for (key, value) in &self.state {
            let bytes = super::values::bytes(value);
            bench.keep(&tenant, key, bytes.unwrap_or_else(|| value.to_string().into_bytes())).await?;
        }
        let files = Given::read(&self.files)?;
        let setting =
            Setting { tenant, directory: Arc::new(TestDirectory::new(self.customers)), files: Some(Arc::new(files)) };
        let stage = bench.stage.as_ref().context("cases are run on a stage")?;
        stage.play(Act::Script(self.http.into()));
        let run = question.ask(bench, &setting).await;
        record.log.extend(run.lines);
        record.receipts.extend(run.told);
        let mut problems = stage.played().problems;
        match run.result {
            Ok(found) => {
                problems.extend(compare(&expected, &found, extent));
                record.answer = Some(found);
            }
            Err(error) => problems.push(no_answer(&self.call, &error)),
        }
        Ok(if problems.is_empty() { Outcome::Passed } else { Outcome::Failed(problems) })
    }
}

/// An expected error that is a mere name says nothing about its text.
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
