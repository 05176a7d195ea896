//! Voice calls of channels.

use std::fmt;

use serde_json::Value;

use crate::front::record::File;

/// A call that the channel server has reported.
#[derive(Debug, Clone)]
pub struct VoiceCall {
    /// `cha_...`
    pub channel: String,
    /// The id of the channel server.
    pub external_id: String,
    /// `inbound` or `outbound`.
    pub direction: String,
    /// The other person's handle.
    pub party: String,
    /// The other person's name.
    pub name: Option<String>,
    /// The id of the call that this one continues, or its own.
    pub parent: String,
    /// The time of the beginning, in milliseconds since 1970.
    pub started_at: Option<f64>,
    /// The states, from the initial one on.
    pub statuses: Vec<StatusChange>,
    /// The recordings: their kind and their file.
    pub recordings: Vec<(String, File)>,
    /// The lines of each transcript.
    pub transcripts: Vec<Value>,
    /// The summaries.
    pub summaries: Vec<String>,
    /// The number of requests that repeated what the call has already.
    pub repeated: usize,
}

/// A state of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusChange {
    /// Such as `ringing`.
    pub status: String,
    /// In milliseconds since 1970.
    pub occurred_at: Option<f64>,
    /// The e-mail address of the teammate.
    pub agent: Option<String>,
}

impl VoiceCall {
    /// Returns the states in order.
    pub fn statuses(&self) -> Vec<&str> {
        self.statuses.iter().map(|change| change.status.as_str()).collect()
    }

    /// Returns whether a call with the latest state can get another one. [?] Front's table of transitions is not readable;
    /// this one forbids only what cannot happen on a telephone.
    pub(crate) fn can_become(&self, status: &str) -> bool {
        let now = self.statuses.last().map_or("", |change| change.status.as_str());
        match now {
            "queued" => true,
            "ringing" => status != "queued",
            "connected" | "hold" => !matches!(status, "queued" | "ringing" | "missed"),
            "transferred" => status != "queued",
            _ => false,
        }
    }
}

impl fmt::Display for VoiceCall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { channel, external_id, direction, recordings, transcripts, summaries, repeated, .. } = self;
        let [recordings, transcripts, summaries] = [recordings.len(), transcripts.len(), summaries.len()];
        write!(formatter, "{external_id} of {channel} {direction} {:?}, {recordings} recordings", self.statuses())?;
        write!(formatter, ", {transcripts} transcripts, {summaries} summaries, {repeated} repeated")
    }
}
