//! What the provider tells: a list of events as JSON, from whoever says the password.

use frontgate_sdk::channel::{
    AgentMessage, Body, FailedDelivery, File, InboundMessage, Party, Request, Source, WebhookResult,
};
use frontgate_sdk::{Error, Result};
use serde::Deserialize;

/// One event.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Event {
    Inbound(Said),
    Outbound(Said),
    Failed { id: String, reason: String },
}

#[derive(Deserialize)]
struct Said {
    id: String,
    conversation: String,
    /// The customer.
    with: String,
    #[serde(default)]
    email: Option<String>,
    text: String,
    /// Whether the text is HTML.
    #[serde(default)]
    html: bool,
    #[serde(default)]
    at: Option<u64>,
    /// Names of files, and where they are.
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
        Event::Inbound(said) => answer.event(InboundMessage {
            external_id: said.id,
            external_conversation_id: said.conversation,
            sender: Party { email: said.email, ..Party::new(said.with).named("Mora Lind") },
            subject: None,
            body: body(said.html, said.text),
            delivered_at: said.at,
            files: files(said.files),
        }),
        Event::Outbound(said) => answer.event(AgentMessage {
            external_id: said.id,
            external_conversation_id: said.conversation,
            to: vec![Party::new(said.with)],
            author: Some("Otto".to_owned()),
            subject: None,
            body: body(said.html, said.text),
            delivered_at: said.at,
            files: files(said.files),
        }),
        Event::Failed { id, reason } => answer.event(FailedDelivery { external_id: id, reason }),
    }))
}

fn body(is_html: bool, text: String) -> Body {
    if is_html { Body::Html(text) } else { Body::Plain(text) }
}

/// A source that is no URL is the file itself.
fn files(files: Vec<(String, String)>) -> Vec<File> {
    let file = |(filename, source): (String, String)| {
        let source = match source.starts_with("http") {
            true => Source::Url(source),
            false => Source::Bytes(source.into_bytes()),
        };
        File { filename, content_type: "text/plain".to_owned(), source }
    };
    files.into_iter().map(file).collect()
}
