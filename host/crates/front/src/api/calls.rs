//! Voice calls: their beginning, their states, and their recordings, summaries and transcripts.

use serde::{Deserialize, Serialize};

use super::{Body, Call, Field, Method, json};
use crate::ids::segment;

/// The state in which a call begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InitialStatus {
    /// Waits for an agent.
    Queued,
    /// Rings.
    Ringing,
}

/// The state of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallStatus {
    /// Waits for an agent.
    Queued,
    /// Rings.
    Ringing,
    /// Both sides talk.
    Connected,
    /// On hold.
    Hold,
    /// Ended after a conversation.
    Hangup,
    /// The caller gave up.
    Abandoned,
    /// Not answered.
    Missed,
    /// Handed to another agent or number.
    Transferred,
}

/// The kind of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordingKind {
    /// A conversation.
    Call,
    /// A message that the caller left when the call was not answered.
    Voicemail,
}

/// The side of a speaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpeakerType {
    /// An agent, or the provider's system.
    Internal,
    /// The other person.
    External,
}

/// The direction of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The other person calls.
    Inbound,
    /// The other person is called.
    Outbound,
}

/// A call that begins.
#[derive(Debug, Clone, Copy)]
pub struct NewCall<'c> {
    /// The gateway's id of the call.
    pub external_id: &'c str,
    /// The gateway's id of the call that this one continues.
    pub parent: Option<&'c str>,
    /// The direction.
    pub direction: Direction,
    /// The other person: a handle that fits the contact type of the channel, and a name.
    pub party: (&'c str, Option<&'c str>),
    /// The first state.
    pub status: InitialStatus,
    /// Milliseconds since 1970.
    pub started_at_ms: Option<u64>,
    /// The e-mail address of the teammate.
    pub agent: Option<&'c str>,
}

#[derive(Serialize)]
struct Party<'c> {
    handle: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'c str>,
}

/// Creates a call. Success is 202.
///
/// Front demands the id of a parent call of every call, and puts calls with the same parent into one conversation. A call
/// without a parent is its own parent: an empty id would put strangers' calls into one conversation.
pub fn create_call(channel_id: &str, call: &NewCall<'_>) -> Call {
    #[derive(Serialize)]
    struct Whole<'c> {
        external_call_id: &'c str,
        initial_status: InitialStatus,
        direction: Direction,
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<Party<'c>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<Party<'c>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        started_at: Option<u64>,
        parent_external_call_id: &'c str,
        #[serde(skip_serializing_if = "Option::is_none")]
        agent_email_address: Option<&'c str>,
    }
    let (handle, name) = call.party;
    let party = Some(Party { handle, name });
    let (from, to) = match call.direction {
        Direction::Inbound => (party, None),
        Direction::Outbound => (None, party),
    };
    let body = json(&Whole {
        external_call_id: call.external_id,
        initial_status: call.status,
        direction: call.direction,
        from,
        to,
        started_at: call.started_at_ms,
        parent_external_call_id: call.parent.unwrap_or(call.external_id),
        agent_email_address: call.agent,
    });
    Call { method: Method::Post, path: format!("/channels/{}/calls", segment(channel_id)), body }
}

/// A new state of a call.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct StatusChange<'c> {
    /// The state.
    #[serde(rename = "call_status")]
    pub status: CallStatus,
    /// Milliseconds since 1970.
    #[serde(rename = "occurred_at", skip_serializing_if = "Option::is_none")]
    pub occurred_at_ms: Option<u64>,
    /// The e-mail address of the teammate.
    #[serde(rename = "agent_email_address", skip_serializing_if = "Option::is_none")]
    pub agent: Option<&'c str>,
}

/// Changes the state of a call. Success is 202.
pub fn update_call(channel_id: &str, external_id: &str, change: &StatusChange<'_>) -> Call {
    Call { method: Method::Patch, path: path(channel_id, external_id, ""), body: json(change) }
}

/// Adds a recording: a form, with one file in the field `attachments`. Success is 202.
pub fn add_recording(channel_id: &str, external_id: &str, kind: RecordingKind) -> Call {
    let value = match kind {
        RecordingKind::Call => "call",
        RecordingKind::Voicemail => "voicemail",
    };
    let body = Body::Form(vec![Field { name: "recording_type".to_owned(), value: value.to_owned() }]);
    Call { method: Method::Post, path: path(channel_id, external_id, "/recording"), body }
}

