//! The provider's webhook: a JSON list of events, authenticated by a password.

use frontgate_sdk::channel::{
    AgentMessage, Body, FailedDelivery, File, InboundMessage, Party, Request, Source, WebhookResult,
};
use frontgate_sdk::{Error, Result};
use serde::Deserialize;

use crate::calls::CallReport;

/// An event of the provider.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Event {
    Inbound(Message),
    Outbound(Message),
    Failed { id: String, reason: String },
    Call(CallReport),
}

#[derive(Deserialize)]
struct Message {
    id: String,
    conversation: String,
    /// The customer's address.
    with: String,
    #[serde(default)]
    email: Option<String>,
    text: String,
    #[serde(default)]
    in_reply_to: Option<String>,
    #[serde(default)]
    author_id: Option<String>,
    /// Whether the text is HTML.
    #[serde(default)]
    html: bool,
    #[serde(default)]
    at: Option<u64>,
    /// File names, each with a source: a URL or the content.
    #[serde(default)]
    files: Vec<(String, String)>,
}

pub(crate) fn receive(request: &Request) -> Result<WebhookResult> {
    if request.header("password") != Some("courier") {
        return Ok(WebhookResult::status(403));
    }
    let events: Vec<Event> = serde_json::from_slice(&request.body).map_err(Error::invalid)?;
    let answer = WebhookResult::status(202).body("text/plain", request.url.clone());
    Ok(events.into_iter().fold(answer, |answer, event| match event {
        Event::Inbound(message) => answer.event(InboundMessage {
            external_id: message.id,
            external_conversation_id: message.conversation,
            in_reply_to: message.in_reply_to,
            sender: Party { email: message.email, ..Party::new(message.with).named("Mora Lind") },
            subject: None,
            body: body(message.html, message.text),
            delivered_at: message.at,
            files: files(message.files),
        }),
        Event::Outbound(message) => answer.event(AgentMessage {
            external_id: message.id,
            external_conversation_id: message.conversation,
            in_reply_to: message.in_reply_to,
            to: vec![Party::new(message.with)],
            author: Some("Otto".to_owned()),
            author_id: message.author_id,
            subject: None,
            body: body(message.html, message.text),
            delivered_at: message.at,
            files: files(message.files),
        }),
        Event::Failed { id, reason } => answer.event(FailedDelivery { external_id: id, reason }),
        Event::Call(report) => answer.event(report.event()),
    }))
}

fn body(is_html: bool, text: String) -> Body {
    if is_html { Body::Html(text) } else { Body::Plain(text) }
}

/// Converts files. A source that is not a URL is the content of the file.
fn files(files: Vec<(String, String)>) -> Vec<File> {
    files.into_iter().map(|(filename, source)| file(filename, "text/plain", source)).collect()
}

pub(crate) fn file(filename: String, content_type: &str, source: String) -> File {
    let source = match source.starts_with("http") {
        true => Source::Url(source),
        false => Source::Bytes(source.into_bytes()),
    };
    File { filename, content_type: content_type.to_owned(), source }
}
