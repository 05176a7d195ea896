//! `[tenants.NAME.twilio.voice]`: calls of Frontline, and the TwiML that connects them.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

/// Longest time that a caller can be made to wait, in seconds.
const TIMEOUT_SECONDS_MAX: u32 = 600;
/// Longest time for which a call's log waits for the recording. Stored events of the call are kept longer.
const RECORDING_WAIT_MS_MAX: u64 = 3_600_000;

/// The TwiML that ends a call.
pub const HANGUP: &str = "<Response><Hangup/></Response>";
const HEADER: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Frontline's calls. The gateway connects them, and passes their statuses and recordings to plugins.
#[derive(Debug, SmartDefault, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Voice {
    /// Whether the tenant has `callbacks/voice`, which connects calls.
    pub enabled: bool,
    /// SID of Frontline's Conversations service (`IS...`). Without it, Twilio uses the account's default service.
    pub service_sid: Option<String>,
    /// Whether Twilio creates a conversation for a caller without one. The routing callback then assigns a worker.
    #[default = true]
    pub inbound_autocreation: bool,
    /// Seconds that Twilio waits for a worker to be assigned to a new conversation. Without it, Twilio's default.
    #[schemars(range(min = 1, max = TIMEOUT_SECONDS_MAX))]
    pub routing_assignment_timeout_seconds: Option<u32>,
    /// Seconds that an inbound call rings at the worker. Without it, Twilio's default.
    #[schemars(range(min = 1, max = TIMEOUT_SECONDS_MAX))]
    pub inbound_timeout_seconds: Option<u32>,
    /// Which part of a call is recorded, in Twilio's words.
    pub record: Record,
    /// Whether silence at both ends of a recording is removed.
    pub trim: Trim,
    /// What an inbound caller hears if no worker answers. Without it, the call just ends.
    pub unanswered_say: Option<String>,
    /// Language of `unanswered_say` in Twilio's words, such as `pt-BR`. Without it, Twilio's default.
    pub unanswered_language: Option<String>,
    /// How long the log of a recorded call waits for the recording after the end of the call.
    #[default = 600_000]
    #[schemars(range(min = 0, max = RECORDING_WAIT_MS_MAX))]
    pub recording_wait_ms: u64,
}

/// Which part of a call is recorded.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// Nothing.
    #[default]
    DoNotRecord,
    /// From the answer on, in one channel.
    RecordFromAnswer,
    /// From the first ring on, in one channel.
    RecordFromRinging,
    /// From the answer on, with a channel for each side.
    RecordFromAnswerDual,
    /// From the first ring on, with a channel for each side.
    RecordFromRingingDual,
}

impl Record {
    /// Returns Twilio's name.
    fn name(self) -> &'static str {
        match self {
            Self::DoNotRecord => "do-not-record",
            Self::RecordFromAnswer => "record-from-answer",
            Self::RecordFromRinging => "record-from-ringing",
            Self::RecordFromAnswerDual => "record-from-answer-dual",
            Self::RecordFromRingingDual => "record-from-ringing-dual",
        }
    }
}

/// Whether silence at both ends of a recording is removed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trim {
    /// The recording stays as it is.
    #[default]
    DoNotTrim,
    /// Silence is removed.
    TrimSilence,
}

impl Trim {
    /// Returns Twilio's name.
    fn name(self) -> &'static str {
        match self {
            Self::DoNotTrim => "do-not-trim",
            Self::TrimSilence => "trim-silence",
        }
    }
}

