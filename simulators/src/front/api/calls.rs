//! `calls`: creates calls, changes their state, and adds recordings, transcripts and summaries.
//!
//! [?] Front does not document what a repeated request does. Here the same content has no effect a second time if
//! duplicates are dropped, and is kept twice otherwise; a known call cannot be created again then.

use serde_json::Value;

use crate::common::reply::Reply;
use crate::front::api::messages::Check;
use crate::front::api::{ApiRequest, Done};
use crate::front::calls::{StatusChange, VoiceCall};
use crate::front::fault::Call;
use crate::front::form::Form;
use crate::front::problem::Problem;
use crate::front::state::State;

/// The published fields. The party's are added by the direction.
const CREATE: [&str; 6] =
    ["external_call_id", "initial_status", "direction", "started_at", "parent_external_call_id", "agent_email_address"];
const UPDATE: [&str; 3] = ["call_status", "occurred_at", "agent_email_address"];
const LINES: [&str; 4] = ["lines.speaker_name", "lines.content", "lines.start_time_seconds", "lines.speaker_type"];

const INITIAL: [&str; 2] = ["queued", "ringing"];
const STATUSES: [&str; 8] = ["queued", "ringing", "connected", "hold", "hangup", "abandoned", "missed", "transferred"];

/// The field of a recording. [?] Whether Front accepts an index here as it does for messages.
const RECORDING: &str = "attachments";

/// Creates a call.
pub(crate) fn create(state: &mut State, channel: &str, fields: &Value) -> Result<Done, Problem> {
    let mut check = Check { fields, details: Vec::new() };
    let external_id = check.required("/external_call_id");
    let status = one_of(&mut check, "/initial_status", &INITIAL);
    let direction = one_of(&mut check, "/direction", &["inbound", "outbound"]);
    let party = if direction == "outbound" { "to" } else { "from" };
    let handle = check.required(&format!("/{party}/handle"));
    let name = check.optional(&format!("/{party}/name")).map(str::to_owned);
    let parent = check.required("/parent_external_call_id");
    let started_at = number(&mut check, "/started_at");
    let agent = agent(&mut check, state);
    let [own_handle, own_name] = ["handle", "name"].map(|field| format!("{party}.{field}"));
    check.only(&[&CREATE[..], &[own_handle.as_str(), own_name.as_str()]].concat());
    finish(check)?;
    let is_deduplicating = state.settings.dedup;
    if let Some(known) = find(state, channel, external_id) {
        if !is_deduplicating {
            return Err(invalid("body.external_call_id: exists already"));
        }
        known.repeated += 1;
        return Ok(accepted());
    }
    state.world.calls.push(VoiceCall {
        channel: channel.to_owned(),
        external_id: external_id.to_owned(),
        direction: direction.to_owned(),
        party: handle.to_owned(),
        name,
        parent: parent.to_owned(),
        started_at,
        statuses: vec![StatusChange { status: status.to_owned(), occurred_at: started_at, agent }],
        recordings: Vec::new(),
        transcripts: Vec::new(),
        summaries: Vec::new(),
        repeated: 0,
    });
    Ok(accepted())
}

