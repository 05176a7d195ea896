//! What platforms know about the gateway: where each URL belongs, and findings about it for commands and the console.
//!
//! In reading order: [`Finding`]; [`places`] has the place of each URL at Twilio; [`webhooks`] compares webhooks with the
//! need; [`twilio`] reads Twilio's API; [`ask`] is all of it at once, for the console.

pub(crate) mod ask;
pub(crate) mod places;
pub(crate) mod twilio;
pub(crate) mod webhooks;

/// What a finding means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As needed.
    Good,
    /// Works, but deserves a look.
    Warning,
    /// No answer, so nothing is known. A later attempt may have one.
    Unanswered,
    /// Something does not work until a person corrects it.
    Problem,
    /// No API tells it: a person has to compare it.
    ByHand,
}

/// One result of a check.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// Name of the tenant; `None` if it concerns the whole gateway.
    pub(crate) tenant: Option<String>,
    /// The object in one or two words, such as `webhooks`, or a number.
    pub(crate) subject: String,
    /// What it means.
    pub(crate) verdict: Verdict,
    /// The finding, in words.
    pub(crate) text: String,
    /// The correction.
    pub(crate) fix: Option<String>,
}

impl Verdict {
    /// Returns the mark of a line in a terminal.
    pub(crate) fn mark(self) -> char {
        match self {
            Self::Good => '✓',
            Self::Warning | Self::Unanswered => '!',
            Self::Problem => '✗',
            Self::ByHand => ' ',
        }
    }
}

impl Finding {
    /// Creates a finding without a correction.
    pub(crate) fn new(verdict: Verdict, tenant: Option<&str>, subject: &str, text: impl Into<String>) -> Self {
        let tenant = tenant.map(str::to_owned);
        Self { tenant, subject: subject.to_owned(), verdict, text: text.into(), fix: None }
    }

    /// Adds the correction.
    #[must_use]
    pub(crate) fn with_fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }

    /// Returns whether a person has to correct something.
    pub(crate) fn is_problem(&self) -> bool {
        self.verdict == Verdict::Problem
    }
}
