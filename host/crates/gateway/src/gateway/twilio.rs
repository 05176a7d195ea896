//! Handles Twilio's callbacks: verifies and decodes the request, calls a plugin or stores an event, encodes the
//! response.

mod conversations;
mod events;
mod frontline;
mod verified;
mod voice;

use std::time::Duration;

use frontgate_runtime::Deadlines;
use frontgate_twilio::form::Form;
use frontgate_twilio::signature;
use frontgate_twilio::signature::{Content, Keys, Refusal, SignedRequest};
use frontgate_twilio::voice::HANGUP;
use frontgate_twilio_callbacks::CallbackResponse;
use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use tokio::time::Instant;
use tracing::warn;

use self::conversations::Conversations;
pub(super) use self::conversations::decide;
use self::events::EventIntake;
pub(super) use self::frontline::Frontline;
use self::verified::VerifiedRequest;
use self::voice::Calls;
use super::offload::offload_if_large;
use super::request_context::RequestContext;
use super::request_record::Stage;
use super::services::Services;
use crate::error::Error;
use crate::headers::single_text;
use crate::request_body;
use crate::routes::{Callback, Route};

/// Header with a token that is the same for all attempts at one request.
const IDEMPOTENCY_TOKEN: HeaderName = HeaderName::from_static("i-twilio-idempotency-token");
const SIGNATURE: HeaderName = HeaderName::from_static(signature::SIGNATURE);
const SETTINGS: HeaderName = HeaderName::from_static(signature::SETTINGS);

/// One callback of one tenant.
pub(super) struct TwilioCallback<'s> {
    pub(super) services: &'s Services,
    pub(super) route: &'s Route,
}