/// Changes a call, by the operation of the request.
pub(crate) fn change(state: &mut State, request: &ApiRequest, channel: &str, form: &Form) -> Result<Done, Problem> {
    let fields = &form.fields;
    let mut check = Check { fields, details: Vec::new() };
    let is_deduplicating = state.settings.dedup;
    let id = request.name(1).to_owned();
    match request.place.call {
        Call::UpdateCall => {
            let status = one_of(&mut check, "/call_status", &STATUSES).to_owned();
            let occurred_at = number(&mut check, "/occurred_at");
            let agent = agent(&mut check, state);
            check.only(&UPDATE);
            finish(check)?;
            let call = known(state, channel, &id)?;
            let change = StatusChange { status, occurred_at, agent };
            if call.statuses.last() == Some(&change) && is_deduplicating {
                call.repeated += 1;
            } else if call.can_become(&change.status) {
                call.statuses.push(change);
            } else {
                let now = call.statuses().last().map(ToString::to_string).unwrap_or_default();
                return Err(invalid(&format!("body.call_status: {now} cannot become {}", change.status)));
            }
        }
        Call::AddRecording => {
            let kind = one_of(&mut check, "/recording_type", &["call", "voicemail"]).to_owned();
            check.only(&["recording_type"]);
            let [file] = form.files.as_slice() else {
                return Err(invalid("body.attachments: exactly one file is required"));
            };
            if file.field != RECORDING || !file.content_type.starts_with("audio/") {
                check.details.push("body.attachments: not an audio file".to_owned());
            }
            finish(check)?;
            let recording = (kind, file.clone());
            let call = known(state, channel, &id)?;
            add(&mut call.recordings, recording, is_deduplicating, &mut call.repeated);
        }
        Call::AddTranscript => {
            let lines = fields["lines"].as_array().filter(|lines| !lines.is_empty());
            let is_line = |line: &Value| {
                ["speaker_name", "content"].iter().all(|name| line[name].is_string())
                    && line["start_time_seconds"].is_number()
                    && matches!(line["speaker_type"].as_str(), Some("internal" | "external"))
            };
            if !lines.is_some_and(|lines| lines.iter().all(is_line)) {
                check.details.push("body.lines: not a list of lines".to_owned());
            }
            check.only(&LINES);
            finish(check)?;
            let call = known(state, channel, &id)?;
            add(&mut call.transcripts, fields["lines"].clone(), is_deduplicating, &mut call.repeated);
        }
        _ => {
            let content = check.required("/content").to_owned();
            check.only(&["content"]);
            finish(check)?;
            let call = known(state, channel, &id)?;
            add(&mut call.summaries, content, is_deduplicating, &mut call.repeated);
        }
    }
    Ok(accepted())
}

/// Adds what the call does not have yet.
fn add<T: PartialEq>(all: &mut Vec<T>, new: T, is_deduplicating: bool, repeated: &mut usize) {
    if is_deduplicating && all.contains(&new) {
        *repeated += 1;
    } else {
        all.push(new);
    }
}

fn one_of<'c>(check: &mut Check<'c>, pointer: &str, all: &[&str]) -> &'c str {
    let text = check.required(pointer);
    if !text.is_empty() && !all.contains(&text) {
        check.details.push(format!("body{}: unknown value", pointer.replace('/', ".")));
    }
    text
}

fn number(check: &mut Check<'_>, pointer: &str) -> Option<f64> {
    let (value, name) = check.find(pointer);
    let number = value?.as_f64();
    if number.is_none() {
        check.details.push(format!("{name}: not a number"));
    }
    number
}

/// Returns the teammate's address. [?] Front does not document what happens to an unknown one.
fn agent(check: &mut Check<'_>, state: &State) -> Option<String> {
    let address = check.optional("/agent_email_address")?;
    if state.world.known_teammate(&format!("alt:email:{address}")).is_none() {
        check.details.push("body.agent_email_address: unknown teammate".to_owned());
    }
    Some(address.to_owned())
}

fn finish(check: Check<'_>) -> Result<(), Problem> {
    if check.details.is_empty() { Ok(()) } else { Err(Problem::invalid(check.details)) }
}

fn find<'s>(state: &'s mut State, channel: &str, id: &str) -> Option<&'s mut VoiceCall> {
    state.world.calls.iter_mut().find(|call| call.channel == channel && call.external_id == id)
}

/// Finds a call. The description has no other error than 400.
fn known<'s>(state: &'s mut State, channel: &str, id: &str) -> Result<&'s mut VoiceCall, Problem> {
    find(state, channel, id).ok_or_else(|| invalid("external_call_id: unknown call"))
}

fn invalid(detail: &str) -> Problem {
    Problem::invalid(vec![detail.to_owned()])
}

fn accepted() -> Done {
    Reply::new(202, "").into()
}
