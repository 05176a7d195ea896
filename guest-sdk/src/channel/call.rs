//! Builders for events of voice calls.

use crate::channel::{
    BegunCall, CallChange, CallDirection, CallEvent, CallRecording, CallStatus, ChangedCall, Event, File,
    InitialCallStatus, Party, RecordingKind, SpeakerSide, TranscriptLine,
};

impl CallEvent {
    /// Creates an event from the provider's id of the call and what happened: a [`BegunCall`], a [`ChangedCall`], a
    /// [`CallRecording`], the lines of a transcript, or the text of a summary ([`CallChange::Summary`]).
    ///
    /// ```
    /// use frontgate_sdk::channel::{BegunCall, CallEvent, CallStatus, ChangedCall, WebhookResult};
    ///
    /// let result = WebhookResult::status(204)
    ///     .event(CallEvent::new("CA1", BegunCall::inbound("+12025550107")))
    ///     .event(CallEvent::new("CA1", ChangedCall::new(CallStatus::Connected)));
    /// assert_eq!(result.events.len(), 2);
    /// ```
    pub fn new(call_id: impl Into<String>, change: impl Into<CallChange>) -> Self {
        Self { call_id: call_id.into(), event_id: None, change: change.into() }
    }

    /// Sets the provider's id of the event, so that repetitions are dropped.
    ///
    /// ```
    /// use frontgate_sdk::channel::{CallEvent, CallStatus, ChangedCall};
    ///
    /// let event = CallEvent::new("CA1", ChangedCall::new(CallStatus::Hold)).id("E7");
    /// assert_eq!(event.event_id.as_deref(), Some("E7"));
    /// ```
    pub fn id(mut self, event_id: impl Into<String>) -> Self {
        self.event_id = Some(event_id.into());
        self
    }
}

impl BegunCall {
    /// Creates a ringing call of this person.
    ///
    /// ```
    /// use frontgate_sdk::channel::{BegunCall, Party};
    ///
    /// let call = BegunCall::inbound(Party::new("+12025550107").named("Mora Lind"))
    ///     .queued()
    ///     .parent("CA0")
    ///     .started_at_ms(1_767_225_600_000)
    ///     .agent("ana@example.com");
    /// assert_eq!(call.parent_call_id.as_deref(), Some("CA0"));
    /// ```
    pub fn inbound(from: impl Into<Party>) -> Self {
        Self::new(CallDirection::Inbound(from.into()))
    }

    /// Creates a ringing call to this person.
    ///
    /// ```
    /// # use frontgate_sdk::channel::{BegunCall, CallDirection};
    /// let call = BegunCall::outbound("+12025550107");
    /// assert!(matches!(call.direction, CallDirection::Outbound(_)));
    /// ```
    pub fn outbound(to: impl Into<Party>) -> Self {
        Self::new(CallDirection::Outbound(to.into()))
    }

    fn new(direction: CallDirection) -> Self {
        let status = InitialCallStatus::Ringing;
        Self { direction, status, parent_call_id: None, started_at_ms: None, agent_email: None }
    }

    /// Lets the call begin in a queue.
    ///
    /// ```
    /// # use frontgate_sdk::channel::{BegunCall, InitialCallStatus};
    /// let call = BegunCall::inbound("+12025550107").queued();
    /// assert!(matches!(call.status, InitialCallStatus::Queued));
    /// ```
    pub fn queued(mut self) -> Self {
        self.status = InitialCallStatus::Queued;
        self
    }

    /// Sets the call that this one continues.
    ///
    /// ```
    /// # use frontgate_sdk::channel::BegunCall;
    /// let call = BegunCall::inbound("+12025550107").parent("CA0");
    /// assert_eq!(call.parent_call_id.as_deref(), Some("CA0"));
    /// ```
    pub fn parent(mut self, call_id: impl Into<String>) -> Self {
        self.parent_call_id = Some(call_id.into());
        self
    }

    /// Sets the time, in milliseconds since 1970.
    ///
    /// ```
    /// # use frontgate_sdk::channel::BegunCall;
    /// let call = BegunCall::inbound("+12025550107").started_at_ms(1_767_225_600_000);
    /// assert!(call.started_at_ms.is_some());
    /// ```
    pub fn started_at_ms(mut self, milliseconds: u64) -> Self {
        self.started_at_ms = Some(milliseconds);
        self
    }

    /// Sets the e-mail address of the teammate.
    ///
    /// ```
    /// # use frontgate_sdk::channel::BegunCall;
    /// let call = BegunCall::inbound("+12025550107").agent("ana@example.com");
    /// assert!(call.agent_email.is_some());
    /// ```
    pub fn agent(mut self, email: impl Into<String>) -> Self {
        self.agent_email = Some(email.into());
        self
    }
}

