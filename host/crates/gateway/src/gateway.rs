//! Answers the requests of platforms: one response and one log line per request.
//!
//! [`Gateway::respond`] never fails. Its handlers return `Result`s: `twilio` handles Twilio's callbacks; `front`
//! handles requests from Front and from the providers of its channels; `notifications` those of a tenant's CRM.

mod explainer;
mod front;
mod notifications;
mod offload;
mod question;
mod request_context;
mod request_metrics;
mod request_record;
mod response;
mod services;
mod twilio;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use frontgate_delivery::Store;
use frontgate_recorder::Recorder;
use frontgate_runtime::CallError;
use frontgate_tenants::{Plugins, Tenant};
use frontgate_twilio_callbacks::error::EncodeError;
use futures_util::FutureExt as _;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tokio::time::Instant;

use self::explainer::Explainer;
use self::front::FrontRequest;
use self::notifications::SourceNotification;
pub use self::question::{NotAsked, Question, Reply};
use self::request_context::RequestContext;
pub use self::request_record::SIMULATED;
use self::services::Services;
use self::twilio::TwilioCallback;
use crate::connections::Connection;
use crate::error::Error;
use crate::request_body;
use crate::routes::{RouteMatch, Routes};
use crate::server::CallerFull;
use crate::settings::Server;

/// Handles the requests of the platforms.
pub struct Gateway(Services);

impl Gateway {
    /// Creates a gateway from a checked configuration. A callback waits at most `queue_timeout` to be admitted to a
    /// plugin.
    pub fn new(
        server: &Server,
        public_url: String,
        queue_timeout: Duration,
        tenants: Vec<Arc<Tenant>>,
        plugins: Arc<Plugins>,
        store: Arc<Store>,
        recorder: Arc<Recorder>,
    ) -> Self {
        let (routes, explainer) = (Routes::new(tenants), Explainer::new(server));
        Self(Services {
            server: server.clone(),
            public_url,
            queue_timeout,
            routes,
            explainer,
            plugins,
            store,
            recorder,
        })
    }

    /// Answers one request, even if its handler panics, and logs one line about it and records it.
    pub async fn respond(&self, request: Request<Incoming>, caller: &Connection) -> Response<Full<Bytes>> {
        let mut context = RequestContext::new(caller, &self.0, &request);
        let handled = AssertUnwindSafe(self.handle(request, &mut context)).catch_unwind().await;
        let result = handled
            .unwrap_or_else(|_| Err(CallError::Internal("panic; its text is on standard error".to_owned()).into()));
        let (mut response, error) = match result {
            Ok(response) => (response, None),
            // A plugin's rejection is final; any other error would block a customer's message.
            Err(error) if context.fails_open() && !matches!(error, Error::Encode(EncodeError::Rejected(_))) => {
                let response = match context.twiml() {
                    Some(twiml) => response::xml(twiml),
                    None => response::json(StatusCode::OK, Bytes::from_static(b"{}")),
                };
                (response, Some(error))
            }
            Err(error) if context.is_page() => (front::error_page(&error, context.id()), Some(error)),
            Err(error) if context.is_oauth() => (front::oauth_rejection(&error), Some(error)),
            Err(error) if context.is_front() => (front::rejection(&error), Some(error)),
            Err(error) => (response::rejection(&error), Some(error)),
        };
        response::set_request_id(&mut response, context.id());
        if matches!(error, Some(Error::Ambiguous(_))) {
            // Another server may parse the end of this request differently.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        context.finish(&response, error.as_ref());
        response
    }

    async fn handle(
        &self,
        request: Request<Incoming>,
        context: &mut RequestContext<'_>,
    ) -> Result<Response<Full<Bytes>>, Error> {
        let started = Instant::now();
        if request.extensions().get::<CallerFull>().is_some() {
            return Err(Error::CallerFull);
        }
        let (head, body) = request.into_parts();
        request_body::reject_ambiguous(&head.headers)?;
        match self.0.routes.find(head.uri.path()).ok_or(Error::UnknownAddress)? {
            RouteMatch::Twilio(route) => {
                let callback = TwilioCallback { services: &self.0, route };
                let answer = callback.respond(head, body, started, context).await?;
                if route.callback.is_voice() {
                    return Ok(response::xml(answer.body.into()));
                }
                Ok(response::json(StatusCode::OK, answer.body.into()))
            }
            RouteMatch::CustomerSource(tenant) => {
                let request = SourceNotification { services: &self.0, tenant, started };
                Box::pin(request.respond(&head, body, context)).await
            }
            RouteMatch::Front(route) => {
                let request = FrontRequest::new(&self.0, &route, started);
                Box::pin(request.respond(&head, body, context)).await
            }
        }
    }
}