impl TwilioCallback<'_> {
    /// Reads, verifies and answers the request. The deadline is relative to `started`, when the header had arrived.
    pub(super) async fn respond(
        &self,
        head: Parts,
        body: Incoming,
        started: Instant,
        context: &mut RequestContext<'_>,
    ) -> Result<CallbackResponse, Error> {
        let (route, server) = (self.route, &self.services.server);
        let time_limit = Duration::from_millis(route.callback.timeout_ms(&route.tenant));
        context.set_route(&route.tenant.name, route.callback.name(), time_limit);
        // The console offers GET for Conversations webhooks. The fields are in the query then, which is signed.
        let is_webhook_by_get = head.method == Method::GET && route.callback == Callback::Conversations;
        if head.method != Method::POST && !is_webhook_by_get {
            return Err(Error::Method);
        }
        let signed = signed_parts(&head)?;
        self.check(&signed, &head.headers, Keys::presented)?;
        let deadline = started + time_limit;
        let read =
            request_body::read(body, &head.headers, server.body_bytes_max, server, deadline, context.caller()).await;
        context.record.end(Stage::Body);
        let (body, mut reservation) = read?;
        context.record.set_bytes_in(body.len());
        let signed = SignedRequest { body: &body, ..signed };
        reservation.complete().map_err(|_| Error::BodiesFull)?;
        let verify = || self.check(&signed, &head.headers, Keys::verify);
        let verified = offload_if_large(body.len(), deadline, verify).await.flatten();
        context.record.end(Stage::Verify);
        context.record.capture(&head.headers, &body, verified.is_ok());
        let verified = verified?;
        context.mark_verified();
        context.record.set_signature(&verified.key, Some(&verified.url));
        drop(reservation);
        if let Some(counter) = route.tenant.verified.get(&verified.key).filter(|_| !context.record.is_simulated()) {
            counter.inc();
        }
        match (route.callback, &route.tenant.voice) {
            (Callback::Voice, Some(voice)) => context.fail_open_with(&voice.twiml),
            (Callback::VoiceEnded, _) => context.fail_open_with(HANGUP),
            _ => {}
        }
        let query_form;
        let form = match verified.content() {
            _ if is_webhook_by_get => {
                query_form = Form::parse(head.uri.query().unwrap_or_default().as_bytes());
                query_form.as_ref().map_err(|_| Error::NotForm)
            }
            Content::Form(form) => Ok(form),
            Content::Other => Err(Error::NotForm),
        };
        let form = form.inspect_err(|_| {
            if route.callback == Callback::Conversations && route.tenant.webhooks_fail_open() {
                context.fail_open();
            }
        })?;
        context.record.set_conversation(form.get("ConversationSid").or_else(|| form.get("CallSid")));
        let deadlines = Deadlines { queue: Instant::now() + self.services.queue_timeout, answer: deadline };
        let token = single_text(&head.headers, &IDEMPOTENCY_TOKEN)
            .map_err(|_| Error::Ambiguous("more than one I-Twilio-Idempotency-Token header"))?;
        let signature = signed.signature.unwrap_or_default();
        let request = VerifiedRequest { route, form, query: head.uri.query(), signature, token, deadlines };
        let response = self.dispatch(&request, context).await?;
        if response.left_out > 0 || response.shortened {
            let (left_out, shortened) = (response.left_out, response.shortened);
            warn!(
                event = "gateway.answer_adjusted",
                request = &**context.id(),
                tenant = &*route.tenant.name,
                callback = route.callback.name(),
                plugin = context.plugin(),
                left_out,
                shortened,
                "plugin's answer adjusted to Twilio's limits: {left_out} rows left out, texts shortened: {shortened}",
            );
        }
        Ok(response)
    }

    async fn dispatch(
        &self,
        request: &VerifiedRequest<'_>,
        context: &mut RequestContext<'_>,
    ) -> Result<CallbackResponse, Error> {
        let (plugins, events) = (&self.services.plugins, EventIntake { store: &self.services.store, request });
        let invoker = request.invoker(plugins, context);
        let frontline = Frontline { route: request.route, form: request.form, query: request.query, invoker: &invoker };
        // Box each future separately, so that each callback allocates only its own.
        let response: BoxFuture<'_, _> = match self.route.callback {
            Callback::Crm => Box::pin(frontline.crm(context)),
            Callback::Templates => Box::pin(frontline.templates(context)),
            Callback::Outgoing => Box::pin(frontline.outgoing(context)),
            Callback::Routing => Box::pin(events.routing(context)),
            Callback::Conversations => Box::pin(Conversations { plugins, events, request }.respond(context)),
            Callback::Voice => Box::pin(Calls { events, request }.connect(context)),
            Callback::VoiceStatus => Box::pin(Calls { events, request }.status(context)),
            Callback::VoiceRecording => Box::pin(Calls { events, request }.recording(context)),
            Callback::VoiceEnded => Box::pin(Calls { events, request }.ended(context)),
        };
        response.await
    }

    /// Runs a check of the tenant's keys, and adds an explanation to a refusal.
    fn check<'b, T>(
        &self,
        request: &SignedRequest<'b>,
        headers: &HeaderMap,
        check: impl FnOnce(&Keys, &SignedRequest<'b>) -> Result<T, Refusal>,
    ) -> Result<T, Error> {
        check(&self.route.tenant.keys, request).map_err(|refusal| {
            let host = headers.get(HOST).and_then(|host| host.to_str().ok());
            self.services.explainer.twilio_error(&self.services.routes, self.route, request, host, refusal)
        })
    }
}

/// Returns the signed parts of a request, without the body. Rejects a request with two signatures.
fn signed_parts(head: &Parts) -> Result<SignedRequest<'_>, Error> {
    let headers = &head.headers;
    let signature = single_text(headers, &SIGNATURE)
        .map_err(|_| Error::Signature("more than one X-Twilio-Signature header".to_owned()))?;
    let settings = single_text(headers, &SETTINGS)
        .map_err(|_| Error::Ambiguous("more than one X-Twilio-Webhooks-Signature-Settings header"))?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_form = content_type.is_some_and(|value| {
        let value = value.split(';').next().unwrap_or_default().trim();
        // Twilio's own pages use the second spelling.
        let spellings = ["application/x-www-form-urlencoded", "application/x-www-urlencoded"];
        spellings.iter().any(|spelling| value.eq_ignore_ascii_case(spelling))
    });
    let target = head.uri.path_and_query().map_or("", |target| target.as_str());
    Ok(SignedRequest { target, signature, settings, is_form, body: &[] })
}
