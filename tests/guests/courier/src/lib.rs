//! A Front channel for tests that calls the tests' provider at the URL in the setting `url`.
//!
//! The token `refused` is rejected at `connect`. A message `refuse WORDS` is rejected with these words as the reason,
//! and a message `crash` makes the plugin panic. The page `slow` of the addresses takes half a second. Files whose names start with `form` are uploaded in a form, other
//! files directly.
#![cfg(target_family = "wasm")]

mod calls;
mod sign_in;
mod webhook;

use frontgate_sdk::channel::{
    Address, AddressPage, Connection, OutboundKind, OutboundMessage, Request, SendReceipt, SendStatus, Template,
    TemplatePage, TemplateStatus, WebhookResult,
};
use frontgate_sdk::{Channel, Error, Result, http, settings};
use serde::Deserialize;
use serde_json::json;

struct Courier;

frontgate_sdk::export!(Courier: channel, channel_login);

/// The provider's answer for an accepted message.
#[derive(Deserialize)]
struct Taken {
    id: String,
    conversation: String,
}

/// A page of the provider's templates: id, status and body.
#[derive(Deserialize)]
struct Page {
    templates: Vec<(String, String, String)>,
    next: Option<String>,
}

impl Channel for Courier {
    fn connect(connection: Connection) -> Result<()> {
        match connection.credential.as_deref() {
            Some("refused") => Err(Error::Forbidden("this token is not known".to_owned())),
            _ => Ok(()),
        }
    }

    fn list_addresses(credential: Option<String>, page_token: Option<String>) -> Result<AddressPage> {
        let address = |value: &str, name| Address { value: value.to_owned(), name };
        Ok(match page_token.as_deref() {
            Some("slow") => {
                // Long enough for a second request to arrive.
                std::thread::sleep(std::time::Duration::from_millis(500));
                AddressPage { addresses: vec![address("slow", None)], next_page_token: None }
            }
            None => AddressPage { addresses: vec![address("one", credential)], next_page_token: Some("2".to_owned()) },
            Some(_) => AddressPage { addresses: vec![address("two", None)], next_page_token: None },
        })
    }

    fn list_templates(_: Connection, page_token: Option<String>) -> Result<TemplatePage> {
        let answer = http::get(&url("/templates")).query("page", page_token.as_deref().unwrap_or("0")).send()?;
        if answer.status == 404 {
            return Ok(TemplatePage::last([]));
        }
        let page: Page = answer.success()?.json()?;
        let template = |(id, status, body): (String, String, String)| {
            let status = match status.as_str() {
                "approved" => TemplateStatus::Approved,
                "rejected" => TemplateStatus::Rejected,
                _ => TemplateStatus::Pending,
            };
            Template::new(&id, format!("name of {id}"), "en", body, status)
        };
        let templates = page.templates.into_iter().map(template).collect();
        Ok(TemplatePage { templates, next_page_token: page.next })
    }

    fn send(_: Connection, message: OutboundMessage) -> Result<SendReceipt> {
        if let Some(words) = message.text.strip_prefix("refuse ") {
            return Err(Error::invalid(words));
        }
        assert!(message.text != "crash", "instructed panic");
        for file in &message.attachments {
            let request = http::post(&url(&format!("/files/{}", file.filename)));
            let answer = match file.filename.starts_with("form") {
                true => {
                    request.upload_form([http::Part::text("note", "a form"), http::Part::attachment("file", file)])?
                }
                false => request.header("content-type", &file.content_type).upload(&file.id)?,
            };
            answer.success()?;
        }
        let to: Vec<&str> = message.to.iter().map(|party| party.handle.as_str()).collect();
        let body = json!({
            "key": message.idempotency_key,
            "to": to,
            "text": message.text,
            "conversations": message.conversation_ids,
            "autoreply": message.kind == OutboundKind::Autoreply,
            "template": message.template.map(|used| {
                let values: Vec<_> = used.values.into_iter().map(|one| [one.key, one.value]).collect();
                json!({ "id": used.id, "language": used.language, "values": values })
            }),
            "replied_to": message.replied_to,
            "in_reply_to": message.in_reply_to,
            "author": message.author.map(|author| {
                let kind = format!("{:?}", author.kind);
                json!({ "kind": kind, "id": author.id, "handle": author.handle, "name": author.name })
            }),
        });
        let answer = http::post(&url("/messages")).json(&body).send()?;
        if answer.status == 422 {
            return Err(Error::invalid(answer.text()?));
        }
        taken(&answer.success()?)
    }

    fn check_sent(_: Connection, message: OutboundMessage) -> Result<SendStatus> {
        let answer = http::get(&url(&format!("/messages/{}", message.idempotency_key))).send()?;
        match answer.status {
            404 => Ok(SendStatus::NotSent),
            _ => Ok(SendStatus::Sent(taken(&answer.success()?)?)),
        }
    }

    fn receive(_: Connection, request: Request) -> Result<WebhookResult> {
        webhook::receive(&request)
    }

    fn disconnect(connection: Connection) -> Result<()> {
        let url = url(&format!("/channels/{}", connection.channel_id));
        http::request("DELETE", &url).send()?.success().map(drop)
    }

    fn check(_: Connection) -> Result<()> {
        let answer = http::get(&url("/status")).send()?;
        match answer.status {
            401 => Err(Error::Forbidden("the provider refuses the token".to_owned())),
            _ => answer.success().map(drop),
        }
    }
}

fn taken(answer: &http::Response) -> Result<SendReceipt> {
    let taken: Taken = answer.json()?;
    Ok(SendReceipt::new(taken.id, taken.conversation))
}

fn url(path: &str) -> String {
    format!("{}{path}", settings::get("url").unwrap_or_default())
}
