//! The HTTP server that answers the requests of a plugin under test.
//!
//! The server listens on the loopback address, so that requests take the same path as in a gateway. Depending on its
//! [`Behavior`], it checks requests against a case's expectations, forwards them to the author's stub programs, or
//! fails.

mod expectations;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use frontgate_runtime::AddressOverride;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, HOST};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use self::expectations::{CannedResponse, Received, Reply};
pub(super) use self::expectations::{Exchange, Expectations, Fault};
use super::upstream::Upstreams;

/// Maximum size of a request body, in bytes.
const REQUEST_BYTES_MAX: usize = 64 << 20;

/// Method and URL of a received request.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RequestLine {
    pub(super) method: String,
    pub(super) url: String,
}

/// The way in which the server answers requests.
#[derive(Debug, Clone)]
pub(super) enum Behavior {
    /// Requests that a case expects get its responses; other requests are forwarded to the author's upstreams.
    Expect(Expectations),
    /// Every request gets the same response.
    Always {
        /// The status.
        status: u16,
        /// The body.
        body: &'static str,
    },
    /// Every request fails in the same way.
    Fail(Fault),
}

struct State {
    behavior: Behavior,
    requests: Vec<RequestLine>,
    problems: Vec<String>,
}

struct Shared {
    state: Mutex<State>,
    upstreams: Upstreams,
}

/// A running server, which stops on drop.
pub(super) struct MockServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    _serving: AbortOnDropHandle<()>,
}

/// Requests and problems since the behavior was set.
pub(super) struct Observed {
    /// All requests, in order of arrival.
    pub(super) requests: Vec<RequestLine>,
    /// Unexpected requests, and expectations that no request met.
    pub(super) problems: Vec<String>,
}

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

impl MockServer {
    pub(super) async fn start(upstreams: Upstreams) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("failed to start the mock server")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { state: Mutex::new(State::new(Behavior::expect_nothing())), upstreams });
        let serving = AbortOnDropHandle::new(tokio::spawn(serve(listener, Arc::clone(&shared))));
        Ok(Self { shared, address, _serving: serving })
    }

    /// Redirects every connection of the plugin to this server, except connections that an expectation refuses.
    pub(super) fn address_override(&self) -> AddressOverride {
        let (shared, address) = (Arc::clone(&self.shared), self.address);
        Arc::new(move |site| {
            let refused = shared.refuses_connection(site);
            Some(if refused { Err("connection refused (a scripted fault)".to_owned()) } else { Ok(address) })
        })
    }

    /// Sets the behavior, and discards earlier requests and problems.
    pub(super) fn set_behavior(&self, behavior: Behavior) {
        *self.shared.state.lock() = State::new(behavior);
    }

    /// Takes the requests and problems since [`set_behavior`](Self::set_behavior).
    pub(super) fn take_observed(&self) -> Observed {
        let mut state = self.shared.state.lock();
        let mut problems = std::mem::take(&mut state.problems);
        if let Behavior::Expect(expectations) = &state.behavior {
            problems.extend(expectations.unmet());
        }
        Observed { requests: std::mem::take(&mut state.requests), problems }
    }
}

impl Shared {
    fn refuses_connection(&self, site: &str) -> bool {
        match &mut self.state.lock().behavior {
            Behavior::Fail(fault) => *fault == Fault::NotConnected,
            Behavior::Always { .. } => false,
            Behavior::Expect(expectations) => expectations.refuses_connection(site),
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let Ok(body) = Limited::new(body, REQUEST_BYTES_MAX).collect().await else {
            return text(StatusCode::BAD_REQUEST, "request body incomplete or too large");
        };
        let body = body.to_bytes();
        let method = head.method.as_str();
        let reply = {
            let mut state = self.state.lock();
            let url = format!("{}{path}", self.upstreams.site(&host).unwrap_or_else(|| format!("https://{host}")));
            state.requests.push(RequestLine { method: method.to_owned(), url });
            state.reply_to(&Received { method, host: &host, path: &path, headers: &head.headers, body: &body })
        };
        match reply {
            Some(Reply::Canned(canned)) => canned.response().await,
            Some(Reply::Fault(Fault::Timeout)) => std::future::pending().await,
            Some(Reply::Fault(_)) => interrupted(),
            None => match self.upstreams.forward(&host, &head, body).await {
                Some(Ok((status, headers, body))) => {
                    let mut response = Response::new(whole(body));
                    *response.status_mut() = status;
                    *response.headers_mut() = headers;
                    response
                }
                Some(Err(error)) => {
                    self.state.lock().problems.push(format!("upstream of {host} failed: {error:#}"));
                    interrupted()
                }
                None => {
                    self.state.lock().problems.push(format!("unexpected request {method} https://{host}{path}"));
                    text(StatusCode::NOT_IMPLEMENTED, "unexpected request")
                }
            },
        }
    }
}

impl Behavior {
    /// Returns a behavior that expects no request: each request is a problem, unless an author's upstream answers it.
    pub(super) fn expect_nothing() -> Self {
        Self::Expect(Expectations::default())
    }
}

impl State {
    fn new(behavior: Behavior) -> Self {
        Self { behavior, requests: Vec::new(), problems: Vec::new() }
    }

    fn reply_to(&mut self, received: &Received<'_>) -> Option<Reply> {
        match &mut self.behavior {
            Behavior::Expect(expectations) => {
                let (reply, mismatches) = expectations.match_request(received)?;
                let Received { method, host, path, .. } = received;
                let problem = |why| format!("request {method} https://{host}{path}: {why}");
                self.problems.extend(mismatches.into_iter().map(problem));
                Some(reply)
            }
            Behavior::Always { status, body } => Some(Reply::Canned(Box::new(CannedResponse::always(*status, body)))),
            Behavior::Fail(fault) => Some(Reply::Fault(*fault)),
        }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, Infallible>(shared.answer(request).await) }
            });
            // Errors are ignored: a plugin may close the connection at any time.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync()
}

fn text(status: StatusCode, message: &str) -> Response<Body> {
    let mut response = Response::new(whole(Bytes::copy_from_slice(message.as_bytes())));
    *response.status_mut() = status;
    response
}

/// Returns a response whose body ends before its declared length.
fn interrupted() -> Response<Body> {
    let error = std::io::Error::other("a scripted fault");
    let frames = stream::iter([Ok(Frame::data(Bytes::from_static(b"{"))), Err(error)]);
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    response.headers_mut().insert(CONTENT_LENGTH, 1_000.into());
    response
}
