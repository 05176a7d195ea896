//! Phone numbers of the account: their status callbacks, and calls that Frontline does not handle.
//!
//! Twilio reports an incoming call to the number's status callback once, at its end. An outgoing call names the callback and
//! the states itself; so does the recording of either. The simulated company names the number's status callback for both,
//! as its TwiML would.

use std::sync::Arc;
use std::time::SystemTime;

use hyper::body::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Twilio;
use crate::twilio::clock::http_date;
use crate::twilio::events::Fields;
use crate::twilio::record::Fired;
use crate::twilio::state::Shared;
use crate::twilio::world::World;

/// Names of the callbacks in the record of webhooks.
pub(crate) const NUMBER_STATUS: &str = "number/status";
pub(crate) const NUMBER_RECORDING: &str = "number/recording";

/// Length of an answered call in seconds.
const SECONDS: &str = "61";

/// The bytes of each recording.
const SOUND: &[u8] = b"a recorded call";

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEnd {
    /// It was answered.
    Completed,
    /// It was answered and recorded.
    Recorded,
    /// The called side was busy.
    Busy,
    /// The called side did not answer.
    NoAnswer,
    /// The call could not be connected.
    Failed,
    /// The caller hung up before an answer.
    Canceled,
}

impl CallEnd {
    pub(crate) const NAMED: [(&str, Self); 6] = [
        ("completed", Self::Completed),
        ("recorded", Self::Recorded),
        ("busy", Self::Busy),
        ("no-answer", Self::NoAnswer),
        ("failed", Self::Failed),
        ("canceled", Self::Canceled),
    ];

    fn is_answered(self) -> bool {
        matches!(self, Self::Completed | Self::Recorded)
    }

