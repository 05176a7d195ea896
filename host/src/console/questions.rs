//! Asks a recorded request again, as it was or with other fields, in a dry run; and makes a test case of a call.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use frontgate_console_access::Right;
use frontgate_console_pages::pages::{AskedAgain, AskedCall, CasePage, Compared, Edit, Fact, Field, Shown};
use frontgate_console_pages::{Grant, Kind, Personal, mask_text, words};
use frontgate_contract::digest::Digest;
use frontgate_gateway::{Question, Reply};
use frontgate_recorder::Record;
use frontgate_runtime::dry_run::{DryCall, DryEnd, DryResult, DryRun};
use hyper::StatusCode;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use url::form_urlencoded;

use super::answers::{Answer, Format, Refusal, redirect};
use super::{Call, Console, cases, page, payload, records};

/// Dry runs at one time. They share the plugins' capacity with callbacks.
pub(super) const DRY_RUNS_MAX: usize = 2;
/// Time for which a question waits for its turn.
const PERMIT_TIMEOUT: Duration = Duration::from_secs(15);
/// Callbacks that ask a plugin.
const ASKED: [&str; 5] = ["crm", "templates", "outgoing-conversation", "routing", "conversations"];
/// Fields of a form that a person can change.
const FIELDS_MAX: usize = 200;

/// A question that was asked, with its answer.
pub(super) struct Asking {
    tenant: String,
    callback: String,
    is_edited: bool,
    record: Arc<Record>,
    reply: Reply,
    calls: Vec<DryCall>,
}

/// Returns the recorded body of a request, or why it cannot be asked again.
pub(super) fn recorded_body(record: &Record) -> Result<&[u8], &'static str> {
    let facts = &record.facts;
    if !ASKED.contains(&facts.callback) {
        return Err("only callbacks of Frontline and webhooks of Conversations ask a plugin");
    }
    if !facts.is_accepted {
        return Err("its signature was not valid");
    }
    let capture = record.content.as_ref().and_then(|content| content.capture.as_ref());
    let body = capture.map(|capture| &*capture.request).ok_or("its bytes were not recorded")?;
    if facts.method != "POST" || body.len() as u64 != facts.bytes_in {
        return Err("its fields were not recorded whole");
    }
    Ok(body)
}

impl Console {
    /// Asks a recorded request again. With fields in the form, asks those.
    pub(super) async fn ask_again(self: &Arc<Self>, call: Call, id: &str) -> Result<Answer, Refusal> {
        call.needs(Right::Change)?;
        let record = self.record(&call, id).await?;
        let recorded = recorded_body(&record).map_err(|reason| Refusal::Invalid(format!("Not possible: {reason}.")))?;
        let edited = edited_body(&call);
        let is_edited = edited.is_some();
        let body = edited.unwrap_or_else(|| recorded.to_vec());
        let tenant = record.facts.tenant.as_deref().unwrap_or_default().to_owned();
        let callback = record.facts.callback.to_owned();
        let action =
            if is_edited { format!("edit and ask {}", Digest::of(&body).short()) } else { "ask again".to_owned() };
        let object = format!("request {id}");
        self.sources.store.record_action(&call.session.actor(), Some(&tenant), &action, &object, None).await?;
        let question = Question { tenant: &tenant, callback: &callback, body: &body, candidate: None };
        let (reply, calls) = self.dry_run(question).await?;
        let number = self.questions.add(Asking { tenant, callback, is_edited, record, reply, calls });
        Ok(Answer::Ready(redirect(&format!("/questions/{number}"))))
    }

    /// Asks a question when a place for a dry run is free.
    pub(super) async fn dry_run(&self, question: Question<'_>) -> Result<(Reply, Vec<DryCall>), Refusal> {
        let permit = timeout(PERMIT_TIMEOUT, self.dry_runs.acquire()).await;
        let _permit = permit.map_err(|_| Refusal::Invalid("Too many questions at once. Try again.".to_owned()))?;
        let dry_run = Arc::<DryRun>::default();
        let gateway = self.sources.generations.gateway();
        let reply = gateway.ask(question, &dry_run).await;
        let reply = reply.map_err(|error| Refusal::Invalid(format!("Not possible: {error}.")))?;
        Ok((reply, dry_run.calls()))
    }

