//! Events of voice calls, as they are stored until Front has them.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use frontgate_contract::bindings::channel;
use frontgate_front::api::{CallStatus, Direction, InitialStatus, RecordingKind, SpeakerType};
use serde::{Deserialize, Serialize};

use super::{File, Party, Source};

/// An event of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEvent {
    /// The plugin's id of the call.
    pub(crate) call: String,
    /// The plugin's id of the event.
    #[serde(skip)]
    id: Option<String>,
    pub(crate) change: CallChange,
}

/// What happened to a call. All texts are the plugin's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CallChange {
    Begun {
        direction: Direction,
        party: Party,
        status: InitialStatus,
        parent: Option<String>,
        started_at_ms: Option<u64>,
        agent: Option<String>,
    },
    Changed {
        status: CallStatus,
        occurred_at_ms: Option<u64>,
        agent: Option<String>,
    },
    Recording {
        kind: RecordingKind,
        file: File,
    },
    Transcript(Vec<Line>),
    Summary(String),
}

/// What one speaker said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) speaker: String,
    pub(crate) side: SpeakerType,
    pub(crate) start_ms: u64,
    pub(crate) text: String,
}

/// Beginning of the names of deliveries about calls.
const NAME: &str = "call-";

/// Returns whether a delivery with this name is about a call.
pub(crate) fn is_call(delivery_name: &str) -> bool {
    delivery_name.starts_with(NAME)
}

impl CallEvent {
    /// Returns the name of the event's delivery.
    pub(crate) fn name(&self) -> String {
        let change = match &self.change {
            CallChange::Begun { .. } => "begun",
            CallChange::Changed { .. } => "changed",
            CallChange::Recording { .. } => "recording",
            CallChange::Transcript(_) => "transcript",
            CallChange::Summary(_) => "summary",
        };
        format!("{NAME}{change}")
    }

    /// Returns a text that repetitions of the event have in common: a call begins once, and other events are known by the
    /// plugin's id or by their content. It contains neither.
    pub(crate) fn identity(&self) -> String {
        let own = match (&self.change, &self.id) {
            (CallChange::Begun { .. }, _) => ["begun", ""].map(str::to_owned),
            (_, Some(id)) => ["id".to_owned(), id.clone()],
            (_, None) => ["content".to_owned(), serde_json::to_string(&self.change).expect("texts and numbers")],
        };
        let whole = serde_json::to_vec(&(&self.call, own)).expect("texts");
        BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, &whole))
    }

    /// Returns whether the call begins.
    pub(crate) fn is_begun(&self) -> bool {
        matches!(self.change, CallChange::Begun { .. })
    }

    /// Returns the e-mail address of the teammate.
    pub(crate) fn agent(&self) -> Option<&str> {
        match &self.change {
            CallChange::Begun { agent, .. } | CallChange::Changed { agent, .. } => agent.as_deref(),
            CallChange::Recording { .. } | CallChange::Transcript(_) | CallChange::Summary(_) => None,
        }
    }

    /// Returns the recording.
    pub(crate) fn file(&self) -> Option<&File> {
        match &self.change {
            CallChange::Recording { file, .. } => Some(file),
            _ => None,
        }
    }

    /// Returns the bytes of all texts and of the recording.
    pub(super) fn bytes(&self) -> usize {
        let change = match &self.change {
            CallChange::Begun { party, parent, .. } => {
                party.handle.len() + [&party.name, parent].into_iter().flatten().map(String::len).sum::<usize>()
            }
            CallChange::Changed { .. } => 0,
            CallChange::Recording { file, .. } => {
                let (Source::Bytes(content) | Source::Url(content)) = &file.source;
                file.filename.len() + file.content_type.len() + content.len()
            }
            CallChange::Transcript(lines) => lines.iter().map(|line| line.speaker.len() + line.text.len()).sum(),
            CallChange::Summary(text) => text.len(),
        };
        self.call.len() + self.agent().map_or(0, str::len) + change
    }
}

/// Returns the part of an event that Front would reject.
pub(super) fn invalid_part(event: &channel::CallEvent) -> Option<&'static str> {
    match &event.change {
        channel::CallChange::Recording(recording) if !is_audio(&recording.file.content_type) => {
            Some("the recording's content-type does not begin with audio/")
        }
        channel::CallChange::Transcript(lines) if lines.is_empty() => Some("the transcript has no lines"),
        channel::CallChange::Summary(text) if text.trim().is_empty() => Some("the summary is empty"),
        _ => None,
    }
}

fn is_audio(content_type: &str) -> bool {
    content_type.trim_start().to_ascii_lowercase().starts_with("audio/")
}

impl From<channel::CallEvent> for CallEvent {
    fn from(event: channel::CallEvent) -> Self {
        Self { call: event.call_id, id: event.event_id, change: event.change.into() }
    }
}

