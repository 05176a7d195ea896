//! Collects the record of one request, and hands it to the recorder at the end of the request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use frontgate_recorder as recorder;
use frontgate_recorder::{
    Capture, Content, Facts, Outcome, PluginCall, Recorder, SignatureResult, Stages, TenantCallback,
};
use frontgate_runtime::{CallRecords, OutputLines};
use frontgate_store::now_ms;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::{HeaderMap, Method, Request, Response};
use tracing::{Level, trace};

/// Headers that are captured. No header with a credential, a signature, or the caller's address is among them.
const CAPTURED_HEADERS: [&str; 9] = [
    "host",
    "content-type",
    "content-length",
    "user-agent",
    "i-twilio-idempotency-token",
    "x-twilio-webhooks-signature-settings",
    "x-front-request-timestamp",
    "x-forwarded-proto",
    "x-forwarded-host",
];
/// Header with the mark of a request of the console's simulator.
pub const SIMULATED: &str = "x-frontgate-simulated";
/// Captured bytes of one header.
const HEADER_BYTES_MAX: usize = 256;
/// Recorded bytes of a path. Paths that match no route can be longer.
const PATH_BYTES_MAX: usize = 256;
/// Longest id of a conversation or channel that is recorded. Ids of the platforms are shorter.
const ID_BYTES_MAX: usize = 64;

/// A part of a request whose duration is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Finding the route and reading the body.
    Body,
    /// Checking the signature.
    Verify,
    /// Decoding, and calling plugins.
    Calls,
    /// Reading or writing the database.
    Store,
}

/// The record of one request that is being handled.
pub(super) struct RequestRecord<'c> {
    recorder: &'c Recorder,
    /// `None` if nothing is recorded, or before the route is known.
    of: Option<Arc<TenantCallback>>,
    at_ms: u64,
    started: Instant,
    /// End of the last stage.
    last: Instant,
    method: &'static str,
    path: Box<str>,
    stages: Stages,
    deadline: Option<Duration>,
    signature: SignatureResult,
    conversation: Option<Box<str>>,
    channel: Option<Box<str>>,
    deliveries: Vec<i64>,
    bytes_in: u64,
    capture: Option<Capture>,
    /// Largest part of the response that is captured.
    capture_bytes_max: usize,
    /// Whether the console's simulator sent the request.
    is_simulated: bool,
}

/// Facts that the request's context knows.
pub(super) struct Ending<'e> {
    pub(super) id: &'e Arc<str>,
    pub(super) tenant: Option<&'e Arc<str>>,
    pub(super) callback: &'static str,
    pub(super) event: Option<&'e str>,
    pub(super) plugin: Option<&'e Arc<str>>,
    pub(super) index: Option<&'static str>,
    pub(super) is_accepted: bool,
    pub(super) outcome: Outcome,
    pub(super) code: &'static str,
    pub(super) detail: Option<Box<str>>,
    pub(super) response: Option<&'e Response<Full<Bytes>>>,
    pub(super) calls: &'e CallRecords,
}

impl<'c> RequestRecord<'c> {
    /// Begins the record of a request that arrived at `started`.
    pub(super) fn new(recorder: &'c Recorder, request: &Request<Incoming>, started: Instant) -> Self {
        let is_on = recorder.is_on();
        let path = if is_on { cut(request.uri().path(), PATH_BYTES_MAX) } else { "" };
        Self {
            recorder,
            of: None,
            at_ms: if is_on { now_ms() } else { 0 },
            started,
            last: started,
            method: method_name(request.method()),
            path: path.into(),
            stages: Stages::default(),
            deadline: None,
            signature: SignatureResult::Unchecked,
            conversation: None,
            channel: None,
            deliveries: Vec::new(),
            bytes_in: 0,
            capture: None,
            capture_bytes_max: 0,
            is_simulated: recorder.is_simulated(|| request.headers().get(SIMULATED)?.to_str().ok()),
        }
    }

    /// Returns whether the console's simulator sent the request.
    pub(super) fn is_simulated(&self) -> bool {
        self.is_simulated
    }