/// Adds a summary, which must not be empty. Success is 202.
pub fn add_summary(channel_id: &str, external_id: &str, content: &str) -> Call {
    #[derive(Serialize)]
    struct Summary<'c> {
        content: &'c str,
    }
    Call { method: Method::Post, path: path(channel_id, external_id, "/summary"), body: json(&Summary { content }) }
}

/// What one speaker said.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Line<'c> {
    /// The speaker's name.
    pub speaker_name: &'c str,
    /// The words.
    pub content: &'c str,
    /// Time since the beginning of the call.
    pub start_time_seconds: f64,
    /// The speaker's side.
    pub speaker_type: SpeakerType,
}

/// Adds a transcript with at least one line. Success is 202.
pub fn add_transcript(channel_id: &str, external_id: &str, lines: &[Line<'_>]) -> Call {
    #[derive(Serialize)]
    struct Transcript<'c> {
        lines: &'c [Line<'c>],
    }
    Call { method: Method::Post, path: path(channel_id, external_id, "/transcript"), body: json(&Transcript { lines }) }
}

fn path(channel_id: &str, external_id: &str, rest: &str) -> String {
    format!("/channels/{}/calls/{}{rest}", segment(channel_id), segment(external_id))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sent(call: &Call) -> Value {
        let Body::Json(body) = &call.body else { panic!("no JSON: {call:?}") };
        serde_json::from_slice(body).expect("JSON")
    }

    #[test]
    fn a_new_call_has_the_published_fields() {
        let new = NewCall {
            external_id: "CA1",
            parent: None,
            direction: Direction::Inbound,
            party: ("+15550199", Some("Lee")),
            status: InitialStatus::Ringing,
            started_at_ms: Some(1_700_000_000_123),
            agent: Some("ana@acme.example"),
        };
        let call = create_call("cha_1", &new);
        assert_eq!((call.method, &*call.path), (Method::Post, "/channels/cha_1/calls"));
        let want = json!({
            "external_call_id": "CA1", "initial_status": "ringing", "direction": "inbound",
            "from": {"handle": "+15550199", "name": "Lee"}, "started_at": 1_700_000_000_123_u64,
            "parent_external_call_id": "CA1", "agent_email_address": "ana@acme.example",
        });
        assert_eq!(sent(&call), want);
        let outbound = NewCall {
            direction: Direction::Outbound,
            party: ("+15550199", None),
            status: InitialStatus::Queued,
            parent: Some("CA0"),
            started_at_ms: None,
            agent: None,
            ..new
        };
        let want = json!({
            "external_call_id": "CA1", "initial_status": "queued", "direction": "outbound",
            "to": {"handle": "+15550199"}, "parent_external_call_id": "CA0",
        });
        assert_eq!(sent(&create_call("cha_1", &outbound)), want);
    }

    #[test]
    fn later_requests_name_the_call_in_their_path() {
        let change = StatusChange { status: CallStatus::Hangup, occurred_at_ms: Some(5), agent: None };
        let call = update_call("cha_1", "CA/1", &change);
        assert_eq!((call.method, &*call.path), (Method::Patch, "/channels/cha_1/calls/CA%2F1"));
        assert_eq!(sent(&call), json!({ "call_status": "hangup", "occurred_at": 5 }));
        let call = add_recording("cha_1", "CA1", RecordingKind::Voicemail);
        assert_eq!((call.method, &*call.path), (Method::Post, "/channels/cha_1/calls/CA1/recording"));
        let field = Field { name: "recording_type".to_owned(), value: "voicemail".to_owned() };
        assert_eq!(call.body, Body::Form(vec![field]));
        let call = add_summary("cha_1", "CA1", "An order");
        assert_eq!((&*call.path, sent(&call)), ("/channels/cha_1/calls/CA1/summary", json!({ "content": "An order" })));
        let line = Line {
            speaker_name: "Lee",
            content: "Hello",
            start_time_seconds: 1.5,
            speaker_type: SpeakerType::External,
        };
        let call = add_transcript("cha_1", "CA1", &[line]);
        let want = json!({ "lines": [{
            "speaker_name": "Lee", "content": "Hello", "start_time_seconds": 1.5, "speaker_type": "external",
        }] });
        assert_eq!((&*call.path, sent(&call)), ("/channels/cha_1/calls/CA1/transcript", want));
    }
}
