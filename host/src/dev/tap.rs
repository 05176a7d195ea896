//! Stands before the gateway, hands every callback on, and remembers the last.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
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
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::{Mutex as Turn, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use url::form_urlencoded;

use super::readable;

/// Bytes of one callback; the gateway has limits of its own.
const BODY_BYTES_MAX: usize = 16 << 20;
/// Callbacks that nobody has looked at yet.
const WAITING_MAX: usize = 64;

/// A callback that came.
#[derive(Debug, Clone)]
pub(super) struct Callback {
    head: request::Parts,
    body: Bytes,
}

/// A callback, and what it was answered.
#[derive(Debug)]
pub(super) struct Heard {
    callback: Callback,
    pub(super) status: StatusCode,
    pub(super) answer: Value,
    /// As the gateway's log has it.
    pub(super) request_id: String,
    pub(super) took: Duration,
}

/// The listener.
pub(super) struct Tap {
    gateway: SocketAddr,
    last: Arc<Mutex<Option<Callback>>>,
    heard: Turn<mpsc::Receiver<Heard>>,
    _serving: AbortOnDropHandle<bool>,
}

impl Tap {
    /// Accepts callbacks where a server is bound already.
    pub(super) fn open(server: Server, gateway: SocketAddr) -> Self {
        let (tell, heard) = mpsc::channel(WAITING_MAX);
        let last: Arc<Mutex<Option<Callback>>> = Arc::default();
        let remembered = Arc::clone(&last);
        let answer = move |request: Request<Incoming>, _: Arc<Connection>| {
            let (tell, remembered) = (tell.clone(), Arc::clone(&remembered));
            async move {
                let (head, body) = request.into_parts();
                let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
                    return text(StatusCode::PAYLOAD_TOO_LARGE, "the body broke off, or is too large").map(Full::new);
                };
                let (response, heard) = hand_on(gateway, Callback { head, body: body.to_bytes() }).await;
                if !heard.is_refused() {
                    *remembered.lock().unwrap_or_else(PoisonError::into_inner) = Some(heard.callback.clone());
                }
                // Nobody looks at more than the last ones.
                let _ = tell.try_send(heard);
                response
            }
        };
        let serving = AbortOnDropHandle::new(tokio::spawn(server.serve(answer, CancellationToken::new())));
        Self { gateway, last, heard: Turn::new(heard), _serving: serving }
    }

    /// The next callback that comes.
    pub(super) async fn next(&self) -> Heard {
        match self.heard.lock().await.recv().await {
            Some(heard) => heard,
            None => std::future::pending().await,
        }
    }

    /// The last one that came.
    pub(super) fn last(&self) -> Option<Callback> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same again: its signature is as good as it was.
    pub(super) async fn again(&self, callback: &Callback) -> Heard {
        hand_on(self.gateway, callback.clone()).await.1
    }
}

impl Callback {
    /// Path, and what it is about.
    pub(super) fn title(&self) -> String {
        let fields = form_urlencoded::parse(&self.body);
        let about = ["Location", "EventType"];
        let about: Vec<String> = fields
            .filter(|(name, _)| about.contains(&&**name))
            .map(|(name, value)| format!(" {name}={value}"))
            .collect();
        format!("{} {}{}", self.head.method, self.head.uri.path(), about.concat())
    }

    /// Whether the gateway stores it, and takes it for a repetition the next time.
    pub(super) fn is_asked_once(&self) -> bool {
        let path = self.head.uri.path();
        let event = form_urlencoded::parse(&self.body).find(|(name, _)| name == "EventType");
        let is_before = event.is_none_or(|(_, event)| event == "onConversationAdd" || event == "onMessageAdd");
        path.ends_with("/routing") || path.starts_with("/front/") || !is_before
    }
}

impl Heard {
    pub(super) fn title(&self) -> String {
        self.callback.title()
    }

    /// Whether the gateway asked nobody: a stranger's request is not worth asking again.
    fn is_refused(&self) -> bool {
        matches!(self.answer["error"]["code"].as_str(), Some("signature-mismatch" | "unknown-address"))
    }
}

async fn hand_on(gateway: SocketAddr, callback: Callback) -> (Response<Full<Bytes>>, Heard) {
    let began = Instant::now();
    let (head, body) = match forward(gateway, &callback).await {
        Ok(response) => response,
        Err(error) => text(StatusCode::BAD_GATEWAY, &format!("the gateway does not answer: {error:#}")),
    }
    .into_parts();
    let request_id = head.headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let heard = Heard { callback, status: head.status, answer: readable(&body), request_id, took: began.elapsed() };
    (Response::from_parts(head, Full::new(body)), heard)
}

async fn forward(gateway: SocketAddr, callback: &Callback) -> anyhow::Result<Response<Bytes>> {
    let request = Request::from_parts(callback.head.clone(), Full::new(callback.body.clone()));
    one_shot(TcpStream::connect(gateway).await?, request).await
}

fn text(status: StatusCode, words: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(words.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("text/plain"));
    response
}
