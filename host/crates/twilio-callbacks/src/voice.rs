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
/// Status of a call that no worker answered.
const NO_ANSWER: &str = "no-answer";

/// An event of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEvent {
    /// Twilio asked how to connect the call.
    Started,
    /// The status of the call, or of one of its legs, changed.
    Status,
    /// A recording is available, or does not exist.
    Recording,
    /// The call was connected and is so no longer, or could not be connected.
    Ended,
}

impl CallEvent {
    /// Returns the name under which plugins get the event.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "onCallStarted",
            Self::Status => "onCallStatus",
            Self::Recording => "onCallRecording",
            Self::Ended => "onCallEnded",
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
        CallEvent::Ended => format!("call-ended {call}"),
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
pub struct CallSummary {
    /// The call.
    pub call: Call,
    /// Whether legs of the call can still be open or can still begin.
    pub end: CallEnd,
    /// Whether Twilio has reported the recording, or that it does not exist.
    pub is_recording_known: bool,
}

/// Whether a call has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEnd {
    /// Twilio reported the end of the whole call.
    Reported,
    /// All known legs have ended. Another one may follow.
    Likely,
    /// A leg has not ended.
    OpenLeg,
}

/// Describes a call from its stored events in order of arrival. `last` is one more event, which may be among them.
pub fn summary(last: &Form<'_>, events: &[StoredEvent]) -> Result<CallSummary, DecodeError> {
    let is = |form: &Form<'_>, event: CallEvent| form.get("EventType") == Some(event.name());
    let all = || events.iter().map(|event| &event.form).chain([last]);
    let started = all().find(|form| is(form, CallEvent::Started));
    let ended = all().find(|form| is(form, CallEvent::Ended));
    let statuses = || all().filter(|form| is(form, CallEvent::Status));
    let ends: Vec<_> = statuses().filter(|form| has_ended(form)).collect();
    let is_first_leg = |form: &Form<'_>| form.get("ParentCallSid").is_none();
    let has_open_leg = statuses().any(|form| ends.iter().all(|end| end.get("CallSid") != form.get("CallSid")));
    let end = match ended {
        Some(_) => CallEnd::Reported,
        None if ends.iter().any(|end| is_first_leg(end)) => CallEnd::Reported,
        None if has_open_leg => CallEnd::OpenLeg,
        None => CallEnd::Likely,
    };
    // The leg that was answered describes the call. The first leg is also `completed` if no worker answered.
    let legs = || ends.iter().copied().filter(|end| !is_first_leg(end));
    let answered = legs().filter(|end| end.get("CallStatus") == Some("completed"));
    let leg = answered.max_by_key(|end| seconds(end, "CallDuration")).or_else(|| legs().next_back());
    let leg = leg.or_else(|| ended.is_none().then(|| ends.last().copied()).flatten());
    let status = leg.and_then(|leg| leg.get("CallStatus")).unwrap_or_else(|| ended.map_or(NO_ANSWER, ended_status));
    // The leg's own fields come first.
    let forms = || leg.into_iter().chain(all().filter(|form| !is(form, CallEvent::Recording)));
    let find = |name: &'static str| forms().find_map(|form| form.get(name)).map(str::to_owned);
    let number = |name: &'static str| {
        let mut addresses = forms().filter_map(|form| form.get(name));
        addresses.find(|address| !address.starts_with(CLIENT)).map(str::to_owned)
    };
    let worker = forms().flat_map(|form| [form.get("From"), form.get("To")]).flatten();
    let worker = worker.filter_map(|address| address.strip_prefix(CLIENT)).find(|worker| !worker.is_empty());
    let direction = direction(started, leg.unwrap_or(last));
    let (customer, proxy) = match direction {
        CallDirection::Inbound => ("From", "To"),
        CallDirection::Outbound => ("To", "From"),
    };
    let recordings = || all().filter(|form| is(form, CallEvent::Recording));
    Ok(CallSummary {
        call: Call {
            call_sid: call_sid(last)?,
            direction,
            worker: worker.map(str::to_owned),
            customer_address: number(customer),
            proxy_address: number(proxy),
            conversation_sid: find("ConversationSid"),
            participant_sid: find("ParticipantSid"),
            status: status.to_owned(),
            started_at: events.first().map(|event| event.time_ms),
            duration_seconds: leg.and_then(|leg| seconds(leg, "CallDuration")),
            recording: recordings().filter_map(recording).next_back(),
        },
        end,
        is_recording_known: recordings().next().is_some(),
    })
}

