//! Reads requests, and sends or withholds the responses.

use std::sync::Arc;
use std::time::Instant;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, header};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::common::reply::{Body, Cut, Reply};
use crate::crm::contact::Contact;
use crate::crm::control;
use crate::crm::fault::{Action, Call};
use crate::crm::page::Query;
use crate::crm::state::{Recorded, Shared, State};

/// The OpenAPI description of the API.
pub(crate) const OPENAPI: &str = include_str!("openapi.json");

/// The maximum size of a body in bytes, enough for a form of the control API.
const BODY_BYTES_MAX: usize = 16 << 10;

pub(crate) async fn respond(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|_| Cut)?.to_bytes();
    if shared.control && head.uri.path().starts_with("/_control") {
        let form: Vec<_> = form_urlencoded::parse(&body).into_owned().collect();
        return Ok(control::answer(&shared, &head.method, head.uri.path(), &form).into());
    }
    if head.uri.path() == "/openapi.json" {
        return Ok(Reply::new(200, OPENAPI).header("content-type", "application/json").into());
    }
    let call = if head.uri.path() == "/contacts" { Call::List } else { Call::Contact };
    let (number, fault) = shared.state.update(|state| {
        let (method, target) = (head.method.to_string(), head.uri.to_string());
        let authorized = shows(&head, &state.token);
        let number = state.record(Recorded { method, target, authorized, status: None });
        (number, state.faults.draw(call, None))
    });
    let answer = || shared.state.update(|state| serve(state, &head));
    let reply = failing(fault, answer).await?;
    shared.state.update(|state| state.answered(number, reply.status));
    Ok(reply.header("content-type", "application/json").into())
}

/// Returns the response after applying a fault.
async fn failing(fault: Option<Action>, answer: impl Fn() -> Reply) -> Result<Reply, Cut> {
    let reply = match fault {
        None => answer(),
        Some(Action::Status(status)) => problem(status, "on-purpose", "this fails on purpose"),
        Some(Action::TooManyRequests(seconds)) => too_many(seconds),
        Some(Action::ExpiredToken) => problem(401, "token-expired", "the token has expired"),
        Some(Action::Slow(time)) => {
            tokio::time::sleep(time).await;
            answer()
        }
        Some(Action::Hang) => std::future::pending().await,
        Some(Action::Close) => return Err(Cut),
        Some(Action::Half) => Reply { half: true, ..answer() },
        Some(Action::Garbage) => Reply::new(200, "<html><body>Welcome to nginx!</body></html>"),
        Some(Action::WrongType) => Reply::new(200, mistyped(&answer().body).to_string()),
        Some(Action::Truncated) => {
            let body = answer().body;
            Reply::new(200, body.slice(..body.len() / 2))
        }
        Some(Action::TooLarge(bytes)) => {
            let padding = "x".repeat(bytes.min(Action::BYTES_MAX));
            Reply::new(200, json!({ "contacts": [], "next_cursor": null, "padding": padding }).to_string())
        }
    };
    Ok(reply)
}

/// Returns the response without faults.
fn serve(state: &mut State, head: &Parts) -> Reply {
    if !shows(head, &state.token) {
        return problem(401, "token-unknown", "show the token as `Authorization: Bearer ...`");
    }
    if let Err(seconds) = state.limit.take(Instant::now()) {
        return too_many(seconds);
    }
    if head.method != Method::GET {
        return problem(405, "method", "contacts are only read here").header("allow", "GET");
    }
    let path = head.uri.path();
    if path == "/contacts" {
        return match Query::parse(head.uri.query().unwrap_or_default()) {
            Ok(wanted) => Reply::new(200, wanted.page(&state.contacts).to_string()),
            Err(words) => problem(400, "query", &words),
        };
    }
    let id = path.strip_prefix("/contacts/");
    let found = id.and_then(|id| state.contacts.iter().find(|contact| contact.id == id));
    match found.map(Contact::json) {
        Some(contact) => Reply::new(200, contact.to_string()),
        None => problem(404, "not-found", "unknown contact"),
    }
}

fn shows(head: &Parts, token: &str) -> bool {
    let shown = head.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    shown.and_then(|shown| shown.strip_prefix("Bearer ")) == Some(token)
}

fn problem(status: u16, code: &str, message: &str) -> Reply {
    Reply::new(status, json!({ "error": { "code": code, "message": message } }).to_string())
}

fn too_many(seconds: u64) -> Reply {
    problem(429, "too-many-requests", "too many requests").header("retry-after", seconds.to_string())
}

/// Replaces names with numbers, to break the schema.
fn mistyped(body: &[u8]) -> Value {
    let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
    match body["contacts"].as_array_mut() {
        Some(contacts) => contacts.iter_mut().for_each(|contact| contact["name"] = 42.into()),
        None => body["name"] = 42.into(),
    }
    body
}
