//! What a channel answers. Front shows a teammate one text, "servers unresponsive", for every answer
//! that is not exactly as it wants it, and for every one after seven seconds.
//!
//! | what became of the request | status | body |
//! |---|---|---|
//! | `authorization`, connected | 200 | `{"type":"success","webhook_url"}` |
//! | `list_addresses` | 200 | `{"type":"success","addresses":[{"address","name"}],"pagination":{"next_page_token"}}` |
//! | `message`, `message_autoreply`: kept | 200 | `{"type":"success","external_id","external_conversation_id"}` |
//! | `message_imported`, `delete` | 200 | `{"type":"success"}` |
//! | the signature or its time is not right | 401 | `{"type":"bad_request","message"}` |
//! | nothing is at this address | 404 | the same |
//! | it cannot be read, or is of a type that nobody knows | 400 | the same |
//! | the plugin refused it for good | 400 | the same, with the plugin's reason |
//! | it could neither be done nor kept | 503 | the same |
//!
//! Front's sample means `bad_request` to come with 400; no other type and no other status is known.

use serde::Serialize;

use super::requests::Unreadable;

/// Characters of a message that a teammate may get to see.
pub const MESSAGE_CHARS_MAX: usize = 500;

/// An answer to a request of Front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Of HTTP.
    pub status: u16,
    /// JSON.
    pub body: Vec<u8>,
}

/// One account of the provider that could be connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A number, a name, or what else the provider calls it.
    pub value: String,
    /// As the admin sees it; the address itself where there is none.
    pub name: Option<String>,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// A channel is connected.
    Connected {
        /// Where Front sends everything else about it.
        webhook_url: &'a str,
    },
    /// What can be connected.
    Addresses {
        /// One page.
        addresses: &'a [Address],
        /// How to ask for the next one.
        next_page_token: Option<&'a str>,
    },
    /// A message is sent, or is kept to be sent.
    Sent {
        /// Our id of it.
        external_id: &'a str,
        /// Our id of its conversation; of several, any keeps it there.
        external_conversation_id: &'a str,
    },
    /// Nothing is to be said.
    Noted,
    /// Front did not sign it, or not now. The reason is the operator's.
    NotSigned,
    /// No channel has this address, or none any more.
    NoChannel,
    /// It cannot be worked with.
    Unreadable(&'a Unreadable),
    /// A type that nobody here knows.
    UnknownType(&'a str),
    /// The plugin said no, for good, with this reason.
    Refused(&'a str),
    /// Not now: it could be neither done nor kept.
    Unavailable,
}

#[derive(Serialize, Default)]
struct Success<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    addresses: Option<Vec<Named<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pagination: Option<Pagination<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_conversation_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Named<'a> {
    address: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Pagination<'a> {
    next_page_token: &'a str,
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'static str,
    message: &'a str,
}

impl Outcome<'_> {
    /// The exact answer.
    pub fn answer(&self) -> Answer {
        let success = Success { r#type: "success", ..Success::default() };
        match self {
            Self::Connected { webhook_url } => ok(&Success { webhook_url: Some(webhook_url), ..success }),
            Self::Addresses { addresses, next_page_token } => {
                let pagination = next_page_token.map(|next_page_token| Pagination { next_page_token });
                ok(&Success { addresses: Some(addresses.iter().map(named).collect()), pagination, ..success })
            }
            Self::Sent { external_id, external_conversation_id } => ok(&Success {
                external_id: Some(external_id),
                external_conversation_id: Some(external_conversation_id),
                ..success
            }),
            Self::Noted => ok(&success),
            Self::NotSigned => problem(401, "the signature does not match"),
            Self::NoChannel => problem(404, "no channel has this address"),
            Self::Unreadable(reason) => problem(400, &reason.to_string()),
            Self::UnknownType(name) => problem(400, &format!("requests of the type {name} are not known here")),
            Self::Refused(reason) => problem(400, reason),
            Self::Unavailable => problem(503, "the channel is not available for the moment; try again"),
        }
    }
}

fn named(address: &Address) -> Named<'_> {
    let name = address.name.as_deref().filter(|name| !name.trim().is_empty());
    Named { address: &address.value, name: name.unwrap_or(&address.value) }
}