    /// Returns the last status of the call.
    fn status(self) -> &'static str {
        match self {
            Self::Completed | Self::Recorded => "completed",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

/// A number in `IncomingPhoneNumbers`.
#[derive(Debug, Clone)]
pub(crate) struct PhoneNumber {
    pub(crate) sid: String,
    pub(crate) number: String,
    /// Empty without one.
    pub(crate) status_callback: String,
}

impl PhoneNumber {
    /// Returns the JSON of the number, as far as the status callback needs it.
    pub(crate) fn json(&self, account_sid: &str) -> Value {
        json!({
            "sid": self.sid,
            "account_sid": account_sid,
            "phone_number": self.number,
            "friendly_name": self.number,
            "capabilities": { "voice": true, "sms": true, "mms": true, "fax": false },
            "status_callback": self.status_callback,
            "status_callback_method": "POST",
            "api_version": "2010-04-01",
            "uri": format!("/2010-04-01/Accounts/{account_sid}/IncomingPhoneNumbers/{}.json", self.sid),
        })
    }
}

/// A recording in `Recordings`.
#[derive(Debug, Clone)]
pub(crate) struct Recording {
    pub(crate) sid: String,
    pub(crate) content: Bytes,
}

/// A call that has ended.
#[derive(Debug, Clone)]
pub struct NumberCall {
    /// `CA...`
    pub sid: String,
    /// `RE...`, if the call was recorded.
    pub recording: Option<String>,
    /// The callbacks in order.
    pub fired: Vec<Fired>,
}

impl Twilio {
    /// The bytes of each recording.
    pub const SOUND: &'static [u8] = SOUND;

    /// Adds a number to the account, and returns its `PN...`.
    pub fn add_number(&self, number: &str) -> String {
        self.shared.update(|state| state.world.add_number(number))
    }

    /// Plays a call between a number of the account, at either side, and a customer.
    ///
    /// # Errors
    ///
    /// Fails if neither side is a number of the account, or the number has no status callback.
    pub fn number_call(&self, from: &str, to: &str, end: CallEnd) -> Result<NumberCall, String> {
        self.runtime().block_on(play(&self.shared, from, to, end))
    }
}

impl World {
    pub(crate) fn add_number(&mut self, number: &str) -> String {
        if let Some(known) = self.numbers.iter().find(|known| known.number == number) {
            return known.sid.clone();
        }
        let sid = self.sid("PN");
        let number = number.to_owned();
        self.numbers.push(PhoneNumber { sid: sid.clone(), number, status_callback: String::new() });
        sid
    }

    /// Returns the status callback of the side that is a number of the account, and whether the call is incoming.
    fn callback(&self, from: &str, to: &str) -> Result<(String, bool), String> {
        let find = |wanted: &str| self.numbers.iter().find(|known| known.number == wanted);
        let (number, is_incoming) = match (find(to), find(from)) {
            (Some(number), _) => (number, true),
            (None, Some(number)) => (number, false),
            (None, None) => return Err(format!("neither {from} nor {to} is a number of the account")),
        };
        match number.status_callback.as_str() {
            "" => Err(format!("number {} has no status callback", number.number)),
            url => Ok((url.to_owned(), is_incoming)),
        }
    }
}

pub(crate) async fn play(shared: &Arc<Shared>, from: &str, to: &str, end: CallEnd) -> Result<NumberCall, String> {
    let (url, is_incoming) = shared.read(|state| state.world.callback(from, to))?;
    let (sid, account) = (new_sid("CA"), shared.read(|state| state.world.account_sid.clone()));
    let earlier: &[&str] = match (is_incoming, end.is_answered()) {
        (true, _) => &[],
        (false, true) => &["initiated", "ringing", "in-progress"],
        (false, false) => &["initiated", "ringing"],
    };
    let mut call = NumberCall { sid, recording: None, fired: Vec::new() };
    for (number, status) in earlier.iter().copied().chain([end.status()]).enumerate() {
        let (sequence, time) = (number.to_string(), http_date(SystemTime::now()).replace("GMT", "+0000"));
        let mut fields = pairs(&[
            ("AccountSid", &account),
            ("CallSid", &call.sid),
            ("ApiVersion", "2010-04-01"),
            ("From", from),
            ("Caller", from),
            ("To", to),
            ("Called", to),
            ("Direction", if is_incoming { "inbound" } else { "outbound-api" }),
            ("CallStatus", status),
            ("CallbackSource", "call-progress-events"),
            ("SequenceNumber", &sequence),
            ("Timestamp", &time),
        ]);
        if number == earlier.len() {
            fields.extend(pairs(&[("CallDuration", if end.is_answered() { SECONDS } else { "0" })]));
        }
        call.fired.extend(shared.send(&url, NUMBER_STATUS, fields, token()).await);
    }
    if end == CallEnd::Recorded {
        play_recording(shared, &mut call, &url, &account).await;
    }
    Ok(call)
}

/// Stores a recording of a call, and reports it.
async fn play_recording(shared: &Arc<Shared>, call: &mut NumberCall, url: &str, account: &str) {
    let recording = new_sid("RE");
    let stored = Recording { sid: recording.clone(), content: Bytes::from_static(SOUND) };
    shared.update(|state| state.world.recordings.push(stored));
    let fields = recording_fields(account, &call.sid, &recording);
    call.recording = Some(recording);
    call.fired.extend(shared.send(url, NUMBER_RECORDING, fields, token()).await);
}

pub(crate) fn pairs(fields: &[(&str, &str)]) -> Fields {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn new_sid(prefix: &str) -> String {
    format!("{prefix}{}", Uuid::new_v4().simple())
}

pub(crate) fn token() -> String {
    Uuid::new_v4().to_string()
}

/// Returns the fields of a callback about a recording that is complete.
pub(crate) fn recording_fields(account: &str, call: &str, recording: &str) -> Fields {
    let file = format!("https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/{recording}");
    pairs(&[
        ("AccountSid", account),
        ("CallSid", call),
        ("RecordingSid", recording),
        ("RecordingUrl", &file),
        ("RecordingStatus", "completed"),
        ("RecordingDuration", "60"),
        ("RecordingSource", "DialVerb"),
    ])
}
