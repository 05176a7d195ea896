//! Faults that hit REST calls.

use crate::common::fault::{self, Kind};

/// An operation of the REST API.
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
    /// `POST /Conversations/{CH}/Messages/{IM}`
    UpdateMessage,
    /// `DELETE /Conversations/{CH}/Messages/{IM}`
    RemoveMessage,
    /// `GET /Conversations/{CH}/Messages/{IM}/Receipts`
    ListReceipts,
    /// `POST /Media`
    UploadMedia,
    /// `GET /Media/{ME}`
    FetchMedia,
    /// `GET /Media/{ME}/Content`
    FetchContent,
    /// `GET` of the temporary URL to which the content redirects
    DownloadContent,
    /// `POST /Conversations/{CH}/Webhooks`
    AddScopedWebhook,
    /// `GET /Conversations/{CH}/Webhooks`
    ListScopedWebhooks,
    /// `GET /Conversations/{CH}/Webhooks/{WH}`
    FetchScopedWebhook,
    /// `POST /Conversations/{CH}/Webhooks/{WH}`
    UpdateScopedWebhook,
    /// `DELETE /Conversations/{CH}/Webhooks/{WH}`
    RemoveScopedWebhook,
    /// `GET /Configuration/Addresses`
    ListAddresses,
    /// `POST /Configuration/Addresses`
    CreateAddress,
    /// `GET /Configuration/Addresses/{IG}`
    FetchAddress,
    /// `POST /Configuration/Addresses/{IG}`
    UpdateAddress,
    /// `DELETE /Configuration/Addresses/{IG}`
    RemoveAddress,
    /// `GET /frontline/v1/Users/{US}`
    FetchUser,
    /// `POST /frontline/v1/Users/{US}`
    UpdateUser,
    /// `GET /Content`
    ListContents,
    /// `GET /ContentAndApprovals`
    ListContentsAndApprovals,
    /// `GET /Content/{HX}`
    FetchTemplate,
    /// `GET /Content/{HX}/ApprovalRequests`
    FetchApproval,
    /// `GET /Configuration`
    FetchConfiguration,
    /// `GET /Configuration/Webhooks`
    FetchWebhooks,
    /// `POST /Configuration/Webhooks`
    UpdateWebhooks,
    /// `GET /2010-04-01/Accounts/{AC}/IncomingPhoneNumbers.json`
    ListNumbers,
    /// `POST /2010-04-01/Accounts/{AC}/IncomingPhoneNumbers/{PN}.json`
    UpdateNumber,
    /// `GET /2010-04-01/Accounts/{AC}/Recordings/{RE}.mp3`
    FetchRecording,
    /// An unknown operation, which gets a 404.
    Unknown,
    /// Any operation, in a [`Fault`].
    Any,
}

impl Kind for Call {
    const ANY: Self = Self::Any;

    const NAMED: &'static [(&'static str, Self)] = &[
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
        ("update-message", Self::UpdateMessage),
        ("remove-message", Self::RemoveMessage),
        ("list-receipts", Self::ListReceipts),
        ("upload-media", Self::UploadMedia),
        ("fetch-media", Self::FetchMedia),
        ("fetch-content", Self::FetchContent),
        ("download-content", Self::DownloadContent),
        ("add-scoped-webhook", Self::AddScopedWebhook),
        ("list-scoped-webhooks", Self::ListScopedWebhooks),
        ("fetch-scoped-webhook", Self::FetchScopedWebhook),
        ("update-scoped-webhook", Self::UpdateScopedWebhook),
        ("remove-scoped-webhook", Self::RemoveScopedWebhook),
        ("list-addresses", Self::ListAddresses),
        ("create-address", Self::CreateAddress),
        ("fetch-address", Self::FetchAddress),
        ("update-address", Self::UpdateAddress),
        ("remove-address", Self::RemoveAddress),
        ("fetch-user", Self::FetchUser),
        ("update-user", Self::UpdateUser),
        ("list-contents", Self::ListContents),
        ("list-contents-and-approvals", Self::ListContentsAndApprovals),
        ("fetch-template", Self::FetchTemplate),
        ("fetch-approval", Self::FetchApproval),
        ("fetch-configuration", Self::FetchConfiguration),
        ("fetch-webhooks", Self::FetchWebhooks),
        ("update-webhooks", Self::UpdateWebhooks),
        ("list-numbers", Self::ListNumbers),
        ("update-number", Self::UpdateNumber),
        ("fetch-recording", Self::FetchRecording),
        ("any", Self::Any),
    ];
}

impl Call {
    /// Returns whether Twilio's descriptions of the Conversations and the Content API cover the operation: media, Frontline's users
    /// and the API of 2010 are other services.
    pub(crate) fn is_described(self) -> bool {
        let of_media =
            matches!(self, Self::UploadMedia | Self::FetchMedia | Self::FetchContent | Self::DownloadContent);
        let of_voice = matches!(self, Self::ListNumbers | Self::UpdateNumber | Self::FetchRecording);
        !of_media && !of_voice && !matches!(self, Self::FetchUser | Self::UpdateUser)
    }
}

/// The effect of a fault on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Answers 429 without `Retry-After`.
    TooManyRequests,
    /// Answers 429 with `Retry-After` in seconds.
    TooManyRequestsFor(u64),
    /// Answers 429 with `Retry-After` as a date this many seconds ahead.
    TooManyRequestsUntil(u64),
    /// Answers 503 with `Retry-After` in seconds.
    UnavailableFor(u64),
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
    /// Closes the connection at once. The request takes effect this many milliseconds later.
    ActLate(u64),
    /// Answers with code 50386: the conversation is initializing.
    Initializing,
    /// Answers with code 50391: concurrent modification.
    ConcurrentModification,
    /// Answers with code 50433: the identity is in the conversation already.
    IdentityExists,
    /// Answers with code 50416: the pair of addresses is in use.
    BindingExists,
    /// Answers 401.
    Unauthorized,
    /// Answers 404 with code 20404.
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

    /// Returns each action once, with short delays. Actions with a status occur once per status.
    pub fn all() -> Vec<Self> {
        Self::named_all(None).into_iter().map(|(_, action)| action).collect()
    }

    /// Returns the transient actions, after which a retry is correct and succeeds.
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

/// A fault of the REST API.
pub type Fault = fault::Fault<Action, Call>;

pub(crate) type Faults = fault::Faults<Action, Call>;

impl Fault {
    /// Restricts the fault to requests with this conversation in the path.
    pub fn conversation(self, sid: &str) -> Self {
        self.within(sid)
    }
}
