//! Plays everybody that a plugin sends requests to: what a case has scripted, a program of the author's, or an
//! upstream that fails in a certain way. A real server at the loopback address, so that the plugin's requests take
//! the way that they take in a gateway.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use url::{Position, Url};

use super::difference::{Extent, differences};
use super::upstream::Upstreams;
use super::values;
use crate::plugin::outbound::network::Detour;

/// Bytes of one request.
const REQUEST_BYTES_MAX: usize = 64 << 20;

/// One request that a plugin is expected to send, and what it gets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    request: Expected,
    response: Option<Canned>,
    fault: Option<Fault>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    method: String,
    url: Url,
    #[serde(default)]
    headers: serde_json::Map<String, Value>,
    body: Option<Value>,
    json: Option<Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Canned {
    status: u16,
    headers: serde_json::Map<String, Value>,
    body: Option<Value>,
    json: Option<Value>,
    delay_ms: u64,
}

/// How an upstream fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Fault {
    /// Nobody is there.
    NotConnected,
    /// The answer breaks off.
    Interrupted,
    /// No answer comes.
    Timeout,
}

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
    Script(Vec<Exchange>),
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
    used: Vec<bool>,
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
        let playing =
            Playing { act: Act::Script(Vec::new()), used: Vec::new(), asked: Vec::new(), problems: Vec::new() };
        let shared = Arc::new(Shared { playing: Mutex::new(playing), upstreams });
        let serving = AbortOnDropHandle::new(tokio::spawn(serve(listener, Arc::clone(&shared))));
        Ok(Self { shared, address, _serving: serving })
    }

    /// Leads every connection here, unless it is scripted that nobody is there.
    pub(super) fn detour(&self) -> Detour {
        let (shared, address) = (Arc::clone(&self.shared), self.address);
        Arc::new(move |site| {
            let away = shared.is_away(site);
            Some(if away { Err("nobody is there (a scripted fault)".to_owned()) } else { Ok(address) })
        })
    }

    /// From here on this act is played.
    pub(super) fn play(&self, act: Act) {
        let used = match &act {
            Act::Script(exchanges) => vec![false; exchanges.len()],
            _ => Vec::new(),
        };
        *self.shared.lock() = Playing { act, used, asked: Vec::new(), problems: Vec::new() };
    }

    /// What came since then.
    pub(super) fn played(&self) -> Played {
        let mut playing = self.shared.lock();
        let mut problems = std::mem::take(&mut playing.problems);
        if let Act::Script(exchanges) = &playing.act {
            let unused = exchanges.iter().zip(&playing.used).filter(|(_, used)| !**used);
            problems.extend(unused.map(|(exchange, _)| {
                format!("no request used the script {} {}", exchange.request.method, exchange.request.url)
            }));
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
        let mut playing = self.lock();
        let Playing { act, used, .. } = &mut *playing;
        match act {
            Act::Failing(fault) => *fault == Fault::NotConnected,
            Act::Always { .. } => false,
            Act::Script(exchanges) => {
                let away = exchanges.iter().enumerate().position(|(index, exchange)| {
                    !used[index]
                        && exchange.fault == Some(Fault::NotConnected)
                        && exchange.request.url.origin().ascii_serialization() == site
                });
                if let Some(index) = away {
                    used[index] = true;
                }
                away.is_some()
            }
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
            playing.choose(method, &host, &path, &head.headers, &body)
        };
        match chosen {
            Chosen::Canned(canned) => {
                tokio::time::sleep(Duration::from_millis(canned.delay_ms)).await;
                canned.response()
            }
            Chosen::Fault(Fault::Timeout) => std::future::pending().await,
            Chosen::Fault(_) => broken(),
            Chosen::Nothing => match self.upstreams.forward(&host, &head, body).await {
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

/// What becomes of a request.
enum Chosen {
    Canned(Box<Canned>),
    Fault(Fault),
    Nothing,
}

impl Playing {
    /// The first script that was not used and asks for just this, or says why it does not.
    fn choose(&mut self, method: &str, host: &str, path: &str, headers: &hyper::HeaderMap, body: &[u8]) -> Chosen {
        let exchanges = match &self.act {
            Act::Script(exchanges) => exchanges,
            Act::Always { status, body } => {
                let body = Some(Value::from(*body));
                return Chosen::Canned(Box::new(Canned { status: *status, body, ..Canned::default() }));
            }
            Act::Failing(fault) => return Chosen::Fault(*fault),
        };
        let found = exchanges
            .iter()
            .enumerate()
            .position(|(index, exchange)| !self.used[index] && exchange.request.is_for(method, host, path));
        let Some(index) = found else { return Chosen::Nothing };
        self.used[index] = true;
        let exchange = &exchanges[index];
        let wrong = exchange.request.misfits(headers, body);
        self.problems.extend(wrong.into_iter().map(|why| format!("the request {method} https://{host}{path}: {why}")));
        match (&exchange.fault, &exchange.response) {
            (Some(fault), _) => Chosen::Fault(*fault),
            (None, response) => Chosen::Canned(Box::new(response.clone().unwrap_or_default())),
        }
    }
}

impl Expected {
    fn is_for(&self, method: &str, host: &str, path: &str) -> bool {
        let authority = &self.url[Position::BeforeHost..Position::AfterPort];
        self.method == method && authority == host && &self.url[Position::BeforePath..Position::AfterQuery] == path
    }

    /// In what a request differs beyond method and URL.
    fn misfits(&self, headers: &hyper::HeaderMap, body: &[u8]) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, expected) in &self.headers {
            let found = headers.get(name).and_then(|value| value.to_str().ok());
            if found != expected.as_str() {
                wrong.push(format!("header {name}: expected {expected}, found {}", Value::from(found)));
            }
        }
        if let Some(expected) = &self.body
            && values::bytes(expected).as_deref() != Some(body)
        {
            let found = String::from_utf8_lossy(body);
            wrong.push(format!("body: expected {}, found {}", values::shown(expected), values::shown(&found.into())));
        }
        if let Some(expected) = &self.json {
            match serde_json::from_slice(body) {
                Ok(found) => wrong.extend(differences(expected, &found, Extent::Whole)),
                Err(error) => wrong.push(format!("the body is no JSON: {error}")),
            }
        }
        wrong
    }
}

impl Canned {
    fn response(self) -> Response<Body> {
        let body = match (&self.json, &self.body) {
            (Some(json), _) => json.to_string().into_bytes(),
            (None, Some(body)) => values::bytes(body).unwrap_or_else(|| body.to_string().into_bytes()),
            (None, None) => Vec::new(),
        };
        let mut response = Response::builder().status(if self.status == 0 { 200 } else { self.status });
        if self.json.is_some() && !self.headers.keys().any(|name| name.eq_ignore_ascii_case(CONTENT_TYPE.as_str())) {
            response = response.header(CONTENT_TYPE, "application/json");
        }
        for (name, value) in &self.headers {
            response = response.header(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        response
            .body(whole(body.into()))
            .unwrap_or_else(|error| text(StatusCode::NOT_IMPLEMENTED, &format!("this script is no answer: {error}")))
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
