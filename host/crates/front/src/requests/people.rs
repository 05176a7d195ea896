//! Author and recipients of a message.

use serde_json::Value;

use super::{Kind, Unreadable, shape};

/// Maximum number of recipients of one message. Messages have few recipients; all of them reach the plugin.
pub const RECIPIENTS_MAX: usize = 100;

/// A person, by the address that the provider knows, as in the contract of plugins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// A phone number, an address, or any other text that identifies one person.
    pub handle: String,
    /// The displayed name.
    pub name: Option<String>,
    /// The email address, if known.
    pub email: Option<String>,
}

/// One entry of `recipients`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// `from`, `to`, `cc`, `bcc` or `reply-to`, in lower case; empty if missing.
    pub role: String,
    /// The person.
    pub party: Party,
}

/// The author: a teammate, or a bot that Front treats like a teammate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The kind of teammate or bot.
    pub kind: AuthorKind,
    /// Front's id, `tea_...`.
    pub id: Option<String>,
    /// The email address, or else the user name.
    pub handle: Option<String>,
    /// The displayed name.
    pub name: Option<String>,
}

/// The kind of an author, from Front's `type` of a teammate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorKind {
    /// A person.
    Teammate,
    /// A rule.
    Rule,
    /// A macro.
    Macro,
    /// A program: an OAuth client, an application or an integration.
    Api,
    /// An AI.
    Ai,
    /// Another kind.
    Other,
}

impl AuthorKind {
    /// Reads Front's type. Front sent no type before it had bots.
    fn of(name: Option<&str>) -> Self {
        match name {
            None | Some("user") => Self::Teammate,
            Some("rule") => Self::Rule,
            Some("macro") => Self::Macro,
            Some("api" | "application" | "integration") => Self::Api,
            Some("ai") => Self::Ai,
            Some(_) => Self::Other,
        }
    }
}

/// Returns the recipients that have a handle.
pub(super) fn recipients(payload: &Value) -> Result<Vec<Recipient>, Unreadable> {
    let all: Vec<Recipient> = shape::list(payload, "/recipients").iter().filter_map(recipient).collect();
    match all.len() {
        0..=RECIPIENTS_MAX => Ok(all),
        _ => Err(Unreadable::TooMany { what: "recipients", max: RECIPIENTS_MAX }),
    }
}

fn recipient(value: &Value) -> Option<Recipient> {
    let party = Party {
        handle: shape::word(value, "/handle")?,
        name: shape::word(value, "/name"),
        email: shape::word(value, "/email"),
    };
    let role = shape::word(value, "/role").unwrap_or_default().to_lowercase();
    Some(Recipient { role, party })
}

/// Returns the recipients with the role `to`, or else the recipients without a role; without duplicates.
pub(super) fn addressees(recipients: &[Recipient]) -> Vec<Party> {
    let in_role = |role: &'static str| recipients.iter().filter(move |recipient| recipient.role == role);
    let role = if in_role("to").next().is_some() { "to" } else { "" };
    let mut all: Vec<Party> = Vec::new();
    for recipient in in_role(role) {
        if all.iter().all(|known| known.handle != recipient.party.handle) {
            all.push(recipient.party.clone());
        }
    }
    all
}

/// Returns the author, if the payload has one. An autoreply names no author, and is always written by a rule.
pub(super) fn author(payload: &Value, kind: Kind) -> Option<Author> {
    let word = |name| shape::word(payload, &format!("/author/{name}"));
    let (id, email, username, of) = (word("id"), word("email"), word("username"), word("type"));
    let names: Vec<String> = [word("first_name"), word("last_name")].into_iter().flatten().collect();
    let name = Some(names.join(" ")).filter(|name| !name.is_empty()).or_else(|| username.clone());
    let handle = email.or(username);
    if [&id, &handle, &name, &of].into_iter().all(Option::is_none) {
        let rule = Author { kind: AuthorKind::Rule, id, handle, name };
        return (kind == Kind::Autoreply).then_some(rule);
    }
    Some(Author { kind: AuthorKind::of(of.as_deref()), id, handle, name })
}