/// Returns whether the end of a call says that no worker answered.
pub fn is_unanswered(ended: &Form<'_>) -> bool {
    let is_outbound = ended.get("From").is_some_and(|address| address.starts_with(CLIENT));
    !is_outbound
        && matches!(ended.get("Result"), Some("dialed-call-incomplete" | "no-other-participants" | "internal-error"))
}

/// Returns the status of a call without legs, from the result that Twilio reported with its end.
fn ended_status(ended: &Form<'_>) -> &'static str {
    match ended.get("Result") {
        Some("dialed-call-incomplete" | "no-other-participants") => NO_ANSWER,
        Some("internal-error") => "failed",
        _ => "completed",
    }
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
    fn people(first: Option<(&str, &str)>, second: (&str, &str)) -> (CallDirection, [Option<String>; 3]) {
        let started = first.map(|(from, to)| stored(CallEvent::Started, &[("From", from), ("To", to)]));
        let (from, to) = second;
        let end = leg("CA2", "completed", &[("From", from), ("To", to)]);
        let events: Vec<_> = started.into_iter().collect();
        let Call { direction, worker, customer_address, proxy_address, .. } =
            summary(&end.form, &events).expect("a call").call;
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

    /// The status of a leg to a worker.
    fn leg(sid: &str, status: &str, more: &[(&str, &str)]) -> StoredEvent {
        let own = [("CallSid", sid), ("ParentCallSid", "CA1"), ("CallStatus", status)];
        stored(CallEvent::Status, &[&own[..], more].concat())
    }

    /// Returns end, status, worker and seconds of the call that these events describe; the first one enqueued the log.
    fn described(events: &[StoredEvent]) -> (CallEnd, String, Option<String>, Option<u32>) {
        let CallSummary { call, end, .. } = summary(&events[0].form, events).expect("a call");
        (end, call.status, call.worker, call.duration_seconds)
    }

    fn ended(result: &str) -> StoredEvent {
        stored(CallEvent::Ended, &[("CallSid", "CA1"), ("Result", result)])
    }

    #[test]
    fn the_answered_leg_describes_the_call() {
        let ana = [("From", CUSTOMER), ("To", APP)];
        let ben = [("From", CUSTOMER), ("To", "client:ben@example.org"), ("CallDuration", "61")];
        let events = [leg("CA2", "no-answer", &ana), leg("CA3", "completed", &ben), ended("")];
        let expected = (CallEnd::Reported, "completed".to_owned(), Some("ben@example.org".to_owned()), Some(61));
        assert_eq!(described(&events), expected);
    }

    #[test]
    fn a_call_with_an_open_leg_has_not_ended() {
        let events = [leg("CA2", "no-answer", &[]), leg("CA3", "ringing", &[])];
        assert_eq!(described(&events).0, CallEnd::OpenLeg);
    }

    #[test]
    fn a_last_status_that_overtook_an_earlier_one_ends_its_leg() {
        let events = [leg("CA2", "completed", &[]), leg("CA2", "in-progress", &[])];
        assert_eq!(described(&events).0, CallEnd::Likely);
    }

    #[test]
    fn the_first_leg_ends_the_call_and_does_not_say_that_it_was_answered() {
        let first =
            stored(CallEvent::Status, &[("CallSid", "CA1"), ("CallStatus", "completed"), ("CallDuration", "9")]);
        let events = [leg("CA2", "busy", &[]), first];
        assert_eq!(described(&events), (CallEnd::Reported, "busy".to_owned(), None, None));
    }

    #[test]
    fn the_result_describes_a_call_without_legs() {
        for (result, status) in [("no-other-participants", "no-answer"), ("internal-error", "failed")] {
            assert_eq!(described(&[ended(result)]).1, status);
        }
    }

    #[test]
    fn only_a_completed_recording_is_one() {
        for (status, known) in [("completed", true), ("absent", false)] {
            let recording = [("CallSid", "CA1"), ("RecordingSid", "RE1"), ("RecordingStatus", status)];
            let end = leg("CA2", "completed", &[]);
            let summary = summary(&end.form, &[stored(CallEvent::Recording, &recording)]).expect("a call");
            assert_eq!((summary.is_recording_known, summary.call.recording.is_some()), (true, known));
        }
    }
}
