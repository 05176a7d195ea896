//! Faults that hit calls to Front.

use crate::common::fault::{self, Kind};

/// An operation of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `POST /channels/{cha}/inbound_messages`
    Inbound,
    /// `POST /channels/{cha}/outbound_messages`
    Outbound,
    /// `PUT /channels/{cha}/conversations/{id}/messages/{id}/status`
    MessageStatus,
    /// `PATCH /channels/{cha}`
    UpdateChannel,
    /// `POST /inboxes/{inb}/channels`
    CreateChannel,
    /// `PUT /channels/{cha}/application_message_templates`
    PutTemplate,
    /// `PATCH /channels/{cha}/application_message_templates/{id}`
    PatchTemplate,
    /// `POST /channels/{cha}/calls`
    CreateCall,
    /// `PATCH /channels/{cha}/calls/{id}`
    UpdateCall,
    /// `POST /channels/{cha}/calls/{id}/recording`
    AddRecording,
    /// `POST /channels/{cha}/calls/{id}/transcript`
    AddTranscript,
    /// `POST /channels/{cha}/calls/{id}/summary`
    AddSummary,
    /// `GET /messages/{msg}/download/{fil}`
    Download,
    /// `GET /messages/{msg}`
    FetchMessage,
    /// `GET /conversations/{cnv}`
    FetchConversation,
    /// The download from the storage.
    Storage,
    /// An unknown operation, which gets a 404.
    Unknown,
    /// Any operation, in a [`Fault`].
    Any,
}

impl Kind for Call {
    const ANY: Self = Self::Any;

    const NAMED: &'static [(&'static str, Self)] = &[
        ("inbound", Self::Inbound),
        ("outbound", Self::Outbound),
        ("message-status", Self::MessageStatus),
        ("update-channel", Self::UpdateChannel),
        ("create-channel", Self::CreateChannel),
        ("put-template", Self::PutTemplate),
        ("patch-template", Self::PatchTemplate),
        ("create-call", Self::CreateCall),
        ("update-call", Self::UpdateCall),
        ("add-recording", Self::AddRecording),
        ("add-transcript", Self::AddTranscript),
        ("add-summary", Self::AddSummary),
        ("download", Self::Download),
        ("fetch-message", Self::FetchMessage),
        ("fetch-conversation", Self::FetchConversation),
        ("storage", Self::Storage),
        ("any", Self::Any),
    ];
}

/// The effect of a fault on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Answers 429 without `Retry-After`.
    TooManyRequests,
    /// Answers 429 of the burst limit, with this many milliseconds in the text and whole seconds in `Retry-After`.
    BurstFor(u64),
    /// Answers 429 of the company's limit, with `Retry-After` in seconds.
    BudgetFor(u64),
    /// Answers with this status. The request has no effect.
    FailBefore(u16),
    /// Answers with this status, although the request takes effect.
    FailAfter(u16),
    /// Closes the connection after reading the header.
    CloseBeforeReading,
    /// Closes the connection after reading the body. The request has no effect.
    CloseAfterReading,
    /// Closes the connection without a response, although the request takes effect.
    CloseAfterActing,
    /// Sends half of the response. The request takes effect.
    HalfAnAnswer,
    /// Answers with the right status and a body that is not JSON. The request takes effect.
    Garbage,
    /// Answers after this many milliseconds. The request takes effect even if the caller has disconnected.
    Slow(u64),
    /// Never answers. The request has no effect.
    Hang,
    /// Answers 401.
    Unauthorized,
    /// Answers 404.
    NotFound,
    /// Redirects with 307 to the same path below `/redirected`, which does not exist.
    Redirect,
}

impl Action {
    /// Returns all actions by name. `number` is the argument of actions that have one.
    pub(crate) fn named_all(number: Option<u64>) -> Vec<(String, Self)> {
        let (seconds, millis) = (number.unwrap_or(1), number.unwrap_or(50));
        let shapes = [
            ("too-many-requests", Self::TooManyRequests),
            ("burst-for", Self::BurstFor(millis)),
            ("budget-for", Self::BudgetFor(seconds)),
            ("close-before-reading", Self::CloseBeforeReading),
            ("close-after-reading", Self::CloseAfterReading),
            ("close-after-acting", Self::CloseAfterActing),
            ("half-an-answer", Self::HalfAnAnswer),
            ("garbage", Self::Garbage),
            ("slow", Self::Slow(millis)),
            ("hang", Self::Hang),
            ("unauthorized", Self::Unauthorized),
            ("not-found", Self::NotFound),
            ("redirect", Self::Redirect),
        ];
        fault::named(shapes, Self::FailBefore, Self::FailAfter)
    }

    /// Returns each action once, with short delays. Actions with a status occur once per status.
    pub fn all() -> Vec<Self> {
        Self::named_all(None).into_iter().map(|(_, action)| action).collect()
    }

    /// Returns the transient actions: a retry is correct and succeeds. Excludes [`Action::Hang`], which lasts until the
    /// caller times out.
    pub fn passing() -> Vec<Self> {
        Self::all().into_iter().filter(|action| !action.is_final() && *action != Self::Hang).collect()
    }

    /// Returns the transient actions without a hidden effect: a retry cannot cause a duplicate.
    pub fn refusing() -> Vec<Self> {
        Self::passing().into_iter().filter(|action| !action.conceals()).collect()
    }

    fn conceals(&self) -> bool {
        matches!(self, Self::FailAfter(_) | Self::CloseAfterActing | Self::HalfAnAnswer | Self::Garbage)
    }

    fn is_final(&self) -> bool {
        matches!(self, Self::Unauthorized | Self::NotFound | Self::Redirect)
    }
}

/// A fault of the API.
pub type Fault = fault::Fault<Action, Call>;

pub(crate) type Faults = fault::Faults<Action, Call>;

impl Fault {
    /// Restricts the fault to requests with this channel in the path.
    pub fn channel(self, id: &str) -> Self {
        self.within(id)
    }
}
