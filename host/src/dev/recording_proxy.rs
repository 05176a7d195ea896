//! A proxy in front of the gateway. Forwards callbacks, and records the last one so that it can be repeated.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use frontgate_gateway::Connection;
use frontgate_gateway::server::Server;
use frontgate_net::one_shot;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::http::request;
use hyper::{Request, Response, StatusCode};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use url::form_urlencoded;

use super::readable;

/// Maximum size of a callback in bytes; the gateway has smaller limits.
const BODY_BYTES_MAX: usize = 16 << 20;
/// Maximum number of recorded callbacks that wait to be shown.
const WAITING_MAX: usize = 64;

/// A received callback.
#[derive(Debug, Clone)]
pub(super) struct Callback {
    head: request::Parts,
    body: Bytes,
}

/// A callback and its answer.
#[derive(Debug)]
pub(super) struct Recorded {
    callback: Callback,
    pub(super) status: StatusCode,
    pub(super) answer: Value,
    /// The request id in the gateway's log.
    pub(super) request_id: String,
    pub(super) took: Duration,
}

/// The running proxy.
pub(super) struct RecordingProxy {
    gateway: SocketAddr,
    last: Arc<Mutex<Option<Callback>>>,
    recorded: sync::Mutex<mpsc::Receiver<Recorded>>,
    _serving: AbortOnDropHandle<bool>,
}

impl RecordingProxy {
    /// Creates the proxy, which serves callbacks on a bound server.
    pub(super) fn open(server: Server, gateway: SocketAddr) -> Self {
        let (tell, recorded) = mpsc::channel(WAITING_MAX);
        let last: Arc<Mutex<Option<Callback>>> = Arc::default();
        let remembered = Arc::clone(&last);
        let answer = move |request: Request<Incoming>, _: Arc<Connection>| {
            let (tell, remembered) = (tell.clone(), Arc::clone(&remembered));
            async move {
                let (head, body) = request.into_parts();
                let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
                    return text(StatusCode::PAYLOAD_TOO_LARGE, "request body incomplete or too large").map(Full::new);
                };
                let (response, recorded) = forward(gateway, Callback { head, body: body.to_bytes() }).await;
                if !recorded.is_rejected() {
                    *remembered.lock() = Some(recorded.callback.clone());
                }
                // If the queue is full, the callback is not shown.
                let _ = tell.try_send(recorded);
                response
            }
        };
        let serving = AbortOnDropHandle::new(tokio::spawn(server.serve(answer, CancellationToken::new())));
        Self { gateway, last, recorded: sync::Mutex::new(recorded), _serving: serving }
    }

    /// Waits for the next callback.
    pub(super) async fn next(&self) -> Recorded {
        match self.recorded.lock().await.recv().await {
            Some(recorded) => recorded,
            None => std::future::pending().await,
        }
    }

    /// Returns the last callback that the gateway did not reject.
    pub(super) fn last(&self) -> Option<Callback> {
        self.last.lock().clone()
    }

    /// Sends a callback again. The signature is still valid.
    pub(super) async fn repeat(&self, callback: &Callback) -> Recorded {
        forward(self.gateway, callback.clone()).await.1
    }
}

impl Callback {
    /// Returns method, path and kind of the callback.
    pub(super) fn title(&self) -> String {
        let fields = form_urlencoded::parse(&self.body);
        let about = ["Location", "EventType"];
        let about: Vec<String> = fields
            .filter(|(name, _)| about.contains(&&**name))
            .map(|(name, value)| format!(" {name}={value}"))
            .collect();
        format!("{} {}{}", self.head.method, self.head.uri.path(), about.concat())
    }

    /// Returns whether the gateway stores this callback and discards repetitions.
    pub(super) fn is_deduplicated(&self) -> bool {
        let path = self.head.uri.path();
        let event = form_urlencoded::parse(&self.body).find(|(name, _)| name == "EventType");
        let is_before = event.is_none_or(|(_, event)| event == "onConversationAdd" || event == "onMessageAdd");
        path.ends_with("/routing") || path.starts_with("/front/") || !is_before
    }
}

impl Recorded {
    pub(super) fn title(&self) -> String {
        self.callback.title()
    }

    /// Returns whether the gateway rejected the callback before calling a plugin. Rejected callbacks are not repeated.
    fn is_rejected(&self) -> bool {
        matches!(self.answer["error"]["code"].as_str(), Some("signature-mismatch" | "unknown-address"))
    }
}

async fn forward(gateway: SocketAddr, callback: Callback) -> (Response<Full<Bytes>>, Recorded) {
    let began = Instant::now();
    let (head, body) = match exchange_with(gateway, &callback).await {
        Ok(response) => response,
        Err(error) => text(StatusCode::BAD_GATEWAY, &format!("gateway did not answer: {error:#}")),
    }
    .into_parts();
    let request_id = head.headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let recorded =
        Recorded { callback, status: head.status, answer: readable(&body), request_id, took: began.elapsed() };
    (Response::from_parts(head, Full::new(body)), recorded)
}

async fn exchange_with(gateway: SocketAddr, callback: &Callback) -> anyhow::Result<Response<Bytes>> {
    let request = Request::from_parts(callback.head.clone(), Full::new(callback.body.clone()));
    one_shot(TcpStream::connect(gateway).await?, request).await
}

fn text(status: StatusCode, words: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(words.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("text/plain"));
    response
}