    /// Returns the collector for calls of plugins.
    pub(super) fn call_records(&self) -> CallRecords {
        match (self.recorder.is_on(), self.recorder.has_content()) {
            (false, _) => CallRecords::kept_at_debug(),
            (true, false) => CallRecords::kept(),
            (true, true) => CallRecords::kept_with_lines(),
        }
    }

    /// Returns the time limit; `None` before the route is known.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    pub(super) fn set_route(&mut self, tenant: &Arc<str>, callback: &'static str, deadline: Duration) {
        self.of = self.recorder.callback(Some(tenant), callback);
        self.deadline = Some(deadline);
    }

    /// Replaces the path by one without a secret.
    pub(super) fn set_path(&mut self, path: impl FnOnce() -> String) {
        if self.of.is_some() {
            self.path = path().into();
        }
    }

    /// Attributes the time since the end of the last stage to a stage.
    pub(super) fn end(&mut self, stage: Stage) {
        if self.of.is_none() {
            return;
        }
        let now = Instant::now();
        let passed = micros(now - self.last);
        self.last = now;
        match stage {
            Stage::Body => self.stages.body_us += passed,
            Stage::Verify => self.stages.verify_us += passed,
            Stage::Calls => self.stages.calls_us += passed,
            Stage::Store => self.stages.store_us += passed,
        }
    }

    pub(super) fn set_bytes_in(&mut self, bytes: usize) {
        self.bytes_in = bytes as u64;
    }

    /// Records the key and the URL whose signature matched.
    pub(super) fn set_signature(&mut self, key: &str, url: Option<&str>) {
        if self.of.is_none() {
            return;
        }
        // With GET, the query has the fields of the event.
        let url = url.map(|url| url.split('?').next().unwrap_or_default().into());
        self.signature = SignatureResult::Matched { key: key.into(), url };
    }

    /// Records the conversation or call, if the text can be an id.
    pub(super) fn set_conversation(&mut self, id: Option<&str>) {
        if self.of.is_some() {
            self.conversation = id.filter(|id| is_id(id)).map(Box::from);
        }
    }

    pub(super) fn set_channel(&mut self, id: &str) {
        if self.of.is_some() && is_id(id) {
            self.channel = Some(id.into());
        }
    }

    pub(super) fn add_deliveries(&mut self, ids: &[i64]) {
        self.deliveries.extend_from_slice(ids);
    }

    /// Captures the request, if the budget of its callback allows it.
    pub(super) fn capture(&mut self, headers: &HeaderMap, body: &[u8], is_accepted: bool) {
        let Some(of) = &self.of else { return };
        let Some(bytes_max) = self.recorder.take_capture(of, is_accepted, self.at_ms) else { return };
        // Copies, because a reference would keep the whole read buffer of the connection.
        let request = body[..body.len().min(bytes_max)].into();
        self.capture = Some(Capture { headers: captured(headers), request, response: Bytes::new() });
        self.capture_bytes_max = bytes_max;
    }

    /// Hands the record to the recorder.
    pub(super) fn finish(&mut self, ending: Ending<'_>) {
        let of = self.of.take().or_else(|| self.recorder.callback(ending.tenant, ending.callback));
        let Some(of) = of else { return };
        let elapsed = self.started.elapsed();
        let took_us = micros(elapsed);
        let Stages { body_us, verify_us, calls_us, store_us, .. } = self.stages;
        self.stages.encode_us = took_us.saturating_sub(body_us + verify_us + calls_us + store_us);
        let OutputLines { lines, dropped, .. } = ending.calls.take_lines();
        let mut capture = self.capture.take();
        if let (Some(capture), Some(response)) = (&mut capture, ending.response) {
            capture.response = captured_body(response.body(), self.capture_bytes_max);
        }
        let facts = Facts {
            id: Arc::clone(ending.id),
            at_ms: self.at_ms,
            tenant: ending.tenant.cloned(),
            callback: ending.callback,
            event: ending.event.map(Box::from),
            method: self.method,
            path: std::mem::take(&mut self.path),
            stages: self.stages,
            took_us,
            deadline_us: self.deadline.map(micros),
            outcome: ending.outcome,
            status: ending.response.map(|response| response.status().as_u16()),
            code: ending.code,
            detail: ending.detail,
            signature: std::mem::take(&mut self.signature),
            is_accepted: ending.is_accepted,
            plugin: ending.plugin.cloned(),
            index: ending.index,
            calls: ending.calls.take().into_iter().map(PluginCall::from).collect(),
            conversation: self.conversation.take(),
            channel: self.channel.take(),
            deliveries: std::mem::take(&mut self.deliveries),
            bytes_in: self.bytes_in,
            bytes_out: ending.response.and_then(|response| response.body().size_hint().exact()).unwrap_or_default(),
            is_simulated: self.is_simulated,
        };
        let content = Content { capture, lines: lines.into_iter().map(line).collect(), lines_dropped: dropped };
        let (captured, lines) = (content.capture.is_some(), content.lines.len());
        trace!(event = "gateway.request_recorded", request = &**ending.id, captured, lines, "{facts:?}");
        self.recorder.record(&of, facts, content, self.at_ms + took_us / 1_000);
    }

    /// Records why no signature matched.
    pub(super) fn set_refusal(&mut self, explanation: &str) {
        self.signature = SignatureResult::Refused { explanation: explanation.into() };
    }
}

