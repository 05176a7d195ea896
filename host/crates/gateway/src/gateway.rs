//! The trip of a callback: route, read, verify, decode, ask, encode.
//!
//! [`Gateway::respond`] never fails and writes the one log line; [`Gateway::handle`] uses `?`.

mod events;
mod explainer;
mod front;
mod frontline;
mod trip;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use frontgate_delivery::store::Store;
use frontgate_runtime::{CallError, Deadlines};
use frontgate_tenants::Tenant;
use frontgate_tenants::roles::Plugins;
use frontgate_twilio::form::Form;
use frontgate_twilio::signature;
use frontgate_twilio::signature::{Content, Keys, Refusal, Request as Signed};
use frontgate_twilio_callbacks::Answer;
use frontgate_twilio_callbacks::error::EncodeError;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use tokio::sync::Semaphore;
use tokio::task::block_in_place;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use self::explainer::Explainer;
use self::trip::Trip;
use crate::body;
use crate::connections::Connection;
use crate::error::Error;
use crate::routes::{Callback, Place, Route, Routes};
use crate::settings::Server;

/// The header that carries the request's id to the caller.
const REQUEST_ID: &str = "x-request-id";
/// The header that is the same when Twilio sends a request again.
const IDEMPOTENCY_TOKEN: HeaderName = HeaderName::from_static("i-twilio-idempotency-token");
const SIGNATURE: HeaderName = HeaderName::from_static(signature::SIGNATURE);
const SETTINGS: HeaderName = HeaderName::from_static(signature::SETTINGS);

/// Bytes of a body that take a fraction of a millisecond to verify.
const LARGE_BYTES: usize = 64 * 1024;

/// Answers callbacks.
pub struct Gateway {
    server: Server,
    public_url: String,
    /// How long a callback waits for a place among calls of plugins.
    queue_timeout: Duration,
    routes: Routes,
    explainer: Explainer,
    plugins: Arc<Plugins>,
    store: Arc<Store>,
}

/// A callback that was signed, and what is needed to answer it.
struct Question<'q> {
    route: &'q Route,
    form: &'q Form<'q>,
    query: Option<&'q str>,
    /// What was verified, and all that it covers.
    signature: &'q str,
    /// The same for every attempt at one request.
    token: Option<&'q str>,
    deadlines: Deadlines,
}

impl Gateway {
    /// A gateway for a checked configuration. A callback waits for a place among calls of plugins for
    /// `queue_timeout` at most.
    pub fn new(
        server: &Server,
        public_url: String,
        queue_timeout: Duration,
        tenants: Vec<Arc<Tenant>>,
        plugins: Arc<Plugins>,
        store: Arc<Store>,
    ) -> Self {
        let (routes, explainer) = (Routes::new(tenants), Explainer::new(server));
        Self { server: server.clone(), public_url, queue_timeout, routes, explainer, plugins, store }
    }

    /// Answers one request, whatever happens, and logs one line about it.
    pub async fn respond(&self, request: Request<Incoming>, caller: &Connection) -> Response<Full<Bytes>> {
        let mut trip = Trip::begin(caller, self.server.refusal_lines_per_second_max);
        let handled = AssertUnwindSafe(self.handle(request, &mut trip)).catch_unwind().await;
        let result = handled
            .unwrap_or_else(|_| Err(CallError::Internal("a panic; its text is on standard error".to_owned()).into()));
        let (mut response, error) = match result {
            Ok(response) => (marked(response, trip.id()), None),
            // What a plugin decided stands; any other error would stop a customer's message.
            Err(error) if trip.fails_open() && !matches!(error, Error::Encode(EncodeError::Rejected(_))) => {
                (response(StatusCode::OK, Bytes::from_static(b"{}"), trip.id()), Some(error))
            }
            Err(error) if trip.is_front() => (marked(front::refusal(&error), trip.id()), Some(error)),
            Err(error) => (refusal(&error, trip.id()), Some(error)),
        };
        if matches!(error, Some(Error::Ambiguous(_))) {
            // Where it ends is what others may see differently.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        trip.end(response.status(), error.as_ref());
        response
    }

    async fn handle(&self, request: Request<Incoming>, trip: &mut Trip<'_>) -> Result<Response<Full<Bytes>>, Error> {
        let started = Instant::now();
        let (head, body) = request.into_parts();
        body::unambiguous(&head.headers)?;
        match self.routes.find(head.uri.path()).ok_or(Error::UnknownAddress)? {
            Place::Twilio(route) => {
                let answer = self.callback(route, head, body, started, trip).await?;
                Ok(response(StatusCode::OK, answer.body.into(), trip.id()))
            }
            Place::Front(route) => Box::pin(self.front(&route, head, body, started, trip)).await,
        }
    }

    async fn callback(
        &self,
        route: &Route,
        head: Parts,
        body: Incoming,
        started: Instant,
        trip: &mut Trip<'_>,
    ) -> Result<Answer, Error> {
        trip.is_for(&route.tenant.name, route.callback.name());
        // A webhook that Twilio was told to send by GET: it is none, and must not stop a customer either.
        let wrong_method = head.method == Method::GET && route.callback == Callback::Conversations;
        if head.method != Method::POST && !wrong_method {
            return Err(Error::Method);
        }
        let signed = signed(&head)?;
        self.verify(route, &signed, &head.headers, Keys::presented)?;
        let deadline = started + Duration::from_millis(route.callback.timeout_ms(&route.tenant));
        let server = &self.server;
        let (body, mut hold) =
            body::read(body, &head.headers, server.body_bytes_max, server, deadline, trip.caller()).await?;
        let signed = Signed { body: &body, ..signed };
        hold.complete().map_err(|_| Error::BodiesFull)?;
        let verified =
            heavy(body.len(), deadline, || self.verify(route, &signed, &head.headers, Keys::verify)).await??;
        trip.verified();
        drop(hold);
        if let Some(counter) = route.tenant.verified.get(&verified.key) {
            counter.inc();
        }
        let form = match verified.content() {
            Content::Form(form) if !wrong_method => form,
            _ => {
                if route.callback == Callback::Conversations && route.tenant.webhooks_fail_open() {
                    trip.fail_open();
                }
                return Err(if wrong_method { Error::Method } else { Error::NotForm });
            }
        };
        let queue = Instant::now() + self.queue_timeout;
        let deadlines = Deadlines { queue, answer: deadline };
        let token = once(&head.headers, &IDEMPOTENCY_TOKEN, "more than one I-Twilio-Idempotency-Token header")?;
        let signature = signed.signature.unwrap_or_default();
        let question = Question { route, form, query: head.uri.query(), signature, token, deadlines };
        // Boxed one by one, so that each callback allocates only its own future.
        let answer: BoxFuture<'_, _> = match route.callback {
            Callback::Crm => Box::pin(self.crm(&question, trip)),
            Callback::Templates => Box::pin(self.templates(&question, trip)),
            Callback::Outgoing => Box::pin(self.outgoing(&question, trip)),
            Callback::Routing => Box::pin(self.routing(&question, trip)),
            Callback::Conversations => Box::pin(self.conversations(&question, trip)),
        };
        let answer = answer.await?;
        if answer.left_out > 0 || answer.shortened {
            warn!(
                request = &**trip.id(),
                tenant = &*route.tenant.name,
                callback = route.callback.name(),
                left_out = answer.left_out,
                shortened = answer.shortened,
                "a plugin's answer was changed to what Twilio takes",
            );
        }
        Ok(answer)
    }

