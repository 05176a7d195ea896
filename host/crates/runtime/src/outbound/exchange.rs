//! One request and its answer: its turn among those of the call, its connection, and what is written
//! down about it when it ends, however it ends.

use std::sync::Arc;

use frontgate_net::Connection;
use hyper::{Method, Request, Response, body::Incoming};
use metrics::counter;
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use super::requests::Requests;
use super::traces::{Answered, Traces, is_safe};
use super::{Body, Destination, Failure, Key};

/// A request that has its turn.
pub(super) struct Exchange {
    requests: Arc<Requests>,
    key: Key,
    open: Option<Open>,
    /// None for a request that changes nothing, or where nobody asks.
    traces: Option<Arc<Traces>>,
    /// Whether bytes of it left.
    has_left: bool,
    /// Of the answer, once it has begun.
    answer: Option<Answered>,
    /// Whether the answer came to its end.
    is_whole: bool,
    verdict: &'static str,
    began: Instant,
}

/// A connection, and what went over it before.
struct Open {
    connection: Connection<Body>,
    written: u64,
    read: u64,
}

impl Exchange {
    /// Takes a turn that has been waited for; none if nobody waits for the call any more.
    pub(super) fn new(requests: &Arc<Requests>, to: Destination, bound: Vec<usize>, method: &Method) -> Option<Self> {
        let key = Key { tenant: Arc::clone(&requests.caller.tenant), to, bound };
        let traces = requests.traces.clone().filter(|_| !is_safe(method));
        let traces = match traces {
            Some(traces) if !traces.begin() => return None,
            traces => traces,
        };
        // An answer that nobody waits for any more leaves no other word.
        let (requests, began) = (Arc::clone(requests), Instant::now());
        let (has_left, answer, is_whole) = (false, None, false);
        Some(Self { requests, key, open: None, traces, has_left, answer, is_whole, verdict: "abandoned", began })
    }

    pub(super) fn to(&self) -> &Destination {
        &self.key.to
    }

    /// Sends the request over a connection that is open already, or over a new one. A connection that was
    /// closed while it lay idle says nothing about the server: the request goes over the next one.
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
                    self.answer = Some(Answered::new(&response));
                    return Ok(response);
                }
                Ok(Err((error, unsent))) => (failed(&error), unsent),
                Err(_) => (Failure::Timeout, None),
            };
            let written = self.close().await;
            match unsent {
                Some(again) if reused && !written => request = *again,
                _ if written => return Err(failure),
                _ => return Err(unsent_for(failure)),
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

    /// Ends the connection, and says whether anything of this request was written to it.
    async fn close(&mut self) -> bool {
        let Some(open) = self.open.take() else {
            return false;
        };
        let read = open.connection.read() - open.read;
        // The call may end while this waits.
        self.has_left |= open.connection.written() > open.written;
        let written = open.connection.end().await - open.written;
        self.requests.note_bytes(written, read);
        self.has_left |= written > 0;
        written > 0
    }

    /// The answer was read whole: the connection can be used again.
    pub(super) fn finish(mut self) {
        if let Some(open) = self.open.take() {
            self.note(&open);
            (self.has_left, self.is_whole) = (true, true);
            self.requests.egress.idle.keep(self.key.clone(), open.connection);
        }
    }

    /// It has come to nothing.
    pub fn fail(mut self, failure: Failure) -> Failure {
        self.verdict = failure.verdict();
        failure
    }

    fn note(&self, open: &Open) {
        let (written, read) = (open.connection.written(), open.connection.read());
        self.requests.note_bytes(written - open.written, read - open.read);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            self.note(&open);
            self.has_left |= open.connection.written() > open.written;
        }
        if let Some(traces) = &self.traces {
            traces.end(self.has_left, self.answer, self.is_whole);
        }
        self.requests.places.add_permits(1);
        self.requests.count(self.verdict);
        let (plugin, tenant, request) = self.requests.labels();
        let took = self.began.elapsed().as_millis();
        debug!(plugin, tenant, request, "outbound request to {}: {} after {took} ms", self.key.to, self.verdict);
    }
}

/// What hyper says of a request that it could not finish.
fn failed(error: &hyper::Error) -> Failure {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Failure>());
    match source {
        Some(failure) => failure.clone(),
        None if error.is_parse_too_large() => Failure::ResponseTooLarge("its header"),
        None => Failure::Interrupted(error.to_string()),
    }
}

/// The same where nothing was written.
fn unsent_for(failure: Failure) -> Failure {
    match failure {
        Failure::Timeout => Failure::NotConnected("there was no time left to send it".to_owned()),
        Failure::Interrupted(text) => Failure::NotConnected(text),
        failure => failure,
    }
}

impl Requests {
    /// One request more that ended so.
    pub(super) fn count(&self, verdict: &'static str) {
        let plugin = self.egress.plugin.to_string();
        counter!("frontgate_plugin_outbound_total", "plugin" => plugin, "verdict" => verdict).increment(1);
    }
}
