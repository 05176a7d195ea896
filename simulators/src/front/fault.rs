//! The shapes in which a call to Front fails, and which calls they hit.

use crate::common::fault::{self, Kind};

/// What a request asks for.
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
    /// `GET /messages/{msg}/download/{fil}`
    Download,
    /// `GET /messages/{msg}`
    FetchMessage,
    /// `GET /conversations/{cnv}`
    FetchConversation,
    /// The file's bytes, at the storage that a download leads to.
    Storage,
    /// Something that this double does not know: 404.
    Unknown,
    /// In a [`Fault`]: whatever it is.
    Any,
}

impl Kind for Call {
    const ANY: Self = Self::Any;
}

impl Call {
    const NAMED: [(&str, Self); 9] = [
        ("inbound", Self::Inbound),
        ("outbound", Self::Outbound),
        ("message-status", Self::MessageStatus),
        ("update-channel", Self::UpdateChannel),
        ("download", Self::Download),
        ("fetch-message", Self::FetchMessage),
        ("fetch-conversation", Self::FetchConversation),
        ("storage", Self::Storage),
        ("any", Self::Any),
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|(known, _)| *known == name).map(|(_, call)| call)
    }
}

/// How a request fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// 429, and no word on when to come back.
    TooManyRequests,
    /// 429 of the burst limit: so many milliseconds in the text, and `Retry-After` in whole seconds.
    BurstFor(u64),
    /// 429 of the company's minute, with `Retry-After` in seconds.
    BudgetFor(u64),
    /// This status, and nothing is done.
    FailBefore(u16),
    /// This status, though all is done.
    FailAfter(u16),
    /// The connection is closed when the header is read.
    CloseBeforeReading,
    /// The connection is closed when the body is read; nothing is done.
    CloseAfterReading,
    /// The connection is closed instead of an answer, though all is done.
    CloseAfterActing,
    /// All is done, and half of the answer comes.
    HalfAnAnswer,
    /// All is done, and the answer has the right status and is no JSON.
    Garbage,
    /// After so many milliseconds all is done and answered, even if the caller has left.
    Slow(u64),
    /// Nothing is done and nothing is answered, for as long as the caller waits.
    Hang,
    /// 401.
    Unauthorized,
    /// 404.
    NotFound,
    /// 307 to `/redirected` and the same path on this double, where nothing is.
    Redirect,
}

impl Action {
    /// All shapes with their names, and this number where a shape has one.
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

    /// Every shape once, with short delays; failures with a status once for each status.
    pub fn all() -> Vec<Self> {
        Self::named_all(None).into_iter().map(|(_, action)| action).collect()
    }

    /// The shapes after which it is right to ask again, and after which asking again will do; without
    /// [`Action::Hang`], which takes as long as the caller is patient.
    pub fn passing() -> Vec<Self> {
        Self::all().into_iter().filter(|action| !action.is_final() && *action != Self::Hang).collect()
    }

    /// The passing shapes that never do what they do not admit: asking again doubles nothing.
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

/// A failure that waits for its requests.
pub type Fault = fault::Fault<Action, Call>;

pub(crate) type Faults = fault::Faults<Action, Call>;

impl Fault {
    /// Hits only requests with this channel in their path.
    pub fn channel(self, id: &str) -> Self {
        self.within(id)
    }
}
