//! Author and recipients of a message.

use serde_json::Value;

use super::{Unreadable, shape};

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

/// The author: a teammate, or a machine that Front treats like a teammate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Front's id, `tea_...`.
    pub id: Option<String>,
    /// `user` for a person; `rule`, `macro`, `api`, `ai` and others for machines.
    pub kind: Option<String>,
    /// The author as a party; the handle is the email address, or else the user name, or else the id.
    pub party: Party,
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

/// Returns the author, if the payload has one.
pub(super) fn author(payload: &Value) -> Option<Author> {
    let word = |name| shape::word(payload, &format!("/author/{name}"));
    let (id, email, username) = (word("id"), word("email"), word("username"));
    let handle = email.clone().or_else(|| username.clone()).or_else(|| id.clone())?;
    let names: Vec<String> = [word("first_name"), word("last_name")].into_iter().flatten().collect();
    let name = Some(names.join(" ")).filter(|name| !name.is_empty()).or(username);
    Some(Author { id, kind: word("type"), party: Party { handle, name, email } })
}
