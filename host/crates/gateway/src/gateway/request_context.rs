//! Collects data about one request, and writes one log line, metrics and one record at its end.
//!
//! They are also written if the caller disconnects before the response.

use std::sync::Arc;
use std::time::{Duration, Instant};

use frontgate_recorder::Outcome;
use frontgate_runtime::CallRecords;
use frontgate_runtime::LoadedPlugin;
use frontgate_telemetry::{REFUSALS, brief};
use frontgate_tenants::{AnsweredBy, PluginInvoker};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode};
use tracing::{info, warn};

use super::request_metrics::RequestMetrics;
use super::request_record::{Ending, RequestRecord};
use super::services::Services;
use crate::connections::Connection;
use crate::error::Error;

/// Name of a request from Front.
pub(super) const FRONT: &str = "front";
/// Name of a request from a channel's provider.
pub(super) const PROVIDER: &str = "front-provider";
/// Name of a request from Front to the authorization server of an app.
pub(super) const OAUTH: &str = "front-oauth";
/// Name of a request from the browser of a person who signs in.
pub(super) const SIGN_IN: &str = "front-sign-in";
/// Name of a notification of a tenant's CRM.
pub(super) const NOTIFICATION: &str = "customer-notification";
/// Code of a request whose caller disconnected before the response.
const CALLER_GONE: &str = "caller-gone";
/// Name of a request whose path matches no route.
const NO_CALLBACK: &str = "-";

/// Context of one request.
pub(super) struct RequestContext<'c> {
    caller: &'c Connection,
    /// Whether the signature was verified, or a channel's plugin accepted the request.
    accepted: bool,
    lines_per_second_max: u32,
    logs_client: bool,
    id: Arc<str>,
    started: Instant,
    tenant: Option<Arc<str>>,
    callback: &'static str,
    plugin: Option<Arc<str>>,
    /// Name of the index, if it answered.
    index: Option<&'static str>,
    receipts: CallRecords,
    webhook_event: Option<String>,
    fails_open: bool,
    /// The response after an error, if Twilio expects TwiML.
    twiml: Option<Bytes>,
    finished: bool,
    /// The record for the console.
    pub(super) record: RequestRecord<'c>,
}

