//! Callbacks about calls: their beginning, their statuses and their recordings.
//!
//! The legs of one call have SIDs of their own, and name the first leg as `ParentCallSid`. The SID of the first leg
//! identifies the call.

use frontgate_contract::bindings::calls::{Call, CallDirection, CallRecording};
use frontgate_contract::bindings::conversations::OtherEvent;
use frontgate_twilio::form::Form;

use super::error::DecodeError;
use super::{required, sid};

/// Prefix of the address of a worker's app.
const CLIENT: &str = "client:";

/// An event of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEvent {
    /// Twilio asked how to connect the call.
    Started,
    /// The status of the call, or of one of its legs, changed.
    Status,
    /// A recording is available, or does not exist.
    Recording,
}

impl CallEvent {
    /// Returns the name under which plugins get the event.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "onCallStarted",
            Self::Status => "onCallStatus",
            Self::Recording => "onCallRecording",
        }
    }
}

/// Returns the SID of the call.
pub fn call_sid(form: &Form<'_>) -> Result<String, DecodeError> {
    match form.get("ParentCallSid") {
        Some(parent) => sid(parent, "CA", "ParentCallSid"),
        None => sid(required(form, "CallSid")?, "CA", "CallSid"),
    }
}

/// Returns the identity of an event, which stays the same when Twilio repeats it.
pub fn identity(event: CallEvent, form: &Form<'_>, call: &str) -> String {
    let field = |name| form.get(name).unwrap_or("-");
    let leg = field("CallSid");
    match event {
        CallEvent::Started => format!("call {call}"),
        CallEvent::Status => format!("call-status {leg} {}", field("CallStatus")),
        CallEvent::Recording => {
            format!("call-recording {leg} {} {}", field("RecordingSid"), field("RecordingStatus"))
        }
    }
}

/// Returns whether a status is the last one of its leg.
pub fn has_ended(form: &Form<'_>) -> bool {
    matches!(form.get("CallStatus"), Some("completed" | "busy" | "failed" | "no-answer" | "canceled"))
}

/// Returns the fields of an event as stored: with the `EventType` of the Conversations webhooks.
pub fn fields<'f>(event: CallEvent, form: &'f Form<'_>) -> Vec<(&'f str, &'f str)> {
    let own = form.pairs().filter(|(name, _)| *name != "EventType");
    [("EventType", event.name())].into_iter().chain(own).collect()
}

/// Returns a stored event as plugins get it.
pub fn event(stored: &Form<'_>) -> OtherEvent {
    OtherEvent {
        event_type: stored.get("EventType").unwrap_or_default().to_owned(),
        fields: stored.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    }
}

/// Returns the SIDs under which events of the call that ended are stored.
pub fn sids(end: &Form<'_>) -> Vec<String> {
    ["ParentCallSid", "CallSid"].into_iter().filter_map(|name| end.get(name)).map(str::to_owned).collect()
}

/// A stored event of a call.
#[derive(Debug)]
pub struct StoredEvent {
    /// When the gateway stored it, in milliseconds since 1970.
    pub time_ms: u64,
    /// Its fields.
    pub form: Form<'static>,
}

/// A call, as its events describe it.
#[derive(Debug)]
pub struct EndedCall {
    /// The call.
    pub call: Call,
    /// Whether Twilio has reported the recording, or that it does not exist.
    pub is_recording_known: bool,
}

/// Describes a call that has ended, from its last status and from the events that are stored, in order of arrival.
pub fn ended(end: &Form<'_>, events: &[StoredEvent]) -> Result<EndedCall, DecodeError> {
    let is = |form: &Form<'_>, event: CallEvent| form.get("EventType") == Some(event.name());
    let started = events.iter().find(|event| is(&event.form, CallEvent::Started)).map(|event| &event.form);
    let forms = || events.iter().map(|event| &event.form).filter(|form| !is(form, CallEvent::Recording)).chain([end]);
    let find = |name: &'static str| forms().find_map(|form| form.get(name)).map(str::to_owned);
    let number = |name: &'static str| {
        let mut addresses = forms().filter_map(|form| form.get(name));
        addresses.find(|address| !address.starts_with(CLIENT)).map(str::to_owned)
    };
    let worker = forms().flat_map(|form| [form.get("From"), form.get("To")]).flatten();
    let worker = worker.filter_map(|address| address.strip_prefix(CLIENT)).find(|worker| !worker.is_empty());
    let direction = direction(started, end);
    let (customer, proxy) = match direction {
        CallDirection::Inbound => ("From", "To"),
        CallDirection::Outbound => ("To", "From"),
    };
    let recordings = || events.iter().map(|event| &event.form).filter(|form| is(form, CallEvent::Recording));
    Ok(EndedCall {
        call: Call {
            call_sid: call_sid(end)?,
            direction,
            worker: worker.map(str::to_owned),
            customer_address: number(customer),
            proxy_address: number(proxy),
            conversation_sid: find("ConversationSid"),
            participant_sid: find("ParticipantSid"),
            status: required(end, "CallStatus")?.to_owned(),
            started_at: events.first().map(|event| event.time_ms),
            duration_seconds: seconds(end, "CallDuration"),
            recording: recordings().filter_map(recording).next_back(),
        },
        is_recording_known: recordings().next().is_some(),
    })
}

