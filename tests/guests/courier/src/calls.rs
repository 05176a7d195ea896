//! Events of calls: JSON with the call's id and one of `from`, `to`, `status`, `recording`, `voicemail`, `lines` and
//! `summary`.

use frontgate_sdk::channel::{
    BegunCall, CallChange, CallEvent, CallRecording, CallStatus, ChangedCall, TranscriptLine,
};
use serde::Deserialize;

use crate::webhook;

/// A file name, a media type, and a source: a URL or the content.
type Sound = (String, String, String);

#[derive(Deserialize)]
pub(crate) struct CallReport {
    call: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    at: Option<u64>,
    #[serde(default)]
    agent: Option<String>,
    #[serde(default)]
    parent: Option<String>,
    #[serde(flatten)]
    what: What,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum What {
    From(String),
    To(String),
    /// A call in the queue, with the caller.
    Queued(String),
    Status(String),
    Recording(Sound),
    Voicemail(Sound),
    /// The speaker, whether it is an agent, the milliseconds, and the words.
    Lines(Vec<(String, bool, u64, String)>),
    Summary(String),
}

impl CallReport {
    pub(crate) fn event(self) -> CallEvent {
        let Self { call, id, at, agent, parent, what } = self;
        let begun = |begun: BegunCall, agent_email: Option<String>| {
            CallChange::from(BegunCall { parent_call_id: parent, started_at_ms: at, agent_email, ..begun })
        };
        let sound = |(name, content_type, source): Sound| webhook::file(name, &content_type, source);
        let change = match what {
            What::From(handle) => begun(BegunCall::inbound(handle), agent),
            What::To(handle) => begun(BegunCall::outbound(handle), agent),
            What::Queued(handle) => begun(BegunCall::inbound(handle).queued(), agent),
            What::Status(status) => {
                ChangedCall { occurred_at_ms: at, agent_email: agent, ..ChangedCall::new(self::status(&status)) }.into()
            }
            What::Recording(file) => CallRecording::of_call(sound(file)).into(),
            What::Voicemail(file) => CallRecording::of_voicemail(sound(file)).into(),
            What::Lines(lines) => lines.into_iter().map(line).collect::<Vec<_>>().into(),
            What::Summary(text) => CallChange::Summary(text),
        };
        CallEvent { event_id: id, ..CallEvent::new(call, change) }
    }
}

fn line((speaker, is_agent, start_ms, text): (String, bool, u64, String)) -> TranscriptLine {
    match is_agent {
        true => TranscriptLine::internal(speaker, start_ms, text),
        false => TranscriptLine::external(speaker, start_ms, text),
    }
}

fn status(name: &str) -> CallStatus {
    match name {
        "queued" => CallStatus::Queued,
        "ringing" => CallStatus::Ringing,
        "connected" => CallStatus::Connected,
        "hold" => CallStatus::Hold,
        "hangup" => CallStatus::Hangup,
        "abandoned" => CallStatus::Abandoned,
        "missed" => CallStatus::Missed,
        _ => CallStatus::Transferred,
    }
}
