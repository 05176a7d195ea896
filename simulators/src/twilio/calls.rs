//! Calls of Frontline: asks for TwiML, and reports the statuses and the recording that the TwiML asks for.
//!
//! The leg to the other side has a SID of its own and names the first one as its parent. [?] The documentation of
//! `<Conversation>` does not show the fields of its callbacks; these are the fields of `<Dial>`.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::Twilio;
use crate::twilio::events::Fields;
use crate::twilio::record::Fired;
use crate::twilio::state::Shared;

/// Names of the callbacks in the record of webhooks.
pub(crate) const VOICE: &str = "voice";
pub(crate) const VOICE_STATUS: &str = "voice/status";
pub(crate) const VOICE_RECORDING: &str = "voice/recording";

/// Length of every call in seconds.
const SECONDS: &str = "61";
/// Statuses of a call that is answered, with the event that asks for each.
const STATUSES: [(&str, &str); 4] = [
    ("call-initiated", "initiated"),
    ("call-ringing", "ringing"),
    ("call-answered", "in-progress"),
    ("call-completed", "completed"),
];

/// A call that was connected, answered, and ended after a minute.
#[derive(Debug, Clone)]
pub struct PlayedCall {
    /// `CA...` of the first leg.
    pub sid: String,
    /// `CA...` of the leg to the other side.
    pub leg: String,
    /// `RE...`, if the TwiML asked for a recording.
    pub recording: Option<String>,
    /// The attributes of `<Conversation>`.
    pub attributes: BTreeMap<String, String>,
    /// All callbacks in order; the first one asked for TwiML.
    pub fired: Vec<Fired>,
}

impl Twilio {
    /// Plays a call of a customer to `number`, which `worker` answers.
    ///
    /// # Errors
    ///
    /// Fails if the response is not TwiML that connects the call.
    pub fn inbound_call(&self, customer: &str, number: &str, worker: &str) -> Result<PlayedCall, String> {
        self.runtime().block_on(inbound(&self.shared, customer, number, worker))
    }

    /// Plays a call of a worker's app to a customer, who sees `number`.
    ///
    /// # Errors
    ///
    /// Fails if the response is not TwiML that connects the call.
    pub fn outbound_call(&self, worker: &str, customer: &str, number: &str) -> Result<PlayedCall, String> {
        self.runtime().block_on(outbound(&self.shared, worker, customer, number))
    }
}

pub(crate) async fn inbound(
    shared: &Arc<Shared>,
    customer: &str,
    number: &str,
    worker: &str,
) -> Result<PlayedCall, String> {
    let client = format!("client:{worker}");
    play(shared, [customer, number], [customer, &client]).await
}

pub(crate) async fn outbound(
    shared: &Arc<Shared>,
    worker: &str,
    customer: &str,
    number: &str,
) -> Result<PlayedCall, String> {
    let client = format!("client:{worker}");
    play(shared, [&client, customer], [number, customer]).await
}

/// Plays a call. Each leg has the addresses of its caller and of the called side.
async fn play(shared: &Arc<Shared>, first: [&str; 2], second: [&str; 2]) -> Result<PlayedCall, String> {
    let url = shared.read(|state| state.settings.gateway.as_ref().map(|gateway| gateway.voice_url.clone()));
    let url = url.ok_or("point_at was not called")?;
    let (sid, leg) = (new_sid("CA"), new_sid("CA"));
    let mut fields = shared.leg(&sid, first);
    fields.extend(pairs(&[("CallStatus", "ringing"), ("Direction", "inbound")]));
    let answer = shared.send(&url, VOICE, fields, token()).await.ok_or("point_at was not called")?;
    let attributes = conversation(&answer)?;
    let mut call = PlayedCall { sid, leg, recording: None, attributes, fired: vec![answer] };
    let wanted = |name: &str| call.attributes.get(name).cloned();
    let (status_url, events) = (wanted("statusCallback"), wanted("statusCallbackEvent").unwrap_or_default());
    let recording_url =
        wanted("recordingStatusCallback").filter(|_| wanted("record").is_some_and(|record| record != "do-not-record"));
    if let Some(url) = status_url {
        for (event, status) in STATUSES {
            if events.split(' ').any(|wanted| wanted == event) {
                let mut fields = shared.leg(&call.leg, second);
                fields.extend(pairs(&[
                    ("ParentCallSid", call.sid.as_str()),
                    ("CallStatus", status),
                    ("Direction", "outbound-dial"),
                    ("CallbackSource", "call-progress-events"),
                ]));
                fields.extend(pairs(&[("CallDuration", SECONDS)]).into_iter().filter(|_| status == "completed"));
                call.fired.extend(shared.send(&url, VOICE_STATUS, fields, token()).await);
            }
        }
    }
    if let Some(url) = recording_url {
        let recording = new_sid("RE");
        let account = shared.read(|state| state.world.account_sid.clone());
        let file = format!("https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/{recording}");
        let fields = pairs(&[
            ("AccountSid", &account),
            ("CallSid", &call.sid),
            ("RecordingSid", &recording),
            ("RecordingUrl", &file),
            ("RecordingStatus", "completed"),
            ("RecordingDuration", "60"),
            ("RecordingSource", "DialVerb"),
        ]);
        call.recording = Some(recording);
        call.fired.extend(shared.send(&url, VOICE_RECORDING, fields, token()).await);
    }
    Ok(call)
}

impl Shared {
    /// Returns the fields that every callback about a leg has.
    fn leg(&self, sid: &str, [from, to]: [&str; 2]) -> Fields {
        let account = self.read(|state| state.world.account_sid.clone());
        let addresses = [("From", from), ("Caller", from), ("To", to), ("Called", to)];
        let call = [("AccountSid", account.as_str()), ("CallSid", sid), ("ApiVersion", "2010-04-01")];
        pairs(&call).into_iter().chain(pairs(&addresses)).collect()
    }
}

/// Returns the attributes of the `<Conversation>` that an answer connects to.
fn conversation(answer: &Fired) -> Result<BTreeMap<String, String>, String> {
    let invalid = || format!("12100: no TwiML that connects the call: {:?} {}", answer.status, answer.body);
    let (_, rest) = answer.body.split_once("<Response><Connect><Conversation").ok_or_else(invalid)?;
    let (mut rest, end) = rest.split_once("/>").ok_or_else(invalid)?;
    if answer.status != Some(200) || end.trim() != "</Connect></Response>" {
        return Err(invalid());
    }
    let mut attributes = BTreeMap::new();
    while let Some((name, value)) = rest.split_once("=\"") {
        let (value, more) = value.split_once('"').ok_or_else(invalid)?;
        let value = value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        attributes.insert(name.trim().to_owned(), value);
        rest = more;
    }
    Ok(attributes)
}

fn pairs(fields: &[(&str, &str)]) -> Fields {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn new_sid(prefix: &str) -> String {
    format!("{prefix}{}", Uuid::new_v4().simple())
}

fn token() -> String {
    Uuid::new_v4().to_string()
}