fn ok(success: &Success<'_>) -> Answer {
    Answer { status: 200, body: json(success) }
}

/// Any other refusal, with this text as one line, not too long, and never empty.
pub fn problem(status: u16, text: &str) -> Answer {
    let words: Vec<&str> = text
        .split(|letter: char| letter.is_control() || letter.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect();
    let message: String = words.join(" ").chars().take(MESSAGE_CHARS_MAX).collect();
    let message = if message.is_empty() { "refused" } else { &message };
    Answer { status, body: json(&Problem { r#type: "bad_request", message }) }
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("texts and lists of texts")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(outcome: &Outcome<'_>) -> (u16, String) {
        let answer = outcome.answer();
        (answer.status, String::from_utf8(answer.body).expect("UTF-8"))
    }

    #[test]
    fn each_outcome_has_its_exact_answer() {
        let addresses = [
            Address { value: "+15550100".to_owned(), name: Some("Support line".to_owned()) },
            Address { value: "+15550101".to_owned(), name: Some(" ".to_owned()) },
            Address { value: "+15550102".to_owned(), name: None },
        ];
        let (page, last) = (Some("p2"), None);
        let table = [
            (
                Outcome::Connected { webhook_url: "https://gw.example.net/front/3f9c" },
                200,
                r#"{"type":"success","webhook_url":"https://gw.example.net/front/3f9c"}"#,
            ),
            (
                Outcome::Addresses { addresses: &addresses, next_page_token: page },
                200,
                r#"{"type":"success","addresses":[{"address":"+15550100","name":"Support line"},{"address":"+15550101","name":"+15550101"},{"address":"+15550102","name":"+15550102"}],"pagination":{"next_page_token":"p2"}}"#,
            ),
            (Outcome::Addresses { addresses: &[], next_page_token: last }, 200, r#"{"type":"success","addresses":[]}"#),
            (
                Outcome::Sent { external_id: "gw-1", external_conversation_id: "conv-\"77" },
                200,
                r#"{"type":"success","external_id":"gw-1","external_conversation_id":"conv-\"77"}"#,
            ),
            (Outcome::Noted, 200, r#"{"type":"success"}"#),
            (Outcome::NotSigned, 401, r#"{"type":"bad_request","message":"the signature does not match"}"#),
            (Outcome::NoChannel, 404, r#"{"type":"bad_request","message":"no channel has this address"}"#),
            (
                Outcome::Unreadable(&Unreadable::Missing("payload.channel_id")),
                400,
                r#"{"type":"bad_request","message":"the body has no payload.channel_id"}"#,
            ),
            (
                Outcome::UnknownType("typing"),
                400,
                r#"{"type":"bad_request","message":"requests of the type typing are not known here"}"#,
            ),
            (
                Outcome::Refused("the number\n\tis  blocked"),
                400,
                r#"{"type":"bad_request","message":"the number is blocked"}"#,
            ),
            (Outcome::Refused(" \n"), 400, r#"{"type":"bad_request","message":"refused"}"#),
            (
                Outcome::Unavailable,
                503,
                r#"{"type":"bad_request","message":"the channel is not available for the moment; try again"}"#,
            ),
        ];
        for (outcome, status, body) in table {
            assert_eq!(said(&outcome), (status, body.to_owned()), "{outcome:?}");
        }
    }

    #[test]
    fn a_reason_is_cut_where_a_character_ends() {
        let (_, body) = said(&Outcome::Refused(&"é".repeat(MESSAGE_CHARS_MAX + 1)));
        assert_eq!(body.matches('é').count(), MESSAGE_CHARS_MAX);
    }
}