impl ChangedCall {
    /// Creates a change to this state.
    ///
    /// ```
    /// use frontgate_sdk::channel::{CallStatus, ChangedCall};
    ///
    /// let change = ChangedCall::new(CallStatus::Hangup).occurred_at_ms(1_767_225_600_000).agent("ana@example.com");
    /// assert!(change.agent_email.is_some());
    /// ```
    pub fn new(status: CallStatus) -> Self {
        Self { status, occurred_at_ms: None, agent_email: None }
    }

    /// Sets the time, in milliseconds since 1970.
    ///
    /// ```
    /// # use frontgate_sdk::channel::{CallStatus, ChangedCall};
    /// let change = ChangedCall::new(CallStatus::Hold).occurred_at_ms(1_767_225_600_000);
    /// assert!(change.occurred_at_ms.is_some());
    /// ```
    pub fn occurred_at_ms(mut self, milliseconds: u64) -> Self {
        self.occurred_at_ms = Some(milliseconds);
        self
    }

    /// Sets the e-mail address of the teammate.
    ///
    /// ```
    /// # use frontgate_sdk::channel::{CallStatus, ChangedCall};
    /// let change = ChangedCall::new(CallStatus::Connected).agent("ana@example.com");
    /// assert!(change.agent_email.is_some());
    /// ```
    pub fn agent(mut self, email: impl Into<String>) -> Self {
        self.agent_email = Some(email.into());
        self
    }
}

impl CallRecording {
    /// Creates the recording of a conversation.
    ///
    /// ```
    /// use frontgate_sdk::channel::{CallEvent, CallRecording, File};
    ///
    /// let file = File::url("call.mp3", "audio/mpeg", "https://media.example.com/call.mp3");
    /// assert!(CallEvent::new("CA1", CallRecording::of_call(file)).event_id.is_none());
    /// ```
    pub fn of_call(file: File) -> Self {
        Self { kind: RecordingKind::Call, file }
    }

    /// Creates a message that the caller left.
    ///
    /// ```
    /// use frontgate_sdk::channel::{CallRecording, File};
    ///
    /// let recording = CallRecording::of_voicemail(File::bytes("message.wav", "audio/wav", "made up"));
    /// assert_eq!(recording.file.filename, "message.wav");
    /// ```
    pub fn of_voicemail(file: File) -> Self {
        Self { kind: RecordingKind::Voicemail, file }
    }
}

impl TranscriptLine {
    /// Creates what an agent said, with the time since the beginning of the call.
    ///
    /// ```
    /// use frontgate_sdk::channel::{CallEvent, TranscriptLine};
    ///
    /// let lines = vec![TranscriptLine::internal("Ana", 0, "Hello!"), TranscriptLine::external("Mora", 1_500, "Hi!")];
    /// assert_eq!(CallEvent::new("CA1", lines).call_id, "CA1");
    /// ```
    pub fn internal(speaker: impl Into<String>, start_ms: u64, text: impl Into<String>) -> Self {
        Self { speaker: speaker.into(), side: SpeakerSide::Internal, start_ms, text: text.into() }
    }

    /// Creates what the other person said, with the time since the beginning of the call.
    ///
    /// ```
    /// # use frontgate_sdk::channel::TranscriptLine;
    /// assert_eq!(TranscriptLine::external("Mora", 1_500, "Hi!").text, "Hi!");
    /// ```
    pub fn external(speaker: impl Into<String>, start_ms: u64, text: impl Into<String>) -> Self {
        Self { side: SpeakerSide::External, ..Self::internal(speaker, start_ms, text) }
    }
}

impl From<&str> for Party {
    fn from(handle: &str) -> Self {
        Self::new(handle)
    }
}

impl From<String> for Party {
    fn from(handle: String) -> Self {
        Self::new(handle)
    }
}

impl From<BegunCall> for CallChange {
    fn from(begun: BegunCall) -> Self {
        Self::Begun(begun)
    }
}

impl From<ChangedCall> for CallChange {
    fn from(changed: ChangedCall) -> Self {
        Self::Changed(changed)
    }
}

impl From<CallRecording> for CallChange {
    fn from(recording: CallRecording) -> Self {
        Self::Recording(recording)
    }
}

impl From<Vec<TranscriptLine>> for CallChange {
    fn from(lines: Vec<TranscriptLine>) -> Self {
        Self::Transcript(lines)
    }
}

impl From<CallEvent> for Event {
    fn from(event: CallEvent) -> Self {
        Self::Call(event)
    }
}