    /// What a check of the tenant's keys says; a refusal comes with an explanation.
    fn verify<'b, T>(
        &self,
        route: &Route,
        request: &Signed<'b>,
        headers: &HeaderMap,
        check: impl FnOnce(&Keys, &Signed<'b>) -> Result<T, Refusal>,
    ) -> Result<T, Error> {
        check(&route.tenant.keys, request).map_err(|refusal| {
            let host = headers.get(HOST).and_then(|host| host.to_str().ok());
            self.explainer.error(&self.routes, route, request, host, refusal)
        })
    }
}

/// Runs work whose time depends on the size of an unverified body. Large bodies are worked on one at a time, off the
/// threads that answer callbacks.
async fn heavy<T>(bytes: usize, deadline: Instant, work: impl FnOnce() -> T) -> Result<T, Error> {
    static LARGE: Semaphore = Semaphore::const_new(1);
    if bytes <= LARGE_BYTES {
        return Ok(work());
    }
    let turn = timeout_at(deadline, LARGE.acquire()).await;
    let _turn = turn.map_err(|_| CallError::Busy("too many large bodies wait to be verified"))?;
    Ok(block_in_place(work))
}

/// What the header says of a signed request. Nothing is signed twice.
fn signed(head: &Parts) -> Result<Signed<'_>, Error> {
    let headers = &head.headers;
    let signature = once(headers, &SIGNATURE, "more than one X-Twilio-Signature header");
    let signature = signature.map_err(|_| Error::Signature("there is more than one X-Twilio-Signature header".into()));
    let settings = once(headers, &SETTINGS, "more than one X-Twilio-Webhooks-Signature-Settings header");
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_form = kind.is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        // The second is how Twilio's own pages spell it.
        let spellings = ["application/x-www-form-urlencoded", "application/x-www-urlencoded"];
        spellings.iter().any(|spelling| kind.eq_ignore_ascii_case(spelling))
    });
    let target = head.uri.path_and_query().map_or("", |target| target.as_str());
    Ok(Signed { target, signature: signature?, settings: settings?, is_form, body: &[] })
}

/// The text of a header that is there once.
fn once<'h>(headers: &'h HeaderMap, name: &HeaderName, problem: &'static str) -> Result<Option<&'h str>, Error> {
    Ok(body::only(headers, name, problem)?.and_then(|value| value.to_str().ok()))
}

/// Says which request it answers.
fn marked(mut response: Response<Full<Bytes>>, id: &str) -> Response<Full<Bytes>> {
    response.headers_mut().insert(REQUEST_ID, id.parse().expect("an id is a header value"));
    response
}

fn response(status: StatusCode, body: Bytes, id: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    marked(response, id)
}

/// What the caller may know: a stable code and a short text.
fn refusal(error: &Error, id: &str) -> Response<Full<Bytes>> {
    let (status, code) = error.answer();
    let body = serde_json::json!({ "error": { "code": code, "message": error.to_string() } });
    let mut response = response(status, body.to_string().into(), id);
    if matches!(error, Error::Method) {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    }
    with_retry_after(response, error)
}

/// Says when the caller may come again, if that may help.
fn with_retry_after(mut response: Response<Full<Bytes>>, error: &Error) -> Response<Full<Bytes>> {
    if let Some(seconds) = error.retry_after_seconds() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}
