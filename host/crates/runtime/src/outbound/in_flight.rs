//! One request in flight: its permit, its connection, and its record when it ends.

use std::sync::Arc;

use frontgate_net::Connection;
use frontgate_telemetry::metrics::{METRICS, labels};
use hyper::{Method, Request, Response, body::Incoming};
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use super::body::Body;
use super::destination::Destination;
use super::egress::Key;
use super::failure::Failure;
use super::policy::Bound;
use super::requests::Requests;
use super::side_effects::{ResponseHead, SideEffects, is_safe};

/// A request that holds a permit of its call. Dropping the request records its outcome.
pub(super) struct InFlight {
    requests: Arc<Requests>,
    key: Key,
    open: Option<Open>,
    /// `None` for a request without side effects, or if side effects are not recorded.
    side_effects: Option<Arc<SideEffects>>,
    /// Whether bytes of the request were sent.
    was_sent: bool,
    /// The response, once its head has arrived.
    response: Option<ResponseHead>,
    /// Whether the response was read to its end.
    is_whole: bool,
    verdict: &'static str,
    began: Instant,
}

/// A connection, with its byte counts before this request.
struct Open {
    connection: Connection<Body>,
    written: u64,
    read: u64,
}

impl InFlight {
    /// Starts a request that holds a permit; returns `None` if the call was cancelled.
    pub(super) fn new(requests: &Arc<Requests>, to: Destination, bound: Vec<Bound>, method: &Method) -> Option<Self> {
        let key = Key { tenant: Arc::clone(&requests.caller.tenant), to, bound };
        let side_effects = requests.side_effects.clone().filter(|_| !is_safe(method));
        if side_effects.as_ref().is_some_and(|side_effects| !side_effects.begin()) {
            return None;
        }
        Some(Self {
            requests: Arc::clone(requests),
            key,
            open: None,
            side_effects,
            was_sent: false,
            response: None,
            is_whole: false,
            // This value stays if the request is dropped before its response has started.
            verdict: "abandoned",
            began: Instant::now(),
        })
    }

    pub(super) fn destination(&self) -> &Destination {
        &self.key.to
    }

    /// Sends the request over an idle or a new connection. If an idle connection was closed before anything was
    /// written, retries over the next connection.
    pub(super) async fn send(
        &mut self,
        mut request: Request<Body>,
        connected_until: Instant,
        until: Instant,
    ) -> Result<Response<Incoming>, Failure> {
        loop {
            let (open, reused) = self.connection(connected_until).await?;
            let (failure, unsent) = match timeout_at(until, open.connection.try_send(request)).await {
                Ok(Ok(response)) => {
                    self.verdict = "answered";
                    self.response = Some(ResponseHead::new(&response));
                    return Ok(response);
                }
                Ok(Err((error, unsent))) => (failed(&error), unsent),
                Err(_) => (Failure::Timeout, None),
            };
            let written = self.close().await;
            match unsent {
                Some(again) if reused && !written => request = *again,
                _ if written => return Err(failure),
                _ => return Err(not_sent(failure)),
            }
        }
    }

    async fn connection(&mut self, until: Instant) -> Result<(&mut Open, bool), Failure> {
        let egress = &self.requests.egress;
        let (connection, reused) = match egress.idle.take(&self.key) {
            Some(connection) => (connection, true),
            None => (egress.connect(&self.key.to, until).await?, false),
        };
        let (written, read) = (connection.written(), connection.read());
        Ok((self.open.insert(Open { connection, written, read }), reused))
    }

    /// Closes the connection. Returns whether anything of this request was written to it.
    async fn close(&mut self) -> bool {
        let Some(open) = self.open.take() else {
            return false;
        };
        let read = open.connection.read() - open.read;
        // Set before the await, at which the call can be cancelled.
        self.was_sent |= open.connection.written() > open.written;
        let written = open.connection.end().await - open.written;
        self.requests.note_bytes(written, read);
        self.was_sent |= written > 0;
        written > 0
    }

    /// Ends a request whose response was read to its end, and keeps the connection for reuse.
    pub(super) fn finish(mut self) {
        if let Some(open) = self.open.take() {
            self.note(&open);
            (self.was_sent, self.is_whole) = (true, true);
            self.requests.egress.idle.keep(self.key.clone(), open.connection);
        }
    }

    /// Ends the request with a failure.
    pub(super) fn fail(mut self, failure: Failure) -> Failure {
        self.verdict = failure.verdict();
        failure
    }

    fn note(&self, open: &Open) {
        let (written, read) = (open.connection.written(), open.connection.read());
        self.requests.note_bytes(written - open.written, read - open.read);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            self.note(&open);
            self.was_sent |= open.connection.written() > open.written;
        }
        if let Some(side_effects) = &self.side_effects {
            side_effects.end(self.was_sent, self.response, self.is_whole);
        }
        self.requests.permits.add_permits(1);
        self.requests.count(self.verdict);
        let (plugin, tenant, request) = self.requests.labels();
        let took = self.began.elapsed().as_millis();
        debug!(plugin, tenant, request, "outbound request to {}: {} after {took} ms", self.key.to, self.verdict);
    }
}

/// Converts an error of hyper.
fn failed(error: &hyper::Error) -> Failure {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Failure>());
    match source {
        Some(failure) => failure.clone(),
        None if error.is_parse_too_large() => Failure::ResponseTooLarge("header"),
        None => Failure::Interrupted(error.to_string()),
    }
}

/// Converts a failure that occurred before anything of the request was written.
fn not_sent(failure: Failure) -> Failure {
    match failure {
        Failure::Timeout => Failure::NotConnected("timeout".to_owned()),
        Failure::Interrupted(text) => Failure::NotConnected(text),
        failure => failure,
    }
}

impl Requests {
    /// Counts a request with its outcome.
    pub(super) fn count(&self, verdict: &'static str) {
        let plugin = Arc::clone(&self.egress.plugin);
        METRICS.plugin_outbound.get_or_create(&labels::Outbound { plugin, verdict }).inc();
    }
}
