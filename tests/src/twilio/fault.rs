//! The shapes in which a REST call fails, and which calls they hit.

use crate::twilio::chance::Chance;

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
    /// `GET /Configuration/Webhooks`
    FetchWebhooks,
    /// `POST /Configuration/Webhooks`
    UpdateWebhooks,
    /// Something that this double does not know: 404.
    Unknown,
    /// In a [`Fault`]: whatever it is.
    Any,
}

impl Call {
    const NAMED: [(&str, Self); 14] = [
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
        let mut all = vec![
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
        ]
        .into_iter()
        .map(|(name, action)| (name.to_owned(), action))
        .collect::<Vec<_>>();
        for status in [500, 502, 503, 504] {
            all.push((format!("fail-before-{status}"), Self::FailBefore(status)));
            all.push((format!("fail-after-{status}"), Self::FailAfter(status)));
        }
        all
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
#[derive(Debug, Clone)]
pub struct Fault {
    action: Action,
    call: Call,
    conversation: Option<String>,
    spared: usize,
    times: usize,
}

impl Fault {
    /// Hits the next request, whatever it is.
    pub fn new(action: Action) -> Self {
        Self { action, call: Call::Any, conversation: None, spared: 0, times: 1 }
    }

    /// Hits only these calls.
    pub fn on(self, call: Call) -> Self {
        Self { call, ..self }
    }

    /// Hits only requests with this conversation in their path.
    pub fn conversation(self, sid: &str) -> Self {
        Self { conversation: Some(sid.to_owned()), ..self }
    }

    /// Hits so many requests.
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Lets so many requests through before the first that it hits.
    pub fn after(self, spared: usize) -> Self {
        Self { spared, ..self }
    }

    fn matches(&self, call: Call, conversation: Option<&str>) -> bool {
        (self.call == Call::Any || self.call == call)
            && self.conversation.as_deref().is_none_or(|wanted| conversation == Some(wanted))
    }
}

/// All failures to come.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) queued: Vec<Fault>,
    pub(crate) random: Option<Random>,
}

#[derive(Debug)]
pub(crate) struct Random {
    pub(crate) chance: Chance,
    pub(crate) probability: f64,
    pub(crate) actions: Vec<Action>,
}

impl Faults {
    pub(crate) fn draw(&mut self, call: Call, conversation: Option<&str>) -> Option<Action> {
        for (at, fault) in self.queued.iter_mut().enumerate().filter(|(_, fault)| fault.matches(call, conversation)) {
            if fault.spared > 0 {
                fault.spared -= 1;
                continue;
            }
            let action = fault.action.clone();
            fault.times = fault.times.saturating_sub(1);
            if fault.times == 0 {
                self.queued.remove(at);
            }
            return Some(action);
        }
        let random = self.random.as_mut()?;
        let hit = !random.actions.is_empty() && random.chance.happens(random.probability);
        hit.then(|| random.actions[random.chance.below(random.actions.len())].clone())
    }
}