    /// Shows the fields of a request as clear text, to be changed. The look is recorded first.
    pub(super) async fn edit_event(self: &Arc<Self>, call: Call, id: &str) -> Result<Answer, Refusal> {
        call.needs(Right::Change)?;
        call.needs(Right::Reveal)?;
        let record = self.record(&call, id).await?;
        let body = recorded_body(&record).map_err(|reason| Refusal::Invalid(format!("Not possible: {reason}.")))?;
        let fields = form_urlencoded::parse(body);
        if fields.count() > FIELDS_MAX {
            return Err(Refusal::Invalid(format!("The request has more than {FIELDS_MAX} fields.")));
        }
        let fields = fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let (object, tenant) = (format!("request {id}"), record.facts.tenant.as_deref());
        self.sources.store.record_action(&call.session.actor(), tenant, "show", &object, Some("to edit")).await?;
        let view = Edit { request: id.to_owned(), name: records::name(&record), fields };
        Ok(page(call, "/live", view))
    }

    fn remembered(&self, call: &Call, number: &str) -> Result<(u64, Arc<Asking>), Refusal> {
        call.needs(Right::Change)?;
        let (number, found) = self
            .questions
            .get(number)
            .ok_or_else(|| Refusal::Invalid("This question is no longer remembered. Ask it again.".to_owned()))?;
        call.needs_tenant(&found.tenant)?;
        Ok((number, found))
    }

    pub(super) fn question(self: &Arc<Self>, call: Call, number: &str) -> Result<Answer, Refusal> {
        let (number, question) = self.remembered(&call, number)?;
        let view = self.asked(number, &question, None);
        Ok(page(call, "/live", view))
    }

    /// Shows a question as clear text. The look is recorded first.
    pub(super) async fn show_question(self: &Arc<Self>, call: Call, number: &str) -> Result<Answer, Refusal> {
        call.needs(Right::Reveal)?;
        let (number, question) = self.remembered(&call, number)?;
        let object = format!("answer to request {}", question.record.facts.id);
        let tenant = Some(&*question.tenant);
        self.sources.store.record_action(&call.session.actor(), tenant, "show", &object, None).await?;
        let view = self.asked(number, &question, Some(&Grant::recorded()));
        Ok(page(call, "/live", view))
    }

    /// Records that a person wants a test case of a call, and leads to it.
    pub(super) async fn save_case(self: &Arc<Self>, call: Call, number: &str) -> Result<Answer, Refusal> {
        let (number, question) = self.remembered(&call, number)?;
        let index = call.form("call").unwrap_or("0").to_owned();
        let object = format!("request {}", question.record.facts.id);
        let tenant = Some(&*question.tenant);
        self.sources.store.record_action(&call.session.actor(), tenant, "save as case", &object, None).await?;
        Ok(Answer::Ready(redirect(&format!("/questions/{number}/case?call={index}"))))
    }

    pub(super) async fn case(self: &Arc<Self>, call: Call, number: &str) -> Result<Answer, Refusal> {
        let (number, question) = self.remembered(&call, number)?;
        let index: usize = call.query("call").and_then(|index| index.parse().ok()).unwrap_or_default();
        let made = question.calls.get(index).ok_or(Refusal::NotFound)?;
        if let Some(reason) = cases::obstacle(made) {
            return Err(Refusal::Invalid(format!("No test case: {reason}.")));
        }
        let live = self.sources.registry.get(&made.plugin).filter(|live| live.digest == made.digest);
        let live = live.and_then(|live| Some((cases::parameters(&live, made)?, live.grants.folder().is_some())));
        let (parameters, reads_files) = live.ok_or_else(|| {
            Refusal::Invalid("Another version of the plugin is live now. Ask the question again.".to_owned())
        })?;
        let recorded = made.clone();
        let case = spawn_blocking(move || cases::case(&recorded, &parameters, reads_files)).await;
        let case = case.ok().flatten().ok_or_else(|| {
            Refusal::Invalid("No test case: a number or an address could not be replaced everywhere.".to_owned())
        })?;
        let stem = format!("recorded-{number}");
        let problems = match call.format != Format::Html {
            // The page has run it before.
            true => None,
            false => self.run_case(&made.plugin, made.digest, &stem, &case).await,
        };
        let view = CasePage {
            number,
            call: index,
            function: made.function.to_string(),
            file: format!("{stem}.json"),
            case,
            problems,
        };
        Ok(page(call, "/live", view))
    }