impl From<channel::CallChange> for CallChange {
    fn from(change: channel::CallChange) -> Self {
        match change {
            channel::CallChange::Begun(begun) => {
                let (direction, party) = match begun.direction {
                    channel::CallDirection::Inbound(party) => (Direction::Inbound, party),
                    channel::CallDirection::Outbound(party) => (Direction::Outbound, party),
                };
                let status = match begun.status {
                    channel::InitialCallStatus::Queued => InitialStatus::Queued,
                    channel::InitialCallStatus::Ringing => InitialStatus::Ringing,
                };
                Self::Begun {
                    direction,
                    party: party.into(),
                    status,
                    parent: begun.parent_call_id,
                    started_at_ms: begun.started_at_ms,
                    agent: begun.agent_email,
                }
            }
            channel::CallChange::Changed(changed) => Self::Changed {
                status: status(changed.status),
                occurred_at_ms: changed.occurred_at_ms,
                agent: changed.agent_email,
            },
            channel::CallChange::Recording(recording) => {
                let kind = match recording.kind {
                    channel::RecordingKind::Call => RecordingKind::Call,
                    channel::RecordingKind::Voicemail => RecordingKind::Voicemail,
                };
                Self::Recording { kind, file: recording.file.into() }
            }
            channel::CallChange::Transcript(lines) => Self::Transcript(lines.into_iter().map(Line::from).collect()),
            channel::CallChange::Summary(text) => Self::Summary(text),
        }
    }
}

fn status(status: channel::CallStatus) -> CallStatus {
    match status {
        channel::CallStatus::Queued => CallStatus::Queued,
        channel::CallStatus::Ringing => CallStatus::Ringing,
        channel::CallStatus::Connected => CallStatus::Connected,
        channel::CallStatus::Hold => CallStatus::Hold,
        channel::CallStatus::Hangup => CallStatus::Hangup,
        channel::CallStatus::Abandoned => CallStatus::Abandoned,
        channel::CallStatus::Missed => CallStatus::Missed,
        channel::CallStatus::Transferred => CallStatus::Transferred,
    }
}

impl From<channel::TranscriptLine> for Line {
    fn from(line: channel::TranscriptLine) -> Self {
        let side = match line.side {
            channel::SpeakerSide::Internal => SpeakerType::Internal,
            channel::SpeakerSide::External => SpeakerType::External,
        };
        Self { speaker: line.speaker, side, start_ms: line.start_ms, text: line.text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(call: &str, id: Option<&str>, change: CallChange) -> CallEvent {
        CallEvent { call: call.to_owned(), id: id.map(str::to_owned), change }
    }

    fn begun(started_at_ms: u64) -> CallChange {
        let party = Party { handle: "+15550199".to_owned(), name: None, email: None };
        let (direction, status) = (Direction::Inbound, InitialStatus::Ringing);
        CallChange::Begun { direction, party, status, parent: None, started_at_ms: Some(started_at_ms), agent: None }
    }

    fn changed(status: CallStatus, occurred_at_ms: Option<u64>) -> CallChange {
        CallChange::Changed { status, occurred_at_ms, agent: None }
    }

    #[test]
    fn repetitions_have_one_identity() {
        let same = [
            (event("a", None, begun(1)), event("a", Some("other"), begun(2))),
            (event("a", None, changed(CallStatus::Hold, None)), event("a", None, changed(CallStatus::Hold, None))),
            (
                event("a", Some("1"), changed(CallStatus::Hold, Some(1))),
                event("a", Some("1"), changed(CallStatus::Hold, Some(2))),
            ),
        ];
        for (one, other) in same {
            assert_eq!(one.identity(), other.identity(), "{one:?} {other:?}");
        }
    }

    #[test]
    fn different_events_have_different_identities() {
        let hold = || changed(CallStatus::Hold, None);
        let all = [
            event("a", None, begun(1)),
            event("b", None, begun(1)),
            event("a", None, hold()),
            event("a", Some("1"), hold()),
            event("a", Some("2"), hold()),
            event("a", None, changed(CallStatus::Hold, Some(1))),
            event("a", None, CallChange::Summary("1".to_owned())),
        ];
        let identities: std::collections::BTreeSet<_> = all.iter().map(CallEvent::identity).collect();
        assert_eq!(identities.len(), all.len());
    }

    #[test]
    fn a_stored_event_is_read_as_it_was() {
        let line =
            Line { speaker: "Lee".to_owned(), side: SpeakerType::External, start_ms: 1_500, text: "Hi".to_owned() };
        for change in [begun(1), changed(CallStatus::Missed, None), CallChange::Transcript(vec![line])] {
            let event = event("a", None, change);
            let stored = serde_json::to_string(&event).expect("JSON");
            assert_eq!(serde_json::from_str::<CallEvent>(&stored).expect("an event"), event);
            assert!(is_call(&event.name()) && !is_call("inbound"));
        }
    }

    #[test]
    fn only_sound_is_a_recording() {
        for (content_type, expected) in
            [("audio/mpeg", true), (" Audio/x-wav", true), ("video/mp4", false), ("", false)]
        {
            assert_eq!(is_audio(content_type), expected, "{content_type}");
        }
    }
}
