//! Reads requests, and sends or withholds the responses.

use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Request, Response, header};
use uuid::Uuid;

use crate::common::reply::{Body, Cut, Reply};
use crate::twilio::control;
use crate::twilio::description::{self, Sent, SentBody};
use crate::twilio::fault::{Action, Call};
use crate::twilio::inject;
use crate::twilio::record::Recorded;
use crate::twilio::rest::{Place, RestRequest, authorization, pairs};
use crate::twilio::state::Shared;

const FORM: &str = "application/x-www-form-urlencoded";
/// The header in which Twilio's libraries send their name and version. It is not described.
const LIBRARY: &str = "x-twilio-client";

pub(crate) async fn respond(
    shared: Arc<Shared>,
    connection: u64,
    request: Request<Incoming>,
) -> Result<Response<Body>, Cut> {
    let (head, body) = request.into_parts();
    if shared.control && control::is_for(head.uri.path()) {
        let form = body.collect().await.map_err(|_| Cut)?.to_bytes();
        return Ok(response(control::answer(&shared, &head.method, head.uri.path(), &pairs(&form)).await));
    }
    let method = head.method.to_string();
    let place = Place::find(&method, head.uri.path());
    let (index, fault) = note(&shared, connection, &head, &place);
    if fault == Some(Action::CloseBeforeReading) {
        check(&shared, &head, &place, SentBody::Unread);
        return Err(Cut);
    }
    let bytes = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let content_type = text(&head, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let is_form = bytes.is_empty() || content_type.split(';').next().is_some_and(|kind| kind.trim() == FORM);
    let is_form = is_form && place.call != Call::UploadMedia;
    let form = if is_form { pairs(&bytes) } else { Vec::new() };
    let sent = if is_form { SentBody::Form(&form) } else { SentBody::Other(content_type) };
    check(&shared, &head, &place, sent);
    let (authorization, webhook_enabled) = shared.update(|state| {
        let recorded = &mut state.requests[index];
        recorded.form.clone_from(&form);
        recorded.size = bytes.len();
        (recorded.authorization, recorded.webhook_enabled)
    });
    let request = RestRequest {
        method,
        path: head.uri.path().to_owned(),
        place,
        query: pairs(head.uri.query().unwrap_or_default().as_bytes()),
        form,
        is_form,
        content_type: content_type.to_owned(),
        bytes,
        authorization,
        webhook_enabled,
        url: shared.url.clone(),
        storage_url: shared.storage_url.clone(),
    };
    // Spawn a task: Twilio completes a request even if the caller disconnects.
    let working = tokio::spawn(inject::answer(Arc::clone(&shared), index, request, fault));
    let reply = working.await.ok().flatten().ok_or(Cut)?;
    shared.update(|state| state.requests[index].status = Some(reply.status));
    Ok(response(reply))
}

/// Records a request. Returns the index of the record and the fault that hits the request.
fn note(shared: &Shared, connection: u64, head: &Parts, place: &Place) -> (usize, Option<Action>) {
    shared.update(|state| {
        let fault = state.faults.draw(place.call, place.conversation.as_deref());
        let enabled = text(head, "x-twilio-webhook-enabled").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        state.requests.push(Recorded {
            at: shared.started.elapsed(),
            connection,
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: pairs(head.uri.query().unwrap_or_default().as_bytes()),
            form: Vec::new(),
            size: 0,
            call: place.call,
            conversation: place.conversation.clone(),
            authorization: authorization(text(head, header::AUTHORIZATION.as_str()), &shared.credentials),
            webhook_enabled: enabled,
            idempotency: text(head, "i-twilio-idempotency-token")
                .or_else(|| text(head, "idempotency-key"))
                .map(ToOwned::to_owned),
            user_agent: text(head, header::USER_AGENT.as_str()).map(ToOwned::to_owned),
            fault: fault.clone(),
            status: None,
            acted: false,
        });
        (state.requests.len() - 1, fault)
    })
}

/// Compares a request with Twilio's published description, and records deviations.
fn check(shared: &Shared, head: &Parts, place: &Place, body: SentBody<'_>) {
    if !place.call.is_described() {
        return;
    }
    let is_described = |name: &str| name.starts_with("x-twilio-") && name != LIBRARY;
    let headers = head.headers.iter().filter(|(name, _)| is_described(name.as_str()));
    let headers =
        headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let deviations = description::request(&Sent {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: &pairs(head.uri.query().unwrap_or_default().as_bytes()),
        headers: &headers.collect::<Vec<_>>(),
        body,
    });
    shared.update(|state| state.deviations.extend(deviations));
}

fn text<'h>(head: &'h Parts, name: &str) -> Option<&'h str> {
    head.headers.get(name).and_then(|value| value.to_str().ok())
}

fn response(reply: Reply) -> Response<Body> {
    let has_kind = reply.body.is_empty() || reply.headers.iter().any(|(name, _)| *name == "content-type");
    let reply = reply.header("twilio-request-id", format!("RQ{}", Uuid::new_v4().simple()));
    let kind = header::CONTENT_TYPE.as_str();
    if has_kind { reply.into() } else { reply.header(kind, "application/json;charset=utf-8").into() }
}