impl Voice {
    /// Returns the TwiML that connects a call. `url` is the public URL of the tenant's `callbacks/voice`.
    pub fn twiml(&self, url: &str) -> String {
        let mut attributes = vec![("inboundAutocreation", self.inbound_autocreation.to_string())];
        let seconds = [
            ("routingAssignmentTimeout", self.routing_assignment_timeout_seconds),
            ("inboundTimeout", self.inbound_timeout_seconds),
        ];
        attributes.extend(self.service_sid.iter().map(|sid| ("serviceInstanceSid", sid.clone())));
        attributes.extend(seconds.into_iter().filter_map(|(name, value)| Some((name, value?.to_string()))));
        attributes.extend([
            ("statusCallback", format!("{url}/status")),
            ("statusCallbackMethod", "POST".to_owned()),
            ("statusCallbackEvent", "call-initiated call-ringing call-answered call-completed".to_owned()),
        ]);
        if self.record != Record::DoNotRecord {
            attributes.extend([
                ("record", self.record.name().to_owned()),
                ("trim", self.trim.name().to_owned()),
                ("recordingStatusCallback", format!("{url}/recording")),
                ("recordingStatusCallbackMethod", "POST".to_owned()),
                ("recordingStatusCallbackEvent", "completed absent".to_owned()),
            ]);
        }
        let mut text = format!("{HEADER}<Response><Connect action=\"{}/ended\" method=\"POST\">", escaped(url));
        text.push_str("<Conversation");
        for (name, value) in attributes {
            let _ = write!(text, " {name}=\"{}\"", escaped(&value));
        }
        text.push_str("/></Connect></Response>");
        text
    }

    /// Returns the TwiML for the caller of an inbound call that no worker answered.
    pub fn unanswered_twiml(&self) -> String {
        let Some(say) = &self.unanswered_say else {
            return format!("{HEADER}{HANGUP}");
        };
        let language = self.unanswered_language.iter().map(|language| format!(" language=\"{}\"", escaped(language)));
        let language: String = language.collect();
        format!("{HEADER}<Response><Say{language}>{}</Say><Hangup/></Response>", escaped(say))
    }
}

/// Escapes the text of an XML attribute or element.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://frontgate.example.com/callbacks/voice";

    #[test]
    fn the_defaults_connect_without_a_recording() {
        assert_eq!(
            Voice::default().twiml(URL),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response>\
             <Connect action=\"https://frontgate.example.com/callbacks/voice/ended\" method=\"POST\">\
             <Conversation inboundAutocreation=\"true\" statusCallback=\"https://frontgate.example.com/callbacks/voice/status\" \
             statusCallbackMethod=\"POST\" statusCallbackEvent=\"call-initiated call-ringing call-answered call-completed\"/></Connect></Response>"
        );
    }

    #[test]
    fn every_setting_is_an_attribute() {
        let voice = Voice {
            service_sid: Some("IS1".to_owned()),
            inbound_autocreation: false,
            routing_assignment_timeout_seconds: Some(10),
            inbound_timeout_seconds: Some(20),
            record: Record::RecordFromAnswerDual,
            trim: Trim::TrimSilence,
            ..Voice::default()
        };
        let text = voice.twiml("https://a.example.com/x&y/callbacks/voice");
        for attribute in [
            "serviceInstanceSid=\"IS1\"",
            "inboundAutocreation=\"false\"",
            "routingAssignmentTimeout=\"10\"",
            "inboundTimeout=\"20\"",
            "record=\"record-from-answer-dual\"",
            "trim=\"trim-silence\"",
            "recordingStatusCallback=\"https://a.example.com/x&amp;y/callbacks/voice/recording\"",
            "recordingStatusCallbackEvent=\"completed absent\"",
        ] {
            assert!(text.contains(attribute), "{attribute} is not in {text}");
        }
    }

    #[test]
    fn a_caller_hears_the_text_of_the_operator() {
        let voice = Voice {
            unanswered_say: Some("Sorry, \"Ana & co\" are out.".to_owned()),
            unanswered_language: Some("en-GB".to_owned()),
            ..Voice::default()
        };
        let text = voice.unanswered_twiml();
        let say = "<Say language=\"en-GB\">Sorry, &quot;Ana &amp; co&quot; are out.</Say><Hangup/>";
        assert!(text.contains(say), "{text}");
    }
}