    fn asked(&self, number: u64, question: &Asking, grant: Option<&Grant>) -> AskedAgain {
        let Asking { reply, record, .. } = question;
        let capture = record.content.as_ref().and_then(|content| content.capture.as_ref());
        let then = capture.map(|capture| &capture.response).filter(|then| then.len() as u64 == record.facts.bytes_out);
        let line = |line: &frontgate_runtime::OutputLine| match grant {
            Some(_) => format!("{} {}: {}", line.level, line.plugin, line.text),
            // A plugin may log a customer's text.
            None => format!("{} {}: {}", line.level, line.plugin, Personal::new(Kind::Text, &*line.text).visible()),
        };
        AskedAgain {
            number,
            name: format!("{} for {}", question.callback, question.tenant),
            request: record.facts.id.to_string(),
            is_edited: question.is_edited,
            status: reply.status.as_u16(),
            code: reply.code,
            detail: reply.detail.as_deref().map(mask_text),
            took_us: reply.took_us,
            deadline_ms: reply.deadline_ms,
            then_status: record.facts.status,
            // A routing is answered before its decision.
            differences: then
                .filter(|_| question.callback != "routing" && reply.status == StatusCode::OK)
                .map(|then| differences(then, &reply.body, grant)),
            answer: payload::of_body(&reply.body, grant),
            calls: question.calls.iter().map(asked_call).collect(),
            lines: reply.lines.lines.iter().map(line).collect(),
            is_revealed: grant.is_some(),
            reveal_ms: self.sources.access.settings().reveal_ms,
        }
    }
}

/// Returns the values of two answers that differ.
pub(super) fn differences(then: &[u8], now: &[u8], grant: Option<&Grant>) -> Vec<Compared> {
    let (then, now) = (payload::of_body(then, grant), payload::of_body(now, grant));
    let value = |fields: &[Field], name: &str| {
        let field = fields.iter().find(|field| field.name == name)?;
        field.value.clone().map(Shown::Plain).or_else(|| field.personal.clone().map(Shown::Masked))
    };
    let mut names: Vec<&String> = then.iter().chain(&now).map(|field| &field.name).collect();
    names.dedup();
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    let compared =
        names.into_iter().map(|name| Compared { name: name.clone(), then: value(&then, name), now: value(&now, name) });
    compared.filter(|one| one.then != one.now).collect()
}

/// Describes how a call ended, without personal data.
pub(super) fn end(call: &DryCall) -> String {
    match &call.end {
        None => "it did not end".to_owned(),
        Some(DryEnd::Answer(_)) => "answered".to_owned(),
        Some(DryEnd::Error(error)) => format!("answered {}", mask_text(&name_of(error))),
        Some(DryEnd::Failed(reason)) => mask_text(reason),
    }
}

/// Returns the name of an error of the contract.
fn name_of(error: &serde_json::Value) -> String {
    match error {
        serde_json::Value::Object(fields) => fields.keys().next().cloned().unwrap_or_default(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

fn asked_call(call: &DryCall) -> AskedCall {
    let mut facts = vec![
        Fact::new("Call", format!("{} {}", call.plugin, call.function)),
        Fact::new("Version", call.digest.short()),
        Fact::new("End", end(call)),
    ];
    if call.keys_written > 0 {
        let keys = u64::try_from(call.keys_written).unwrap_or(u64::MAX);
        facts.push(Fact::new("State", format!("{} not written", words::count(keys, "key", "keys"))));
    }
    if !call.actions.is_empty() {
        let actions = u64::try_from(call.actions.len()).unwrap_or(u64::MAX);
        facts.push(Fact::new("Actions", format!("{} not accepted", words::count(actions, "action", "actions"))));
    }
    let (mut sent, mut held) = (Vec::new(), Vec::new());
    for request in &call.requests {
        // The path and the query may have personal data.
        let site = request.url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        let line = format!("{} {}", request.method, mask_text(&site));
        match &request.result {
            DryResult::Held => held.push(line),
            DryResult::Failed(reason) => sent.push(format!("{line}: {}", mask_text(reason))),
            DryResult::Response { status, body, .. } => {
                let bytes = words::bytes(u64::try_from(body.len()).unwrap_or(u64::MAX));
                sent.push(format!("{line}: {status}, {bytes}"));
            }
        }
    }
    AskedCall { facts, sent, held, no_case: cases::obstacle(call) }
}

/// Returns the form that a person has changed, if the request has one.
fn edited_body(call: &Call) -> Option<Vec<u8>> {
    // A field without a name is omitted, also the first one.
    if !call.form.iter().any(|(name, _)| name == "name0") {
        return None;
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    for index in 0..FIELDS_MAX + 2 {
        let Some(name) = call.form(&format!("name{index}")) else { continue };
        form.append_pair(name, call.form(&format!("value{index}")).unwrap_or_default());
    }
    Some(form.finish().into_bytes())
}
