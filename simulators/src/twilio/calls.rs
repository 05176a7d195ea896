//! Calls of Frontline: asks for TwiML, and reports the statuses and the recording that the TwiML asks for.
//!
//! The leg to the other side has a SID of its own and names the first one as its parent. [?] The documentation of
//! `<Conversation>` does not show the fields of its callbacks; these are the fields of `<Dial>`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Twilio;
use crate::twilio::events::Fields;
use crate::twilio::numbers::{new_sid, pairs, recording_fields, token};
use crate::twilio::record::Fired;
use crate::twilio::state::Shared;

/// Names of the callbacks in the record of webhooks.
pub(crate) const VOICE: &str = "voice";
pub(crate) const VOICE_STATUS: &str = "voice/status";
pub(crate) const VOICE_RECORDING: &str = "voice/recording";
pub(crate) const VOICE_ENDED: &str = "voice/ended";

/// Length of every call in seconds.
const SECONDS: &str = "61";
/// Statuses of a leg that is answered, with the event that asks for each.
const ANSWERED: &[(&str, &str)] = &[
    ("call-initiated", "initiated"),
    ("call-ringing", "ringing"),
    ("call-answered", "in-progress"),
    ("call-completed", "completed"),
];
/// Statuses of a leg that is not answered.
const UNANSWERED: &[(&str, &str)] =
    &[("call-initiated", "initiated"), ("call-ringing", "ringing"), ("call-completed", "no-answer")];

/// A call that was connected and has ended.
#[derive(Debug, Clone)]
pub struct PlayedCall {
    /// `CA...` of the first leg.
    pub sid: String,
    /// `CA...` of the leg to the other side.
    pub leg: String,
    /// `RE...`, if the TwiML asked for a recording.
    pub recording: Option<String>,
    /// The attributes of `<Conversation>`, and `action` of `<Connect>`.
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

    /// Plays a call of a customer to `number`, which `worker` does not answer.
    ///
    /// # Errors
    ///
    /// Fails if the response is not TwiML that connects the call.
    pub fn unanswered_call(&self, customer: &str, number: &str, worker: &str) -> Result<PlayedCall, String> {
        let client = format!("client:{worker}");
        let legs = ([customer, number], [customer, client.as_str()]);
        self.runtime().block_on(play(&self.shared, legs, UNANSWERED))
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
    play(shared, ([customer, number], [customer, &client]), ANSWERED).await
}

pub(crate) async fn outbound(
    shared: &Arc<Shared>,
    worker: &str,
    customer: &str,
    number: &str,
) -> Result<PlayedCall, String> {
    let client = format!("client:{worker}");
    play(shared, ([&client, customer], [number, customer]), ANSWERED).await
}

/// Plays a call. Each leg has the addresses of its caller and of the called side.
async fn play(
    shared: &Arc<Shared>,
    (first, second): ([&str; 2], [&str; 2]),
    statuses: &[(&str, &str)],
) -> Result<PlayedCall, String> {
    let url = shared.read(|state| state.settings.gateway.as_ref().map(|gateway| gateway.voice_url.clone()));
    let url = url.ok_or("point_at was not called")?;
    let (sid, leg) = (new_sid("CA"), new_sid("CA"));
    let mut fields = shared.leg(&sid, first);
    fields.extend(pairs(&[("CallStatus", "ringing"), ("Direction", "inbound")]));
    let answer = shared.send(&url, VOICE, fields, token()).await.ok_or("point_at was not called")?;
    let attributes = conversation(&answer)?;
    let mut call = PlayedCall { sid, leg, recording: None, attributes, fired: vec![answer] };
    play_leg(shared, &mut call, second, statuses).await;
    let is_answered = statuses.iter().any(|(_, status)| *status == "completed");
    if let Some(url) = call.attributes.get("action").cloned() {
        let mut fields = shared.leg(&call.sid, first);
        fields.extend(pairs(&[("CallStatus", "in-progress"), ("Direction", "inbound")]));
        fields.extend(pairs(&[("Result", "dialed-call-incomplete")]).into_iter().filter(|_| !is_answered));
        call.fired.extend(shared.send(&url, VOICE_ENDED, fields, token()).await);
    }
    if is_answered {
        play_recording(shared, &mut call).await;
    }
    Ok(call)
}

/// Reports the statuses of the leg to the other side.
async fn play_leg(shared: &Arc<Shared>, call: &mut PlayedCall, addresses: [&str; 2], statuses: &[(&str, &str)]) {
    let wanted = |name: &str| call.attributes.get(name).cloned();
    let (Some(url), events) = (wanted("statusCallback"), wanted("statusCallbackEvent").unwrap_or_default()) else {
        return;
    };
    for (_, status) in statuses.iter().filter(|(event, _)| events.split(' ').any(|wanted| wanted == *event)) {
        let mut fields = shared.leg(&call.leg, addresses);
        fields.extend(pairs(&[
            ("ParentCallSid", call.sid.as_str()),
            ("CallStatus", status),
            ("Direction", "outbound-dial"),
            ("CallbackSource", "call-progress-events"),
        ]));
        fields.extend(pairs(&[("CallDuration", SECONDS)]).into_iter().filter(|_| *status == "completed"));
        call.fired.extend(shared.send(&url, VOICE_STATUS, fields, token()).await);
    }
}

/// Reports the recording, if the TwiML asks for one.
async fn play_recording(shared: &Arc<Shared>, call: &mut PlayedCall) {
    let wanted = |name: &str| call.attributes.get(name).cloned();
    let is_recorded = wanted("record").is_some_and(|record| record != "do-not-record");
    let Some(url) = wanted("recordingStatusCallback").filter(|_| is_recorded) else {
        return;
    };
    let recording = new_sid("RE");
    let account = shared.read(|state| state.world.account_sid.clone());
    let fields = recording_fields(&account, &call.sid, &recording);
    call.recording = Some(recording);
    call.fired.extend(shared.send(&url, VOICE_RECORDING, fields, token()).await);
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

/// Returns the attributes of the `<Connect>` and the `<Conversation>` that an answer connects to.
fn conversation(answer: &Fired) -> Result<BTreeMap<String, String>, String> {
    let found = answer.body.split_once("<Response><Connect").filter(|_| answer.status == Some(200));
    let found = found.and_then(|(_, rest)| {
        let (connect, rest) = rest.split_once("><Conversation")?;
        let (conversation, end) = rest.split_once("/>")?;
        (end.trim() == "</Connect></Response>").then(|| [attributes(connect), attributes(conversation)])
    });
    let invalid = || format!("12100: no TwiML that connects the call: {:?} {}", answer.status, answer.body);
    Ok(found.ok_or_else(invalid)?.into_iter().flatten().collect())
}

/// Returns the attributes of an element.
fn attributes(mut element: &str) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    while let Some((name, (value, rest))) =
        element.split_once("=\"").and_then(|(name, rest)| Some((name, rest.split_once('"')?)))
    {
        let value = value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        attributes.insert(name.trim().to_owned(), value);
        element = rest;
    }
    attributes
}
