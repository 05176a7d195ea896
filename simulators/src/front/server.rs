//! Reads requests, and sends or withholds the responses.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, header};
use serde_json::Value;
use url::form_urlencoded;

use crate::common::reply::{Body, Cut, Reply};
use crate::front::api::{ApiRequest, Place};
use crate::front::control;
use crate::front::fault::{Action, Call};
use crate::front::form::{self, Form};
use crate::front::inject;
use crate::front::oauth;
use crate::front::problem::Problem;
use crate::front::record::{Authorization, Recorded};
use crate::front::state::Shared;
use crate::front::token::authorization;

/// Responds to a request to the API.
pub(crate) async fn respond(
    shared: Arc<Shared>,
    connection: u64,
    request: Request<Incoming>,
) -> Result<Response<Body>, Cut> {
    if shared.control && control::is_for(request.uri().path()) {
        let (head, body) = request.into_parts();
        let form = body.collect().await.map_err(|_| Cut)?.to_bytes();
        let form: Vec<_> = form_urlencoded::parse(&form).into_owned().collect();
        return Ok(control::answer(&shared, &head.method, head.uri.path(), &form).await.into());
    }
    if oauth::is_for(request.uri().path()) {
        let query = request.uri().query().unwrap_or_default().to_owned();
        return Ok(oauth::returned(&shared, &query).await.into());
    }
    let place = Place::find(request.method().as_str(), request.uri().path());
    let reply = serve(&shared, connection, request, place).await?;
    let headers = shared.read(|state| state.limits.headers(Instant::now()));
    let has_kind = reply.body.is_empty() || reply.headers.iter().any(|(name, _)| *name == "content-type");
    let reply = headers.into_iter().fold(reply, |reply, (name, value)| reply.header(name, value));
    Ok(if has_kind { reply.into() } else { reply.header("content-type", "application/json").into() })
}

/// Responds to a request to the storage.
pub(crate) async fn hand_out(
    shared: Arc<Shared>,
    connection: u64,
    request: Request<Incoming>,
) -> Result<Response<Body>, Cut> {
    Ok(serve(&shared, connection, request, Place::storage()).await?.into())
}

async fn serve(shared: &Arc<Shared>, connection: u64, request: Request<Incoming>, place: Place) -> Result<Reply, Cut> {
    let (head, body) = request.into_parts();
    let (index, fault) = note(shared, connection, &head, &place);
    if fault == Some(Action::CloseBeforeReading) {
        return Err(Cut);
    }
    let bytes = read(body, shared.read(|state| state.settings.bytes_max)).await?;
    let size = bytes.as_ref().map_or(0, Bytes::len);
    let content_type = text(&head, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let form = match bytes {
        None => Err(Problem::too_large()),
        Some(_) if head.method == Method::GET => Ok(Form::default()),
        Some(bytes) => form::read(content_type, bytes).await,
    };
    let (authorization, channel) = shared.update(|state| {
        let recorded = &mut state.requests[index];
        recorded.size = size;
        if let Ok(form) = &form {
            (recorded.body, recorded.files) = (form.fields.clone(), form.files.clone());
        }
        (recorded.authorization.clone(), recorded.channel.clone())
    });
    if fault == Some(Action::Hang) {
        std::future::pending::<()>().await;
    }
    let request = ApiRequest {
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        place,
        channel,
        authorization,
        form,
        index,
    };
    // Spawn a task: Front completes a request even if the caller disconnects.
    let working = tokio::spawn(inject::answer(Arc::clone(shared), request, fault));
    let reply = working.await.ok().flatten().ok_or(Cut)?;
    shared.update(|state| {
        let recorded = &mut state.requests[index];
        (recorded.status, recorded.answer) =
            (Some(reply.status), serde_json::from_slice(&reply.body).unwrap_or_default());
    });
    Ok(reply)
}

/// Returns the complete body, or `None` if it is too long. Reads to the end in both cases, so that the caller gets the
/// answer.
async fn read(mut body: Incoming, bytes_max: usize) -> Result<Option<Bytes>, Cut> {
    let (mut bytes, mut is_too_long) = (Vec::new(), false);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Cut)?.into_data() else { continue };
        is_too_long |= bytes.len() + data.len() > bytes_max;
        if !is_too_long {
            bytes.extend_from_slice(&data);
        }
    }
    Ok((!is_too_long).then(|| bytes.into()))
}

/// Records a request. Returns the index of the record and the fault that hits the request.
fn note(shared: &Shared, connection: u64, head: &Parts, place: &Place) -> (usize, Option<Action>) {
    shared.update(|state| {
        let channel = place.channel(state);
        let fault = state.faults.draw(place.call, channel.as_deref());
        let header = text(head, header::AUTHORIZATION.as_str());
        let (app, secret) = (&state.world.app, &state.world.secret);
        let mut authorization = authorization(header, app, secret, SystemTime::now());
        if let (Authorization::Channel { channel: own, .. }, Some(asked)) = (&authorization, &channel)
            && own != asked
        {
            authorization = Authorization::Wrong("sub is another channel".to_owned());
        }
        if place.call == Call::Storage && header.is_some() {
            authorization = Authorization::Wrong("the storage accepts no token".to_owned());
        }
        state.requests.push(Recorded {
            at: shared.started.elapsed(),
            connection,
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            call: place.call,
            channel,
            authorization,
            content_type: text(head, header::CONTENT_TYPE.as_str()).map(ToOwned::to_owned),
            size: 0,
            body: Value::Null,
            files: Vec::new(),
            fault: fault.clone(),
            status: None,
            answer: Value::Null,
            acted: false,
        });
        (state.requests.len() - 1, fault)
    })
}

fn text<'h>(head: &'h Parts, name: &str) -> Option<&'h str> {
    head.headers.get(name).and_then(|value| value.to_str().ok())
}
