//! Replies of a channel to Front.
//!
//! Front shows a teammate "servers unresponsive" for any response in another form, or if no response arrives within
//! seven seconds.
//!
//! | outcome of the request | status | body |
//! |---|---|---|
//! | `authorization`, connected | 200 | `{"type":"success","webhook_url"}` |
//! | `list_addresses` | 200 | `{"type":"success","addresses":[{"address","name"}],"pagination":{"next_page_token"}}` |
//! | `message`, `message_autoreply`: stored | 200 | `{"type":"success","external_id","external_conversation_id"}` |
//! | `message_imported`, `delete` | 200 | `{"type":"success"}` |
//! | wrong signature or time | 401 | `{"type":"bad_request","message"}` |
//! | no channel at this address | 404 | the same |
//! | invalid, or of an unknown type | 400 | the same |
//! | refused by the plugin | 400 | the same, with the plugin's reason |
//! | neither done nor stored | 503 | the same |
//!
//! Front's sample sends `bad_request` with 400; no other type or status is documented.

use serde::Serialize;

use super::requests::Unreadable;

/// Maximum characters of a message, which a teammate may see.
pub(crate) const MESSAGE_CHARS_MAX: usize = 500;

/// A response to Front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelResponse {
    /// HTTP status.
    pub status: u16,
    /// The JSON body.
    pub body: Vec<u8>,
}

/// One account of the provider that can be connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The provider's address of the account, such as a number or a name.
    pub value: String,
    /// The name that the admin sees; the address itself if the name is missing.
    pub name: Option<String>,
}

/// The reply to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply<'a> {
    /// The channel is connected.
    Connected {
        /// The address for all further requests of the channel.
        webhook_url: &'a str,
    },
    /// Accounts that can be connected.
    Addresses {
        /// The accounts of one page.
        addresses: &'a [Address],
        /// Token of the next page.
        next_page_token: Option<&'a str>,
    },
    /// The message is sent, or stored to be sent.
    Sent {
        /// The gateway's id of the message.
        external_id: &'a str,
        /// The gateway's id of the message's conversation; after a merge, any id of the merged conversations.
        external_conversation_id: &'a str,
    },
    /// The request is accepted; the reply has no content.
    Accepted,
    /// Wrong signature or time. The reason is for operators only.
    NotSigned,
    /// No channel has this address, or it was removed.
    NoChannel,
    /// The request is invalid.
    Unreadable(&'a Unreadable),
    /// The type of the request is unknown.
    UnknownType(&'a str),
    /// The plugin refused the request, with this reason.
    Refused(&'a str),
    /// The request could be neither done nor stored; Front may try again.
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

impl Reply<'_> {
    /// Returns the exact response.
    pub fn response(&self) -> ChannelResponse {
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
            Self::Accepted => ok(&success),
            Self::NotSigned => problem(401, "the signature does not match"),
            Self::NoChannel => problem(404, "no channel has this address"),
            Self::Unreadable(reason) => problem(400, &reason.to_string()),
            Self::UnknownType(name) => problem(400, &format!("unknown request type: {name}")),
            Self::Refused(reason) => problem(400, reason),
            Self::Unavailable => problem(503, "the channel is temporarily unavailable; try again"),
        }
    }
}

fn named(address: &Address) -> Named<'_> {
    let name = address.name.as_deref().filter(|name| !name.trim().is_empty());
    Named { address: &address.value, name: name.unwrap_or(&address.value) }
}

fn ok(success: &Success<'_>) -> ChannelResponse {
    ChannelResponse { status: 200, body: json(success) }
}

/// Builds an error response. The text becomes one line of at most [`MESSAGE_CHARS_MAX`] characters; an empty text
/// becomes `refused`.
pub fn problem(status: u16, text: &str) -> ChannelResponse {
    let words: Vec<&str> = text
        .split(|letter: char| letter.is_control() || letter.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect();
    let message: String = words.join(" ").chars().take(MESSAGE_CHARS_MAX).collect();
    let message = if message.is_empty() { "refused" } else { &message };
    ChannelResponse { status, body: json(&Problem { r#type: "bad_request", message }) }
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("texts and lists of texts")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(reply: &Reply<'_>) -> (u16, String) {
        let response = reply.response();
        (response.status, String::from_utf8(response.body).expect("UTF-8"))
    }

    #[test]
    fn each_reply_has_its_exact_response() {
        let addresses = [
            Address { value: "+15550100".to_owned(), name: Some("Support line".to_owned()) },
            Address { value: "+15550101".to_owned(), name: Some(" ".to_owned()) },
            Address { value: "+15550102".to_owned(), name: None },
        ];
        let (page, last) = (Some("p2"), None);
        let table = [
            (
                Reply::Connected { webhook_url: "https://gw.example.net/front/3f9c" },
                200,
                r#"{"type":"success","webhook_url":"https://gw.example.net/front/3f9c"}"#,
            ),
            (
                Reply::Addresses { addresses: &addresses, next_page_token: page },
                200,
                r#"{"type":"success","addresses":[{"address":"+15550100","name":"Support line"},{"address":"+15550101","name":"+15550101"},{"address":"+15550102","name":"+15550102"}],"pagination":{"next_page_token":"p2"}}"#,
            ),
            (Reply::Addresses { addresses: &[], next_page_token: last }, 200, r#"{"type":"success","addresses":[]}"#),
            (
                Reply::Sent { external_id: "gw-1", external_conversation_id: "conv-\"77" },
                200,
                r#"{"type":"success","external_id":"gw-1","external_conversation_id":"conv-\"77"}"#,
            ),
            (Reply::Accepted, 200, r#"{"type":"success"}"#),
            (Reply::NotSigned, 401, r#"{"type":"bad_request","message":"the signature does not match"}"#),
            (Reply::NoChannel, 404, r#"{"type":"bad_request","message":"no channel has this address"}"#),
            (
                Reply::Unreadable(&Unreadable::Missing("payload.channel_id")),
                400,
                r#"{"type":"bad_request","message":"the body has no payload.channel_id"}"#,
            ),
            (Reply::UnknownType("typing"), 400, r#"{"type":"bad_request","message":"unknown request type: typing"}"#),
            (
                Reply::Refused("the number\n\tis  blocked"),
                400,
                r#"{"type":"bad_request","message":"the number is blocked"}"#,
            ),
            (Reply::Refused(" \n"), 400, r#"{"type":"bad_request","message":"refused"}"#),
            (
                Reply::Unavailable,
                503,
                r#"{"type":"bad_request","message":"the channel is temporarily unavailable; try again"}"#,
            ),
        ];
        for (reply, status, body) in table {
            assert_eq!(encoded(&reply), (status, body.to_owned()), "{reply:?}");
        }
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        let (_, body) = encoded(&Reply::Refused(&"é".repeat(MESSAGE_CHARS_MAX + 1)));
        assert_eq!(body.matches('é').count(), MESSAGE_CHARS_MAX);
    }
}
