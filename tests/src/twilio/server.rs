//! Listens, reads requests, and sends or withholds answers.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::twilio::control;
use crate::twilio::fault::Action;
use crate::twilio::record::Recorded;
use crate::twilio::rest::{Place, Reply, RestRequest, authorization, pairs};
use crate::twilio::state::Shared;
use crate::twilio::trouble;

const FORM: &str = "application/x-www-form-urlencoded";

type Body = UnsyncBoxBody<Bytes, Cut>;

/// The connection ends here.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("cut on purpose")
    }
}

impl std::error::Error for Cut {}

/// A socket that holds its port: connections to it are refused until it listens.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Serves until `stop`, which also ends all connections at once.
pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener, mut stop: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = &mut stop => break,
        };
        let Ok((stream, _)) = accepted else { continue };
        let _ = stream.set_nodelay(true);
        number += 1;
        let (shared, connection) = (Arc::clone(&shared), number);
        let service = service_fn(move |request| respond(Arc::clone(&shared), connection, request));
        connections.spawn(async move {
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
    drop(listener);
    connections.shutdown().await;
}

async fn respond(shared: Arc<Shared>, connection: u64, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let (head, body) = request.into_parts();
    if shared.control && head.uri.path().starts_with("/_test") {
        let form = body.collect().await.map_err(|_| Cut)?.to_bytes();
        return Ok(response(control::answer(&shared, &head.method, head.uri.path(), &pairs(&form)).await));
    }
    let method = head.method.to_string();
    let place = Place::find(&method, head.uri.path());
    let (index, fault) = note(&shared, connection, &head, &place);
    if fault == Some(Action::CloseBeforeReading) {
        return Err(Cut);
    }
    let bytes = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let content_type = text(&head, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let is_form = bytes.is_empty() || content_type.split(';').next().is_some_and(|kind| kind.trim() == FORM);
    let form = if is_form { pairs(&bytes) } else { Vec::new() };
    let (authorization, webhook_enabled) = shared.update(|state| {
        let recorded = &mut state.requests[index];
        recorded.form.clone_from(&form);
        (recorded.authorization, recorded.webhook_enabled)
    });
    let request = RestRequest {
        method,
        path: head.uri.path().to_owned(),
        place,
        query: pairs(head.uri.query().unwrap_or_default().as_bytes()),
        form,
        is_form,
        authorization,
        webhook_enabled,
        url: shared.url.clone(),
    };
    // A task of its own: Twilio goes on when the caller has left.
    let working = tokio::spawn(trouble::answer(Arc::clone(&shared), index, request, fault));
    let reply = working.await.ok().flatten().ok_or(Cut)?;
    shared.update(|state| state.requests[index].status = Some(reply.status));
    Ok(response(reply))
}

/// Records a request and draws its fate.
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

fn text<'h>(head: &'h Parts, name: &str) -> Option<&'h str> {
    head.headers.get(name).and_then(|value| value.to_str().ok())
}

fn response(reply: Reply) -> Response<Body> {
    let mut response =
        Response::builder().status(reply.status).header("twilio-request-id", format!("RQ{}", Uuid::new_v4().simple()));
    for (name, value) in &reply.headers {
        response = response.header(*name, value);
    }
    if !reply.body.is_empty() {
        response = response.header(header::CONTENT_TYPE, "application/json;charset=utf-8");
    }
    let body = Bytes::from(reply.body);
    if reply.half {
        let response = response.header(header::CONTENT_LENGTH, body.len());
        return response.body(half(body)).expect("headers of our own");
    }
    let whole = Full::new(body).map_err(|never: Infallible| match never {});
    response.body(whole.boxed_unsync()).expect("headers of our own")
}

/// The first half; then, when that has been written, the end of the connection.
fn half(body: Bytes) -> Body {
    let start = Some(body.slice(..body.len() / 2));
    let frames = stream::unfold(start, |rest| async move {
        let Some(bytes) = rest else {
            tokio::task::yield_now().await;
            return Some((Err(Cut), None));
        };
        Some((Ok(Frame::data(bytes)), None))
    });
    StreamBody::new(frames).boxed_unsync()
}
