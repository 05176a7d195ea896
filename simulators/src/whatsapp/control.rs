//! The control API below `/_control`, for people and programs.

use std::fmt::Write as _;

use hyper::Method;
use serde_json::json;
use url::form_urlencoded;

use crate::common::fault::Faults;
use crate::common::reply::Reply;
use crate::common::upload::Upload;
use crate::common::watched::Watched;
use crate::whatsapp::play::{self, Written};
use crate::whatsapp::webhooks::{self, Target};
use crate::whatsapp::{State, fault};

/// The help text of the control API, which the program also shows.
pub(super) const HELP: &str = "\
POST /_control/subscribe    url, token, [address]: verifies the URL with a challenge, and sends webhooks to it
POST /_control/message      from, text, [answers, filename, content (in base64), content_type]
POST /_control/status       message, status (sent, delivered, read, failed), [code]
POST /_control/template     name, language, status (APPROVED, PENDING, PAUSED, ...), body
POST /_control/unreachable  number
POST /_control/fault        action, [call, times, number (a code, a status or ms)]
POST /_control/faults-off
GET  /                      all messages of the company, as text
GET  /_control/log          the account, webhooks and requests
";

/// Returns whether a path belongs to the control API rather than to the platform.
pub(super) fn is_for(path: &str) -> bool {
    path == "/" || path.starts_with("/_control")
}

pub(super) async fn answer(state: &Watched<State>, method: &Method, path: &str, body: &[u8]) -> Reply {
    let form: Vec<_> = form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let refused = |words: &str| Reply::new(400, json!({ "error": words }).to_string());
    match (method.as_str(), path.trim_start_matches("/_control")) {
        ("POST", "/subscribe") => subscribe(state, field("url"), field("token"), field("address")).await,
        ("POST", "/message") => {
            let mut written = match Upload::read(&field) {
                Ok(None) => Written::text(field("from"), field("text")),
                Ok(Some(file)) => with_file(state, field("from"), field("text"), file),
                Err(words) => return refused(&words),
            };
            if !field("answers").is_empty() {
                written = written.answers(field("answers"));
            }
            let (body, ids) = play::prepare(state, [written]);
            sent(webhooks::fire(state, &body).await, &ids[0])
        }
        ("POST", "/status") => {
            let code = field("code").parse().ok();
            let body = state.read(|state| play::status_of(state, field("message"), field("status"), code));
            sent(webhooks::fire(state, &body).await, field("message"))
        }
        ("POST", "/template") => {
            state.update(|state| {
                play::set_template(state, field("name"), field("language"), field("status"), field("body"));
            });
            Reply::new(200, "{}\n")
        }
        ("POST", "/unreachable") => {
            let digits = field("number").chars().filter(char::is_ascii_digit).collect();
            state.update(|state| state.account.unreachable.insert(digits));
            Reply::new(200, "{}\n")
        }
        ("POST", "/fault") => match fault::parse(&field) {
            Ok(fault) => {
                state.update(|state| state.faults.queued.push(fault));
                Reply::new(200, "{}\n")
            }
            Err(words) => refused(&words),
        },
        ("POST", "/faults-off") => {
            state.update(|state| state.faults = Faults::default());
            Reply::new(200, "{}\n")
        }
        ("GET", "/") => Reply::text(state.read(messages)),
        ("GET", "/log") => Reply::text(state.read(State::to_string)),
        _ => Reply::new(404, HELP),
    }
}

async fn subscribe(state: &Watched<State>, url: &str, token: &str, address: &str) -> Reply {
    let refused = |words: String| Reply::new(400, format!("{}\n", json!({ "error": words })));
    let (host, _) = crate::common::exchange::split(url);
    let Ok(address) = (if address.is_empty() { host } else { address }).parse() else {
        return refused("the field address is missing, such as 127.0.0.1:8080".to_owned());
    };
    let target = Target { address, url: url.to_owned() };
    match webhooks::challenge(&target, token, "1158201444").await {
        Ok((200, body)) if body == "1158201444" => {
            state.update(|state| state.webhooks.point_at(target));
            Reply::new(200, "{}\n")
        }
        Ok((status, _)) => refused(format!("the URL did not answer the challenge: status {status}")),
        Err(error) => refused(format!("the URL did not answer the challenge: {error}")),
    }
}

/// Stores a customer's file, and returns the message of its kind.
fn with_file(state: &Watched<State>, from: &str, caption: &str, file: Upload) -> Written {
    let Upload { filename, content_type, content } = file;
    let id = state.update(|state| state.account.store(&content_type, content));
    let mut media = json!({ "id": id, "mime_type": content_type });
    let is = |kind: &&str| content_type.starts_with(&format!("{kind}/"));
    let kind = ["image", "audio", "video"].into_iter().find(is).unwrap_or("document");
    if kind == "document" {
        media["filename"] = filename.into();
    }
    if !caption.is_empty() && kind != "audio" {
        media["caption"] = caption.into();
    }
    Written::of(from, kind, media)
}

/// Answers with the message's id, if the webhook was accepted.
fn sent(fired: Option<Result<u16, String>>, id: &str) -> Reply {
    let refused = |words: String| Reply::new(409, format!("{}\n", json!({ "error": words })));
    match fired {
        Some(Ok(200)) => Reply::new(200, format!("{}\n", json!({ "message": id }))),
        Some(Ok(status)) => refused(format!("the webhook was answered with {status}")),
        Some(Err(error)) => refused(error),
        None => refused("no URL is subscribed".to_owned()),
    }
}

fn messages(state: &State) -> String {
    let mut text = String::new();
    for message in state.messages() {
        let _ = writeln!(text, "{} to +{}: {} {}", message.id, message.to, message.kind(), message.text());
    }
    text
}
