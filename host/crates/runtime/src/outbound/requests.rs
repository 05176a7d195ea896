//! HTTP requests of one call: limits on their number, size and time, and their totals.

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use frontgate_telemetry::brief;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

use super::body::{Body, capped};
use super::destination::Target;
use super::egress::Egress;
use super::failure::{Failure, Rejection};
use super::guard;
use super::in_flight::InFlight;
use super::outgoing::{FileIn, Outgoing};
use super::policy::{Binding, Bound};
use super::response_body::{ResponseBody, Window, read_whole};
use super::secret_scan::Patterns;
use super::side_effects::{SideEffects, is_safe};
use crate::caller::Caller;
use crate::dry_run::{DryRequest, DryResult, DryRun};
use crate::settings::Limits;

/// Maximum number of hosts in the record of one call.
const HOSTS_MAX: usize = 16;

/// Methods that plugins may use. CONNECT opens a tunnel; TRACE, TRACK and DEBUG return the headers of the request,
/// which may contain a bound secret.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// Requests of one call.
pub(crate) struct Requests {
    pub(super) egress: Arc<Egress>,
    pub(super) caller: Caller,
    /// Permits for concurrent requests.
    pub(super) permits: Semaphore,
    /// Deadline of the call; `None` during a trial start.
    deadline: Option<Instant>,
    pub(super) side_effects: Option<Arc<SideEffects>>,
    limits: Limits,
    used: Mutex<Used>,
    /// Bytes of searched responses that are in memory.
    held: Arc<AtomicUsize>,
}

/// Totals of a call's requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Used {
    /// Requests, including rejected ones.
    pub(crate) requests: u32,
    /// Bytes written to connections, including headers.
    pub(crate) sent: u64,
    /// Bytes read from connections.
    pub(crate) received: u64,
    /// Hosts that the policy admitted, up to a maximum.
    pub(crate) hosts: BTreeSet<String>,
}