/// Returns whether a text is short and has only characters of ids: no name, number or text of a customer.
fn is_id(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    is_plain && text.len() <= ID_BYTES_MAX && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "DELETE" => "DELETE",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

fn captured(headers: &HeaderMap) -> Box<str> {
    let mut text = String::new();
    for name in CAPTURED_HEADERS {
        for value in headers.get_all(name) {
            let value = String::from_utf8_lossy(value.as_bytes());
            text.extend([name, ": ", cut(&value, HEADER_BYTES_MAX), "\n"]);
        }
    }
    text.into()
}

/// Returns the start of a response's body. A short body is shared with the response.
fn captured_body(body: &Full<Bytes>, bytes_max: usize) -> Bytes {
    let mut collected = std::pin::pin!(body.clone().collect());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    // A body in memory is ready at once, and cannot fail.
    let std::task::Poll::Ready(Ok(body)) = std::future::Future::poll(collected.as_mut(), &mut context) else {
        return Bytes::new();
    };
    let body = body.to_bytes();
    if body.len() > bytes_max { Bytes::copy_from_slice(&body[..bytes_max]) } else { body }
}

fn line(line: frontgate_runtime::OutputLine) -> recorder::Line {
    let level = match line.level {
        Level::ERROR => recorder::Level::Error,
        Level::WARN => recorder::Level::Warn,
        Level::INFO => recorder::Level::Info,
        Level::DEBUG => recorder::Level::Debug,
        Level::TRACE => recorder::Level::Trace,
    };
    recorder::Line { plugin: line.plugin, level, text: line.text.into() }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;
    use hyper::header::HeaderValue;

    use super::{captured, is_id};

    #[test]
    fn headers_with_credentials_signatures_or_addresses_are_not_captured() {
        let mut headers = HeaderMap::new();
        let secret =
            ["authorization", "cookie", "x-twilio-signature", "x-front-signature", "x-forwarded-for", "x-api-key"];
        for name in secret.into_iter().chain(["user-agent"]) {
            headers.insert(name, HeaderValue::from_static("value"));
        }
        assert_eq!(&*captured(&headers), "user-agent: value\n");
    }

    #[test]
    fn a_phone_number_or_a_name_is_no_id() {
        assert!(["CH0123456789abcdef", "cnv_55c8c149", "CA1"].into_iter().all(is_id));
        assert!(
            !["+12025550199", "12025550199", "whatsapp:+1202", "Ana Maria", "", &"a".repeat(65)].into_iter().any(is_id)
        );
    }
}
