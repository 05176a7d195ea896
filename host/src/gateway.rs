//! The trip of a callback: route, read, verify, decode, ask, encode.
//!
//! [`Gateway::respond`] never fails and writes the one log line; [`Gateway::handle`] uses `?`.

mod explainer;
mod trip;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use tokio::time::Instant;
use tracing::warn;

use self::explainer::Explainer;
use self::trip::Trip;
use crate::body;
use crate::config::{Config, Role};
use crate::error::Error;
use crate::plugin::call::{self, Caller, Deadlines};
use crate::plugin::engine::Engine;
use crate::plugin::registry::Registry;
use crate::roles;
use crate::routes::{Callback, Route, Routes};
use crate::twilio::callbacks::{Answer, crm};
use crate::twilio::form::Form;
use crate::twilio::signature::{Content, Request as Signed, SETTINGS, SIGNATURE, Verified};

/// The header that carries the request's id to the caller.
const REQUEST_ID: &str = "x-request-id";

/// Answers callbacks.
pub struct Gateway {
    config: Arc<Config>,
    routes: Routes,
    explainer: Explainer,
    engine: Arc<Engine>,
    registry: Arc<Registry>,
}

impl Gateway {
    /// A gateway for a checked configuration.
    pub fn new(config: Arc<Config>, engine: Arc<Engine>, registry: Arc<Registry>) -> Self {
        Self { routes: Routes::new(&config), explainer: Explainer::new(&config.server), config, engine, registry }
    }

    /// Answers one request, whatever happens, and logs one line about it.
    pub async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let mut trip = Trip::begin();
        let handled = AssertUnwindSafe(self.handle(request, &mut trip)).catch_unwind().await;
        let result =
            handled.unwrap_or_else(|_| Err(Error::Internal("a panic; its text is on standard error".to_owned())));
        let (response, error) = match result {
            Ok(answer) => (response(StatusCode::OK, answer.body.into(), trip.id()), None),
            Err(error) => (refusal(&error, trip.id()), Some(error)),
        };
        trip.end(response.status(), error.as_ref());
        response
    }

    async fn handle(&self, request: Request<Incoming>, trip: &mut Trip) -> Result<Answer, Error> {
        let started = Instant::now();
        let (head, body) = request.into_parts();
        body::unambiguous(&head.headers)?;
        let route = self.routes.find(head.uri.path()).ok_or(Error::UnknownAddress)?;
        trip.route(route);
        if head.method != Method::POST {
            return Err(Error::Method);
        }
        let deadline = started + Duration::from_millis(route.tenant.callback_timeout_ms);
        let body = body::read(body, &head.headers, &self.config.server, deadline).await?;
        let target = head.uri.path_and_query().map_or("", |target| target.as_str());
        let verified = self.verify(route, target, &head.headers, &body)?;
        let Content::Form(form) = verified.content() else {
            return Err(Error::NotForm);
        };
        let queue = Instant::now() + Duration::from_millis(self.config.plugins.queue_timeout_ms);
        let deadlines = Deadlines { queue, answer: deadline };
        match route.callback {
            Callback::Crm => self.crm(route, form, head.uri.query(), deadlines, trip).await,
        }
    }

    fn verify<'b>(
        &self,
        route: &Route,
        target: &'b str,
        headers: &'b HeaderMap,
        body: &'b [u8],
    ) -> Result<Verified<'b>, Error> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let form = text(CONTENT_TYPE.as_str()).is_some_and(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
        let request = Signed { target, signature: text(SIGNATURE), settings: text(SETTINGS), is_form: form, body };
        let host = text(HOST.as_str());
        let verified = route.tenant.keys.verify(&request);
        verified.map_err(|refusal| self.explainer.error(&self.routes, route, &request, host, refusal))
    }

    async fn crm(
        &self,
        route: &Route,
        form: &Form<'_>,
        query: Option<&str>,
        deadlines: Deadlines,
        trip: &mut Trip,
    ) -> Result<Answer, Error> {
        let question = crm::decode(form, query, route.tenant.page_size_max)?;
        let plugin = roles::answering(&self.registry, &route.tenant.roles, Role::Crm)?;
        trip.plugin(&plugin);
        let caller = Caller { tenant: Arc::clone(&route.tenant.name), request: Arc::clone(trip.id()) };
        let engine = &self.engine;
        let answer = match question {
            crm::Question::List(request) => {
                let page_size = request.page_size;
                let page = call::crm::list_customers(engine, &plugin, &caller, deadlines, request).await?;
                crm::encode_page(&page, page_size)?
            }
            crm::Question::Details { worker, customer_id } => {
                let customer = call::crm::get_customer(engine, &plugin, &caller, deadlines, worker, customer_id);
                crm::encode_customer(&customer.await?)?
            }
        };
        if answer.left_out > 0 || answer.shortened {
            warn!(
                request = &**trip.id(),
                tenant = &*caller.tenant,
                plugin = &*plugin.name,
                left_out = answer.left_out,
                shortened = answer.shortened,
                "the answer of plugin `{}` was changed to what Frontline takes",
                plugin.name,
            );
        }
        Ok(answer)
    }
}

fn response(status: StatusCode, body: Bytes, id: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, "application/json".parse().expect("a header value"));
    headers.insert(REQUEST_ID, id.parse().expect("an id is a header value"));
    response
}

/// What the caller may know: a stable code and a short text.
fn refusal(error: &Error, id: &str) -> Response<Full<Bytes>> {
    let (status, code) = error.answer();
    let body = serde_json::json!({ "error": { "code": code, "message": error.to_string() } });
    let mut response = response(status, body.to_string().into(), id);
    let headers = response.headers_mut();
    match error {
        Error::Method => headers.insert(ALLOW, "POST".parse().expect("a header value")),
        Error::Busy => headers.insert(RETRY_AFTER, "1".parse().expect("a header value")),
        _ => None,
    };
    response
}
