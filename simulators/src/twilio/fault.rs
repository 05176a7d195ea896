//! The shapes in which a REST call fails, and which calls they hit.

use crate::common::fault::{self, Kind};

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `POST /Conversations/{CH}/Participants`
    AddParticipant,
    /// `GET /Conversations/{CH}/Participants/{MB}`
    FetchParticipant,
    /// `POST /Conversations/{CH}/Participants/{MB}`
    UpdateParticipant,
    /// `DELETE /Conversations/{CH}/Participants/{MB}`
    RemoveParticipant,
    /// `GET /Conversations/{CH}/Participants`
    ListParticipants,
    /// `POST /Conversations`
    CreateConversation,
    /// `GET /Conversations/{CH}`
    FetchConversation,
    /// `POST /Conversations/{CH}`
    UpdateConversation,
    /// `DELETE /Conversations/{CH}`
    RemoveConversation,
    /// `GET /Conversations`
    ListConversations,
    /// `GET /ParticipantConversations`
    ParticipantConversations,
    /// `POST /Conversations/{CH}/Messages`
    CreateMessage,
    /// `GET /Conversations/{CH}/Messages/{IM}`
    FetchMessage,
    /// `GET /Conversations/{CH}/Messages`
    ListMessages,
    /// `GET /Conversations/{CH}/Messages/{IM}/Receipts`
    ListReceipts,
    /// `POST /Media`
    UploadMedia,
    /// `GET /Media/{ME}`
    FetchMedia,
    /// `GET /Media/{ME}/Content`
    FetchContent,
    /// `GET` of the temporary URL that the content leads to
    DownloadContent,
    /// `POST /Conversations/{CH}/Webhooks`
    AddScopedWebhook,
    /// `GET /Conversations/{CH}/Webhooks`
    ListScopedWebhooks,
    /// `DELETE /Conversations/{CH}/Webhooks/{WH}`
    RemoveScopedWebhook,
    /// `POST /Configuration/Addresses`
    CreateAddress,
    /// `GET /Configuration/Addresses/{IG}`
    FetchAddress,
    /// `POST /Configuration/Addresses/{IG}`
    UpdateAddress,
    /// `DELETE /Configuration/Addresses/{IG}`
    RemoveAddress,
    /// `GET /Configuration/Webhooks`
    FetchWebhooks,
    /// `POST /Configuration/Webhooks`
    UpdateWebhooks,
    /// Something that this double does not know: 404.
    Unknown,
    /// In a [`Fault`]: whatever it is.
    Any,
}

impl Kind for Call {
    const ANY: Self = Self::Any;
}

impl Call {
    const NAMED: [(&str, Self); 29] = [
        ("add-participant", Self::AddParticipant),
        ("fetch-participant", Self::FetchParticipant),
        ("update-participant", Self::UpdateParticipant),
        ("remove-participant", Self::RemoveParticipant),
        ("list-participants", Self::ListParticipants),
        ("create-conversation", Self::CreateConversation),
        ("fetch-conversation", Self::FetchConversation),
        ("update-conversation", Self::UpdateConversation),
        ("remove-conversation", Self::RemoveConversation),
        ("list-conversations", Self::ListConversations),
        ("participant-conversations", Self::ParticipantConversations),
        ("create-message", Self::CreateMessage),
        ("fetch-message", Self::FetchMessage),
        ("list-messages", Self::ListMessages),
        ("list-receipts", Self::ListReceipts),
        ("upload-media", Self::UploadMedia),
        ("fetch-media", Self::FetchMedia),
        ("fetch-content", Self::FetchContent),
        ("download-content", Self::DownloadContent),
        ("add-scoped-webhook", Self::AddScopedWebhook),
        ("list-scoped-webhooks", Self::ListScopedWebhooks),
        ("remove-scoped-webhook", Self::RemoveScopedWebhook),
        ("create-address", Self::CreateAddress),
        ("fetch-address", Self::FetchAddress),
        ("update-address", Self::UpdateAddress),
        ("remove-address", Self::RemoveAddress),
        ("fetch-webhooks", Self::FetchWebhooks),
        ("update-webhooks", Self::UpdateWebhooks),
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
    /// 429 with `Retry-After` in seconds.
    TooManyRequestsFor(u64),
    /// 429 with `Retry-After` as a date so many seconds ahead.
    TooManyRequestsUntil(u64),
    /// 503 with `Retry-After` in seconds.
    UnavailableFor(u64),
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
    /// The connection is closed at once; all is done so many milliseconds later.
    ActLate(u64),
    /// 50386: the conversation is initializing.
    Initializing,
    /// 50391: concurrent modification.
    ConcurrentModification,
    /// 50433: this identity is in already, which is not true.
    IdentityExists,
    /// 50416: this pair of addresses is taken, which is not true.
    BindingExists,
    /// 401.
    Unauthorized,
    /// 404 with 20404.
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
            ("too-many-requests-for", Self::TooManyRequestsFor(seconds)),
            ("too-many-requests-until", Self::TooManyRequestsUntil(seconds)),
            ("unavailable-for", Self::UnavailableFor(seconds)),
            ("close-before-reading", Self::CloseBeforeReading),
            ("close-after-reading", Self::CloseAfterReading),
            ("close-after-acting", Self::CloseAfterActing),
            ("half-an-answer", Self::HalfAnAnswer),
            ("garbage", Self::Garbage),
            ("slow", Self::Slow(millis)),
            ("act-late", Self::ActLate(millis)),
            ("initializing", Self::Initializing),
            ("concurrent-modification", Self::ConcurrentModification),
            ("identity-exists", Self::IdentityExists),
            ("binding-exists", Self::BindingExists),
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

    /// The shapes after which it is right to ask again, and after which asking again will do.
    pub fn passing() -> Vec<Self> {
        Self::all().into_iter().filter(|action| !action.is_final()).collect()
    }

    fn is_final(&self) -> bool {
        matches!(
            self,
            Self::IdentityExists | Self::BindingExists | Self::Unauthorized | Self::NotFound | Self::Redirect
        )
    }
}

/// A failure that waits for its requests.
pub type Fault = fault::Fault<Action, Call>;

pub(crate) type Faults = fault::Faults<Action, Call>;

impl Fault {
    /// Hits only requests with this conversation in their path.
    pub fn conversation(self, sid: &str) -> Self {
        self.within(sid)
    }
}
