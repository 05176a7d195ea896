//! Plays everybody that a plugin sends requests to: what a case has scripted, a program of the author's, or an
//! upstream that fails in a certain way. A real server at the loopback address, so that the plugin's requests take
//! the way that they take in a gateway.

mod script;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use bytes::Bytes;
use frontgate_runtime::Redirect;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, HOST};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use self::script::{Canned, Got, Reply};
pub(super) use self::script::{Exchange, Fault, Script};
use super::upstream::Upstreams;

/// Bytes of one request.
const REQUEST_BYTES_MAX: usize = 64 << 20;

/// A request that came.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) url: String,
}

/// Whom the stage plays.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// What was scripted, and the author's own upstreams for the rest.
    Script(Script),
    /// Everything is answered so.
    Always {
        /// The status.
        status: u16,
        /// The body.
        body: &'static str,
    },
    /// Everything fails so.
    Failing(Fault),
}

struct Playing {
    act: Act,
    asked: Vec<Asked>,
    problems: Vec<String>,
}

struct Shared {
    playing: Mutex<Playing>,
    upstreams: Upstreams,
}

/// The server.
pub(super) struct Stage {
    shared: Arc<Shared>,
    address: SocketAddr,
    _serving: AbortOnDropHandle<()>,
}

/// What came to the stage during an act.
pub(super) struct Played {
    /// All requests, in the order in which they came.
    pub(super) asked: Vec<Asked>,
    /// Requests that no script has, scripts that no request used.
    pub(super) problems: Vec<String>,
}

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

impl Stage {
    pub(super) async fn open(upstreams: Upstreams) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("opening a port for the plugin's requests")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { playing: Mutex::new(Playing::begin(Act::nothing())), upstreams });
        let serving = AbortOnDropHandle::new(tokio::spawn(serve(listener, Arc::clone(&shared))));
        Ok(Self { shared, address, _serving: serving })
    }

    /// Leads every connection here, unless it is scripted that nobody is there.
    pub(super) fn redirect(&self) -> Redirect {
        let (shared, address) = (Arc::clone(&self.shared), self.address);
        Arc::new(move |site| {
            let away = shared.is_away(site);
            Some(if away { Err("nobody is there (a scripted fault)".to_owned()) } else { Ok(address) })
        })
    }

    /// From here on this act is played.
    pub(super) fn play(&self, act: Act) {
        *self.shared.lock() = Playing::begin(act);
    }

    /// What came since then.
    pub(super) fn played(&self) -> Played {
        let mut playing = self.shared.lock();
        let mut problems = std::mem::take(&mut playing.problems);
        if let Act::Script(script) = &playing.act {
            problems.extend(script.unused());
        }
        Played { asked: std::mem::take(&mut playing.asked), problems }
    }
}

impl Shared {
    /// Nothing panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, Playing> {
        self.playing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the next connection to a site shall find nobody.
    fn is_away(&self, site: &str) -> bool {
        match &mut self.lock().act {
            Act::Failing(fault) => *fault == Fault::NotConnected,
            Act::Always { .. } => false,
            Act::Script(script) => script.is_away(site),
        }
    }

    /// What a request gets.
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let Ok(body) = Limited::new(body, REQUEST_BYTES_MAX).collect().await else {
            return text(StatusCode::BAD_REQUEST, "the request broke off, or is too large");
        };
        let body = body.to_bytes();
        let method = head.method.as_str();
        let chosen = {
            let mut playing = self.lock();
            let url = format!("{}{path}", self.upstreams.site(&host).unwrap_or_else(|| format!("https://{host}")));
            playing.asked.push(Asked { method: method.to_owned(), url });
            playing.choose(&Got { method, host: &host, path: &path, headers: &head.headers, body: &body })
        };
        match chosen {
            Some(Reply::Canned(canned)) => canned.response().await,
            Some(Reply::Fault(Fault::Timeout)) => std::future::pending().await,
            Some(Reply::Fault(_)) => broken(),
            None => match self.upstreams.forward(&host, &head, body).await {
                Some(Ok((status, headers, body))) => {
                    let mut response = Response::new(whole(body));
                    *response.status_mut() = status;
                    *response.headers_mut() = headers;
                    response
                }
                Some(Err(error)) => {
                    self.lock().problems.push(format!("the upstream of {host} did not answer: {error:#}"));
                    broken()
                }
                None => {
                    self.lock().problems.push(format!("no script has the request {method} https://{host}{path}"));
                    text(StatusCode::NOT_IMPLEMENTED, "no script has this request")
                }
            },
        }
    }
}

impl Act {
    /// Whoever asks is told that nothing is scripted.
    pub(super) fn nothing() -> Self {
        Self::Script(Script::default())
    }
}

impl Playing {
    fn begin(act: Act) -> Self {
        Self { act, asked: Vec::new(), problems: Vec::new() }
    }

    fn choose(&mut self, got: &Got<'_>) -> Option<Reply> {
        match &mut self.act {
            Act::Script(script) => {
                let (reply, misfits) = script.choose(got)?;
                let Got { method, host, path, .. } = got;
                let problem = |why| format!("the request {method} https://{host}{path}: {why}");
                self.problems.extend(misfits.into_iter().map(problem));
                Some(reply)
            }
            Act::Always { status, body } => Some(Reply::Canned(Box::new(Canned::always(*status, body)))),
            Act::Failing(fault) => Some(Reply::Fault(*fault)),
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
            // A plugin that hangs up is no fault of anybody's.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync()
}

fn text(status: StatusCode, words: &str) -> Response<Body> {
    let mut response = Response::new(whole(Bytes::copy_from_slice(words.as_bytes())));
    *response.status_mut() = status;
    response
}

/// An answer that ends before its end.
fn broken() -> Response<Body> {
    let error = std::io::Error::other("a scripted fault");
    let frames = stream::iter([Ok(Frame::data(Bytes::from_static(b"{"))), Err(error)]);
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    response.headers_mut().insert(CONTENT_LENGTH, 1_000.into());
    response
}