impl<'c> RequestContext<'c> {
    pub(super) fn new(caller: &'c Connection, services: &'c Services, request: &Request<Incoming>) -> Self {
        let started = Instant::now();
        let record = RequestRecord::new(&services.recorder, request, started);
        Self {
            caller,
            accepted: false,
            lines_per_second_max: services.server.refusal_lines_per_second_max,
            logs_client: services.server.log_client_addresses,
            id: (&*uuid::Uuid::now_v7().hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer())).into(),
            started,
            tenant: None,
            callback: NO_CALLBACK,
            plugin: None,
            index: None,
            receipts: record.call_records(),
            webhook_event: None,
            fails_open: false,
            twiml: None,
            finished: false,
            record,
        }
    }

    /// Returns the request's id, which appears in the log, in the response, and in lines that plugins log.
    pub(super) fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Returns the collector for the receipts of plugin calls.
    pub(super) fn receipts(&self) -> CallRecords {
        self.receipts.clone()
    }

    /// Returns the connection of the request.
    pub(super) fn caller(&self) -> &'c Connection {
        self.caller
    }

    /// Marks the request and its connection as verified.
    pub(super) fn mark_verified(&mut self) {
        self.accepted = true;
        self.caller.mark_verified();
    }

    /// Marks the request and its connection as accepted by a channel's plugin.
    pub(super) fn mark_accepted(&mut self) {
        self.accepted = true;
        self.caller.mark_accepted();
    }

    /// Returns whether the request gets a log line. Lines of requests that were not accepted have a rate limit.
    fn has_line(&self) -> bool {
        self.accepted || REFUSALS.admit(self.lines_per_second_max)
    }

    /// Returns the caller's address for a log line; `None` if the request was accepted.
    fn client(&self) -> Option<String> {
        let address = self.caller.address().filter(|_| self.logs_client && !self.accepted);
        address.map(|address| address.to_canonical().to_string())
    }

    /// Returns whether the request was verified or accepted.
    pub(super) fn is_accepted(&self) -> bool {
        self.accepted
    }

    /// Records the route, and the time limit from the arrival of the header.
    pub(super) fn set_route(&mut self, tenant: &Arc<str>, callback: &'static str, time_limit: Duration) {
        self.tenant = Some(Arc::clone(tenant));
        self.callback = callback;
        self.record.set_route(tenant, callback, time_limit);
    }

    /// Returns whether Front sent the request and expects errors in Front's format.
    pub(super) fn is_front(&self) -> bool {
        self.callback == FRONT
    }

    /// Returns whether a client of the authorization server expects errors in the format of OAuth.
    pub(super) fn is_oauth(&self) -> bool {
        self.callback == OAUTH
    }

    /// Returns whether a person expects a page.
    pub(super) fn is_page(&self) -> bool {
        self.callback == SIGN_IN
    }

    pub(super) fn set_plugin(&mut self, plugin: &LoadedPlugin) {
        self.plugin = Some(Arc::clone(&plugin.name));
    }

    /// Records who answers a question about customers.
    pub(super) fn set_answered_by(&mut self, by: &AnsweredBy) {
        match by {
            AnsweredBy::Plugin(plugin) => self.set_plugin(plugin),
            AnsweredBy::Index | AnsweredBy::OldIndex => self.index = Some(by.name()),
        }
    }

    /// Returns the name of the plugin that answered, or `-`.
    pub(super) fn plugin(&self) -> &str {
        self.plugin.as_deref().unwrap_or("-")
    }

    /// Records the plugin that answers a Conversations webhook.
    pub(super) fn set_webhook_plugin(&mut self, invoker: &PluginInvoker) {
        if let Some(plugin) = invoker.conversations_role().and_then(|role| invoker.plugin(role).ok()) {
            self.set_plugin(&plugin);
        }
    }

    /// Records the type of a webhook or of a request from Front, if the type is a plain word.
    pub(super) fn set_webhook_event(&mut self, name: &str) {
        let plain = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        self.webhook_event = plain.then(|| name.to_owned());
    }

    /// Marks the request as one that must not block the platform: from now on, an error is answered with success.
    pub(super) fn fail_open(&mut self) {
        self.fails_open = true;
    }

    /// Marks the request as a call that must be connected: from now on, an error is answered with this TwiML.
    pub(super) fn fail_open_with(&mut self, twiml: &str) {
        (self.fails_open, self.twiml) = (true, Some(twiml.to_owned().into()));
    }

    /// Returns the response after an error, if Twilio expects TwiML.
    pub(super) fn twiml(&mut self) -> Option<Bytes> {
        self.twiml.take()
    }

    pub(super) fn fails_open(&self) -> bool {
        self.fails_open
    }

    /// Counts, logs and records the response.
    pub(super) fn finish(&mut self, response: &Response<Full<Bytes>>, error: Option<&Error>) {
        self.finished = true;
        let elapsed = self.started.elapsed();
        let code = error.map_or("ok", |error| error.status_and_code().1);
        if !self.record.is_simulated() {
            let metrics = RequestMetrics::of(self.tenant.as_ref(), self.callback);
            metrics.took(elapsed, self.record.deadline());
            metrics.count(code);
        }
        if self.has_line() {
            self.log(response.status().as_u16(), code, elapsed, error);
        }
        let outcome = match error {
            None => Outcome::Answered,
            Some(_) if response.status() == StatusCode::OK => Outcome::LetThrough,
            Some(_) => Outcome::Refused,
        };
        let detail = match error {
            // The record of the signature has the explanation.
            Some(Error::Signature(explanation)) => {
                self.record.set_refusal(&brief(explanation));
                None
            }
            error => error.map(text),
        };
        self.finish_record(outcome, code, detail, Some(response));
    }

    fn finish_record(
        &mut self,
        outcome: Outcome,
        code: &'static str,
        detail: Option<String>,
        response: Option<&Response<Full<Bytes>>>,
    ) {
        let ending = Ending {
            id: &self.id,
            tenant: self.tenant.as_ref(),
            callback: self.callback,
            event: self.webhook_event.as_deref(),
            plugin: self.plugin.as_ref(),
            index: self.index,
            is_accepted: self.accepted,
            outcome,
            code,
            detail: detail.map(Into::into),
            response,
            calls: &self.receipts,
        };
        self.record.finish(ending);
    }

    fn log(&self, status: u16, code: &str, elapsed: Duration, error: Option<&Error>) {
        let (request, callback, calls) = (&*self.id, self.callback, self.receipts.text_at_debug());
        let tenant = self.tenant.as_deref().unwrap_or("-");
        let plugin = self.plugin();
        let index = self.index;
        let webhook_event = self.webhook_event.as_deref();
        let duration_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let client = self.client();
        // The level and event of a log line must be constants in its macro.
        macro_rules! log_line {
            ($level:ident, $event:literal, $code:expr, $text:literal) => {
                $level!(
                    event = $event,
                    request,
                    tenant,
                    callback,
                    webhook_event,
                    plugin,
                    index,
                    client,
                    status,
                    code = $code,
                    duration_us,
                    calls,
                    $text
                )
            };
        }
        let Some(error) = error else {
            log_line!(info, "gateway.request_answered", None::<&str>, "callback {callback} answered");
            return;
        };
        let ended = if status == 200 { "answered 200 despite an error" } else { "refused" };
        let text = format!("callback {callback} {ended}: {}", text(error));
        match (status == 200, error.is_ordinary()) {
            (false, true) => log_line!(info, "gateway.request_refused", code, "{text}"),
            (false, false) => log_line!(warn, "gateway.request_refused", code, "{text}"),
            (true, true) => log_line!(info, "gateway.request_let_through", code, "{text}"),
            (true, false) => log_line!(warn, "gateway.request_let_through", code, "{text}"),
        }
    }
}

/// Returns the text of an error for operators.
fn text(error: &Error) -> String {
    let detail = error.detail().map(|detail| format!(": {}", brief(&detail))).unwrap_or_default();
    format!("{error}{detail}")
}

impl Drop for RequestContext<'_> {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let callback = self.callback;
        RequestMetrics::of(self.tenant.as_ref(), callback).count(CALLER_GONE);
        if self.has_line() {
            warn!(
                event = "gateway.caller_disconnected",
                request = &*self.id,
                callback,
                client = self.client(),
                "caller disconnected before callback {callback} was answered"
            );
        }
        self.finish_record(Outcome::CallerGone, CALLER_GONE, None, None);
    }
}
