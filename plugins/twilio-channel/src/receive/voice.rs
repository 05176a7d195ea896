//! Calls of the channel's number: status callbacks and recording status callbacks of Twilio Voice.
//!
//! Twilio sends callbacks in any order, and for incoming calls only at the end. So every callback of a status says that the
//! call began; the gateway drops all but the first. A status that the beginning implies is no event of its own.

use frontgate_sdk::channel::{BegunCall, CallEvent, CallRecording, CallStatus, ChangedCall, File, Party};

use crate::form::Form;
use crate::number;
use crate::settings::Channel;
use crate::time;

/// Recordings have this type if the URL ends with `.mp3`.
const TYPE: &str = "audio/mpeg";

/// Returns the events of a callback. Calls of other numbers and statuses without a meaning for Front have none.
pub(super) fn events(channel: &Channel, form: &Form) -> Vec<CallEvent> {
    match form.get("RecordingSid") {
        Some(recording) => recorded(channel, form, recording).into_iter().collect(),
        None => changed(channel, form).unwrap_or_default(),
    }
}

fn changed(channel: &Channel, form: &Form) -> Option<Vec<CallEvent>> {
    let (call, status) = (form.get("CallSid")?, form.get("CallStatus")?);
    let (from, to) = (form.get("From")?, form.get("To")?);
    let is_inbound = form.get("Direction")? == "inbound";
    let (own, other) = if is_inbound { (to, from) } else { (from, to) };
    if !number::is_same(own, &channel.number) {
        return None;
    }
    let party = Party { name: form.get("CallerName").filter(|_| is_inbound).map(str::to_owned), ..Party::new(other) };
    let at_ms = form.get("Timestamp").and_then(time::milliseconds_of_mail);
    let lasted_ms =
        form.get("CallDuration").and_then(|seconds| seconds.parse::<u64>().ok()).unwrap_or_default() * 1_000;
    let begun = if is_inbound { BegunCall::inbound(party) } else { BegunCall::outbound(party) };
    let begun = BegunCall {
        parent_call_id: form.get("ParentCallSid").map(str::to_owned),
        started_at_ms: at_ms.and_then(|at| at.checked_sub(lasted_ms)),
        ..if status == "queued" { begun.queued() } else { begun }
    };
    let later = match status {
        "queued" | "initiated" | "ringing" => None,
        "in-progress" | "answered" => Some(CallStatus::Connected),
        "completed" => Some(CallStatus::Hangup),
        "busy" | "no-answer" | "failed" => Some(CallStatus::Missed),
        "canceled" => Some(CallStatus::Abandoned),
        _ => return None,
    };
    let change = |later| {
        let change = ChangedCall { occurred_at_ms: at_ms, ..ChangedCall::new(later) };
        CallEvent::new(call, change).id(status)
    };
    Some(std::iter::once(CallEvent::new(call, begun)).chain(later.map(change)).collect())
}

/// Returns the event of a recording that can be fetched. Its URL is made of the signed ids, at the host of the settings, to
/// which a secret is bound.
fn recorded(channel: &Channel, form: &Form, recording: &str) -> Option<CallEvent> {
    let (call, account) = (form.get("CallSid")?, form.get("AccountSid")?);
    let is_complete = form.get("RecordingStatus").is_none_or(|status| status == "completed");
    let is_id = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_complete || !is_id(recording) || !is_id(account) {
        return None;
    }
    let voice_url = &channel.settings.voice_url;
    let url = format!("{voice_url}/2010-04-01/Accounts/{account}/Recordings/{recording}.mp3");
    let file = File::url(format!("{recording}.mp3"), TYPE, url);
    // `<Record>` takes down messages of callers; everything else records conversations.
    let recorded = match form.get("RecordingSource") {
        Some("RecordVerb") => CallRecording::of_voicemail(file),
        _ => CallRecording::of_call(file),
    };
    Some(CallEvent::new(call, recorded).id(recording))
}