/// Returns the direction. An outbound call begins in a worker's app, and Twilio calls both kinds `inbound` there.
fn direction(started: Option<&Form<'_>>, end: &Form<'_>) -> CallDirection {
    let is_client = |form: &Form<'_>, name| form.get(name).is_some_and(|address| address.starts_with(CLIENT));
    let is_outbound = match started {
        Some(started) => is_client(started, "From"),
        None if is_client(end, "To") => false,
        None => is_client(end, "From") || end.get("Direction").is_some_and(|value| value.starts_with("outbound")),
    };
    if is_outbound { CallDirection::Outbound } else { CallDirection::Inbound }
}

/// Returns the recording, if Twilio has one.
fn recording(form: &Form<'_>) -> Option<CallRecording> {
    let sid = form.get("RecordingSid")?;
    (form.get("RecordingStatus") == Some("completed")).then(|| CallRecording {
        sid: sid.to_owned(),
        url: form.get("RecordingUrl").map(str::to_owned),
        duration_seconds: seconds(form, "RecordingDuration"),
    })
}

fn seconds(form: &Form<'_>, name: &str) -> Option<u32> {
    form.get(name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUSTOMER: &str = "+12025550107";
    const OURS: &str = "+12025550199";
    const APP: &str = "client:ana@example.org";

    fn form(pairs: &[(&str, &str)]) -> Form<'static> {
        Form::from_pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    fn stored(event: CallEvent, pairs: &[(&str, &str)]) -> StoredEvent {
        let form = form(pairs);
        let fields = fields(event, &form).into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        StoredEvent { time_ms: 7, form: Form::from_pairs(fields) }
    }

    /// Returns direction, worker, customer and the company's number of a call with these addresses in its legs.
    fn people(first: Option<(&str, &str)>, leg: (&str, &str)) -> (CallDirection, [Option<String>; 3]) {
        let started = first.map(|(from, to)| stored(CallEvent::Started, &[("From", from), ("To", to)]));
        let (from, to) = leg;
        let end = form(&[("CallSid", "CA2"), ("CallStatus", "completed"), ("From", from), ("To", to)]);
        let events: Vec<_> = started.into_iter().collect();
        let Call { direction, worker, customer_address, proxy_address, .. } =
            ended(&end, &events).expect("a call").call;
        (direction, [worker, customer_address, proxy_address])
    }

    fn some(texts: [&str; 3]) -> [Option<String>; 3] {
        texts.map(|text| Some(text.to_owned()))
    }

    #[test]
    fn both_legs_describe_an_inbound_call() {
        let found = people(Some((CUSTOMER, OURS)), (CUSTOMER, APP));
        assert_eq!(found, (CallDirection::Inbound, some(["ana@example.org", CUSTOMER, OURS])));
    }

    #[test]
    fn both_legs_describe_an_outbound_call() {
        let found = people(Some((APP, CUSTOMER)), (OURS, CUSTOMER));
        assert_eq!(found, (CallDirection::Outbound, some(["ana@example.org", CUSTOMER, OURS])));
    }

    #[test]
    fn an_inbound_call_is_recognized_by_its_last_leg() {
        assert_eq!(people(None, (CUSTOMER, APP)).0, CallDirection::Inbound);
    }

    #[test]
    fn the_first_leg_identifies_the_call() {
        let leg = form(&[("CallSid", "CA2"), ("ParentCallSid", "CA1")]);
        assert_eq!(call_sid(&leg).expect("a SID"), "CA1");
        assert_eq!(sids(&leg), ["CA1", "CA2"]);
    }

    #[test]
    fn a_field_of_the_caller_does_not_name_the_event() {
        let event = stored(CallEvent::Status, &[("EventType", "onCallRecording"), ("RecordingSid", "RE1")]);
        assert_eq!(super::event(&event.form).event_type, "onCallStatus");
    }

    #[test]
    fn only_a_completed_recording_is_one() {
        for (status, known) in [("completed", true), ("absent", false)] {
            let recording = [("CallSid", "CA1"), ("RecordingSid", "RE1"), ("RecordingStatus", status)];
            let end = form(&[("CallSid", "CA1"), ("CallStatus", "completed")]);
            let ended = ended(&end, &[stored(CallEvent::Recording, &recording)]).expect("a call");
            assert_eq!((ended.is_recording_known, ended.call.recording.is_some()), (true, known));
        }
    }
}