impl Requests {
    pub(crate) fn new(
        egress: &Arc<Egress>,
        limits: &Limits,
        caller: &Caller,
        deadline: Option<Instant>,
        side_effects: Option<Arc<SideEffects>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            egress: Arc::clone(egress),
            caller: caller.clone(),
            permits: Semaphore::new(limits.outbound_concurrent_max as usize),
            deadline,
            side_effects,
            limits: limits.clone(),
            used: Mutex::default(),
            held: Arc::default(),
        })
    }

    /// Returns the totals so far.
    pub(crate) fn used(&self) -> Used {
        self.used.lock().clone()
    }

    /// Returns the number of bytes of responses in memory that the plugin has not read.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Sends a request. Returns the response when its head has arrived.
    pub(crate) async fn send(self: &Arc<Self>, mut outgoing: Outgoing) -> Result<Response<Body>, Failure> {
        let sent = match self.admit(&mut outgoing) {
            Ok((target, binding, deadline)) => match self.caller.dry_run() {
                Some(dry_run) => self.send_dry(dry_run, target, binding, deadline, outgoing).await,
                None => self.send_to(target, binding, deadline, outgoing).await,
            },
            Err(rejection) => Err(self.unsent(rejection.into())),
        };
        sent.inspect_err(|failure| self.log(failure))
    }

    /// Checks everything that needs no network.
    fn admit(&self, outgoing: &mut Outgoing) -> Result<(Target, Binding, Instant), Rejection> {
        let sent = {
            let mut used = self.used.lock();
            used.requests = used.requests.saturating_add(1);
            used.requests
        };
        let max = self.limits.outbound_requests_max;
        if sent > max {
            return Err(Rejection::Requests(max));
        }
        let deadline = self.deadline.ok_or(Rejection::Trial)?;
        if self.egress.is_empty() {
            return Err(Rejection::NothingGranted);
        }
        let (to, path) = outgoing.target.clone()?;
        self.egress.policy.admit(&to)?;
        if !METHODS.contains(&outgoing.method) {
            return Err(Rejection::Method(outgoing.method.clone()));
        }
        let mut binding = self.egress.policy.binding(&to, path.path())?;
        if binding.is_guarded {
            guard::prepare(&mut outgoing.headers, binding.by_path, to.host())?;
        }
        if !outgoing.with_secrets {
            binding.secrets.clear();
        }
        self.note_host(to.host());
        Ok(((to, path), binding, deadline))
    }

    async fn send_to(
        self: &Arc<Self>,
        (destination, path): Target,
        binding: Binding,
        deadline: Instant,
        outgoing: Outgoing,
    ) -> Result<Response<Body>, Failure> {
        let Outgoing { method, mut headers, mut body, mut repeated, file, timeouts, .. } = outgoing;
        let limits = &self.limits;
        let max = |is_file: bool, other| if is_file { limits.outbound_file_bytes_max } else { other };
        let sent_max = max(file == Some(FileIn::Request), limits.outbound_request_bytes_max);
        let received_max = max(file == Some(FileIn::Response), limits.outbound_response_bytes_max);
        if announced(&headers, &body) > u64::try_from(sent_max).unwrap_or(u64::MAX) {
            return Err(self.unsent(Failure::RequestTooLarge));
        }
        let network = &self.egress.network;
        network
            .hold(&self.egress.plugin, &method, (&destination, path.path()), size(&headers, &body))
            .map_err(|rejection| self.unsent(rejection.into()))?;
        let whole = Duration::from_millis(limits.outbound_timeout_ms);
        let until = deadline.min(Instant::now() + shorter(whole, timeouts.whole));
        let connect = Duration::from_millis(limits.outbound_connect_timeout_ms);
        let Binding { secrets, is_guarded, .. } = binding;
        let host = HeaderValue::try_from(destination.authority()).expect("a host is a header value");
        headers.insert(HOST, host);
        loop {
            let Ok(permit) = timeout_at(until, self.permits.acquire()).await else {
                let text = "outbound_concurrent_max reached by this call";
                return Err(self.unsent(Failure::NotConnected(text.to_owned())));
            };
            let permit = permit.expect("the semaphore is never closed");
            let bound = self.egress.policy.bind(&secrets, &mut headers, &self.egress, until).await;
            let bound = bound.map_err(|failure| self.unsent(failure))?;
            repeated = repeated.filter(|_| bound.iter().any(Bound::is_token));
            let connected_until = until.min(Instant::now() + shorter(connect, timeouts.connect));
            let head_until = until.min(Instant::now() + shorter(whole, timeouts.first_byte));
            let Some(mut in_flight) = InFlight::new(self, destination.clone(), bound.clone(), &method) else {
                return Err(self.unsent(Failure::NotConnected("the call was cancelled".to_owned())));
            };
            permit.forget();
            let mut request = Request::new(capped(body, sent_max));
            *request.method_mut() = method.clone();
            *request.uri_mut() = Uri::from(path.clone());
            *request.headers_mut() = if repeated.is_some() { headers.clone() } else { mem::take(&mut headers) };
            let response = match in_flight.send(request, connected_until, head_until).await {
                Ok(response) => response,
                Err(failure) => return Err(in_flight.fail(failure)),
            };
            // A server that answers 401 has not processed the request, so it can be repeated once.
            if response.status() == StatusCode::UNAUTHORIZED
                && self.egress.policy.reject(&bound)
                && let Some(again) = repeated.take()
            {
                body = Full::new(again).map_err(|never| match never {}).boxed_unsync();
                continue;
            }
            let between = shorter(whole, timeouts.between_bytes);
            let window = Window { bytes_max: received_max, until, between };
            return self.receive(response, in_flight, is_guarded, file, window).await;
        }
    }

    /// Sends a request of a dry run if it cannot change anything, and records it with its response.
    async fn send_dry(
        self: &Arc<Self>,
        dry_run: &DryRun,
        target: Target,
        binding: Binding,
        deadline: Instant,
        outgoing: Outgoing,
    ) -> Result<Response<Body>, Failure> {
        let (method, url) = (outgoing.method.clone(), format!("{}{}", target.0, target.1));
        let note = |result| {
            let (method, url) = (method.clone(), url.clone());
            dry_run.add_request(&self.egress.plugin, DryRequest { method, url, result });
        };
        if !is_safe(&method) {
            note(DryResult::Held);
            let host = target.0.host().to_owned();
            return Err(self.unsent(Rejection::Held { method, host }.into()));
        }
        let received = async {
            let (head, body) = self.send_to(target, binding, deadline, outgoing).await?.into_parts();
            Ok((head, body.collect().await?.to_bytes()))
        };
        match received.await {
            Ok((head, body)) => {
                let content_type = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
                let content_type = content_type.map(str::to_owned);
                note(DryResult::Response { status: head.status.as_u16(), content_type, body: body.clone() });
                let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
                Ok(Response::from_parts(head, body))
            }
            Err(failure) => {
                let failure: Failure = failure;
                note(DryResult::Failed(failure.to_string()));
                Err(failure)
            }
        }
    }

    /// Checks the head of a response, and limits its body.
    async fn receive(
        self: &Arc<Self>,
        response: Response<Incoming>,
        in_flight: InFlight,
        is_guarded: bool,
        file: Option<FileIn>,
        window: Window,
    ) -> Result<Response<Body>, Failure> {
        let secrets = if is_guarded { self.egress.policy.secrets() } else { None };
        let mut search = secrets.as_ref().map(Patterns::search);
        if let Some(search) = &mut search
            && let Err(failure) = guard::check(&response, search, in_flight.destination().host())
        {
            return Err(in_flight.fail(failure));
        }
        let (mut head, incoming) = response.into_parts();
        if incoming.size_hint().lower() > u64::try_from(window.bytes_max).unwrap_or(u64::MAX) {
            return Err(in_flight.fail(Failure::ResponseTooLarge("outbound_response_bytes_max")));
        }
        let body = ResponseBody::new(incoming, in_flight, search, window);
        if !is_guarded {
            return Ok(Response::from_parts(head, body.boxed_unsync()));
        }
        // The extensions contain the reason phrase, which was not searched.
        head.extensions.clear();
        // The plugin gets the body only after all of it was searched. Withholding only bytes that look like a secret
        // would be an oracle for guessing the secret letter by letter. The gateway reads files, not the plugin.
        let body = match file {
            Some(FileIn::Response) => {
                let requests = Arc::clone(self);
                body.map_err(move |failure| {
                    requests.log(&failure);
                    failure
                })
                .boxed_unsync()
            }
            _ => read_whole(body, &self.held).await?,
        };
        Ok(Response::from_parts(head, body))
    }

    /// Counts a request that failed before it was in flight.
    fn unsent(&self, failure: Failure) -> Failure {
        self.count(failure.verdict());
        failure
    }

    /// Logs a failure. Rejections and withheld responses are warnings, since the operator may have forgotten a grant.
    /// Other failures are routine.
    fn log(&self, failure: &Failure) {
        let (plugin, tenant, request) = self.labels();
        let text = brief(&failure.to_string());
        let is_withheld = matches!(failure, Failure::Secret(_) | Failure::Unreadable(..));
        if is_withheld && self.egress.should_warn(failure.verdict()) {
            warn!(event = "outbound.answer_withheld", plugin, tenant, request, "plugin `{plugin}`: {text}");
            return;
        }
        let is_rejected =
            matches!(failure, Failure::Rejected(rejection) if !matches!(rejection, Rejection::Held { .. }));
        if is_rejected && self.egress.should_warn(failure.verdict()) {
            warn!(
                event = "outbound.request_rejected",
                plugin, tenant, request, "request of plugin `{plugin}` rejected: {text}"
            );
            return;
        }
        debug!(plugin, tenant, request, "request of plugin `{plugin}` failed: {text}");
    }

    pub(super) fn labels(&self) -> (&str, &str, &str) {
        (&self.egress.plugin, &self.caller.tenant, &self.caller.request)
    }

    pub(super) fn note_bytes(&self, sent: u64, received: u64) {
        let mut used = self.used.lock();
        used.sent = used.sent.saturating_add(sent);
        used.received = used.received.saturating_add(received);
    }

    fn note_host(&self, host: &str) {
        let mut used = self.used.lock();
        if used.hosts.len() < HOSTS_MAX && !used.hosts.contains(host) {
            used.hosts.insert(host.to_owned());
        }
    }
}

/// Returns the timeout of a plugin, or the limit if the limit is shorter.
fn shorter(limit: Duration, timeout: Option<Duration>) -> Duration {
    timeout.map_or(limit, |timeout| timeout.min(limit))
}

/// Returns the known minimum size of a body before it is sent.
fn announced(headers: &HeaderMap, body: &Body) -> u64 {
    let length: Option<u64> = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or_default().max(body.size_hint().lower())
}

/// Returns the size of a body, if it is known before the body is sent.
fn size(headers: &HeaderMap, body: &Body) -> Option<u64> {
    body.size_hint().exact().or_else(|| headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok())
}

impl Drop for Requests {
    fn drop(&mut self) {
        let used = self.used();
        if used.requests > 0 {
            let (plugin, tenant, request) = self.labels();
            let hosts: Vec<&str> = used.hosts.iter().map(String::as_str).collect();
            debug!(
                plugin,
                tenant,
                request,
                sent = used.sent,
                received = used.received,
                hosts = hosts.join(","),
                "the call sent {} outbound requests",
                used.requests
            );
        }
    }
}

#[cfg(test)]
mod tests;
