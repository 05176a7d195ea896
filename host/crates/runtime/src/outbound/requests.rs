//! The requests of one call: how many, how large, how long, and what they came to.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use frontgate_telemetry::brief;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use hyper::header::{CONTENT_LENGTH, HOST, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, Uri};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

use super::body::{ResponseBody, capped, read_whole};
use super::echo::Patterns;
use super::guard;
use super::in_flight::InFlight;
use super::policy::Binding;
use super::side_effects::SideEffects;
use super::{Aim, Body, Egress, Failure, Refusal};
use crate::run::call::Caller;
use crate::settings::Limits;

/// Hosts that are remembered of one call.
const HOSTS_MAX: usize = 16;

/// Methods that plugins may use. CONNECT opens a tunnel; TRACE, and others such as TRACK and DEBUG, return the header
/// of the request, with the secret that was put in.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// What a call sends.
pub(crate) struct Requests {
    pub(super) egress: Arc<Egress>,
    pub(super) caller: Caller,
    pub(super) places: Semaphore,
    /// When the call ends; none while a plugin is only tried.
    deadline: Option<Instant>,
    pub(super) traces: Option<Arc<SideEffects>>,
    limits: Limits,
    used: Mutex<Used>,
    /// Bytes of answers that were read whole, as long as they are there.
    held: Arc<AtomicUsize>,
}

/// What a call has used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Used {
    /// Requests, those that were refused included.
    pub(crate) requests: u32,
    /// Bytes that were written to connections, headers included.
    pub(crate) sent: u64,
    /// Bytes that were read from them.
    pub(crate) received: u64,
    /// The hosts that were allowed, up to a number.
    pub(crate) hosts: BTreeSet<String>,
}

/// A request as a plugin wants it.
pub(crate) struct Outgoing {
    pub(crate) to: Result<Aim, Refusal>,
    pub(crate) method: Method,
    /// Whether secrets that are bound to the destination are put in.
    pub(crate) with_secrets: bool,
    /// Without those that are the gateway's to set.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// What of it is a file, and may be larger.
    pub(crate) file: Option<FileIn>,
    pub(crate) patience: Patience,
}

/// Where a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileIn {
    /// The gateway makes the body of files.
    Request,
    /// The answer is one.
    Answer,
}

/// How long a plugin wants to wait; never longer than its limits.
#[derive(Default)]
pub(crate) struct Patience {
    /// For everything.
    pub(crate) whole: Option<Duration>,
    /// For the connection.
    pub(crate) connect: Option<Duration>,
    /// For the answer to begin.
    pub(crate) first_byte: Option<Duration>,
    /// For each further part of it.
    pub(crate) between_bytes: Option<Duration>,
}

impl Requests {
    pub(crate) fn new(
        egress: &Arc<Egress>,
        limits: &Limits,
        caller: &Caller,
        deadline: Option<Instant>,
        traces: Option<Arc<SideEffects>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            egress: Arc::clone(egress),
            caller: caller.clone(),
            places: Semaphore::new(limits.outbound_concurrent_max as usize),
            deadline,
            traces,
            limits: limits.clone(),
            used: Mutex::default(),
            held: Arc::default(),
        })
    }

    /// What the call has used so far.
    pub(crate) fn used(&self) -> Used {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Bytes that the gateway holds of answers that the plugin has not read.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Sends a request, and gives the answer when its header is there.
    pub async fn send(self: &Arc<Self>, mut outgoing: Outgoing) -> Result<Response<Body>, Failure> {
        let sent = match self.admit(&mut outgoing) {
            Ok((to, binding, deadline)) => self.send_to(to, binding, deadline, outgoing).await,
            Err(refusal) => Err(self.unsent(refusal.into())),
        };
        sent.inspect_err(|failure| self.tell(failure))
    }

    /// Every check that needs no network.
    fn admit(&self, outgoing: &mut Outgoing) -> Result<(Aim, Binding, Instant), Refusal> {
        let sent = {
            let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
            used.requests = used.requests.saturating_add(1);
            used.requests
        };
        let max = self.limits.outbound_requests_max;
        if sent > max {
            return Err(Refusal::Requests(max));
        }
        let deadline = self.deadline.ok_or(Refusal::Trial)?;
        if self.egress.is_empty() {
            return Err(Refusal::NothingGranted);
        }
        let (to, path) = outgoing.to.clone()?;
        self.egress.policy.admit(&to)?;
        if !METHODS.contains(&outgoing.method) {
            return Err(Refusal::Method(outgoing.method.clone()));
        }
        let mut binding = self.egress.policy.binding(&to, path.path())?;
        if binding.is_guarded {
            guard::prepare(&mut outgoing.headers, binding.by_path)?;
        }
        if !outgoing.with_secrets {
            binding.secrets.clear();
        }
        self.note_host(to.host());
        Ok(((to, path), binding, deadline))
    }

    async fn send_to(
        self: &Arc<Self>,
        (to, path): Aim,
        binding: Binding,
        deadline: Instant,
        outgoing: Outgoing,
    ) -> Result<Response<Body>, Failure> {
        let Outgoing { method, mut headers, body, file, patience, .. } = outgoing;
        let limits = &self.limits;
        let most = |is_file: bool, usually| if is_file { limits.outbound_file_bytes_max } else { usually };
        let sent_max = most(file == Some(FileIn::Request), limits.outbound_request_bytes_max);
        let received_max = most(file == Some(FileIn::Answer), limits.outbound_response_bytes_max);
        if announced(&headers, &body) > u64::try_from(sent_max).unwrap_or(u64::MAX) {
            return Err(self.unsent(Failure::RequestTooLarge));
        }
        let whole = Duration::from_millis(limits.outbound_timeout_ms);
        let until = deadline.min(Instant::now() + shorter(whole, patience.whole));
        match timeout_at(until, self.places.acquire()).await {
            Ok(place) => place.expect("nobody closes it").forget(),
            Err(_) => {
                let text = "outbound_concurrent_max requests of this call are under way";
                return Err(self.unsent(Failure::NotConnected(text.to_owned())));
            }
        }
        let connect = Duration::from_millis(limits.outbound_connect_timeout_ms);
        let connected = until.min(Instant::now() + shorter(connect, patience.connect));
        let answered = until.min(Instant::now() + shorter(whole, patience.first_byte));
        let Binding { secrets, is_guarded, .. } = binding;
        self.egress.policy.bind(&secrets, &mut headers);
        let Some(mut exchange) = InFlight::new(self, to, secrets, &method) else {
            self.places.add_permits(1);
            return Err(self.unsent(Failure::NotConnected("the call was given up".to_owned())));
        };
        let host = HeaderValue::try_from(exchange.to().authority()).expect("a host is a header value");
        headers.insert(HOST, host);
        let mut request = Request::new(capped(body, sent_max));
        *request.method_mut() = method;
        *request.uri_mut() = Uri::from(path);
        *request.headers_mut() = headers;
        let response = match exchange.send(request, connected, answered).await {
            Ok(response) => response,
            Err(failure) => return Err(exchange.fail(failure)),
        };
        let mut search = self.egress.policy.secrets().filter(|_| is_guarded).map(Patterns::search);
        if let Some(search) = &mut search
            && let Err(failure) = guard::check(&response, search)
        {
            return Err(exchange.fail(failure));
        }
        let (mut head, incoming) = response.into_parts();
        if incoming.size_hint().lower() > u64::try_from(received_max).unwrap_or(u64::MAX) {
            return Err(exchange.fail(Failure::ResponseTooLarge("outbound_response_bytes_max")));
        }
        let between = shorter(whole, patience.between_bytes);
        let body = ResponseBody::new(incoming, exchange, search, received_max, until, between);
        if !is_guarded {
            return Ok(Response::from_parts(head, body.boxed_unsync()));
        }
        // They contain the reason phrase, which was not searched.
        head.extensions.clear();
        // The plugin gets the body after its end was searched. Holding back only bytes that look like a secret would be
        // an oracle for guesses, letter by letter. Files are read by the gateway, not by the plugin.
        let body = match file {
            Some(FileIn::Answer) => {
                let requests = Arc::clone(self);
                body.map_err(move |failure| {
                    requests.tell(&failure);
                    failure
                })
                .boxed_unsync()
            }
            _ => read_whole(body, &self.held).await?,
        };
        Ok(Response::from_parts(head, body))
    }

    /// Counts a failure before the request had its turn.
    fn unsent(&self, failure: Failure) -> Failure {
        self.count(failure.verdict());
        failure
    }

    /// Reports a failure to the log. A refusal is for the operator, who may have forgotten a grant; other failures happen every day.
    fn tell(&self, failure: &Failure) {
        let (plugin, tenant, request) = self.labels();
        let text = brief(&failure.to_string());
        let is_withheld = matches!(failure, Failure::Secret | Failure::Unreadable(_));
        if is_withheld && self.egress.is_news(failure.verdict()) {
            warn!(event = "outbound.answer_withheld", plugin, tenant, request, "plugin `{plugin}`: {text}");
            return;
        }
        if matches!(failure, Failure::Forbidden(_)) && self.egress.is_news(failure.verdict()) {
            warn!(plugin, tenant, request, "plugin `{plugin}` sent a request that was refused: {text}");
            return;
        }
        debug!(plugin, tenant, request, "plugin `{plugin}` has no answer: {text}");
    }

    pub(super) fn labels(&self) -> (&str, &str, &str) {
        (&self.egress.plugin, &self.caller.tenant, &self.caller.request)
    }

    pub(super) fn note_bytes(&self, sent: u64, received: u64) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.sent = used.sent.saturating_add(sent);
        used.received = used.received.saturating_add(received);
    }

    fn note_host(&self, host: &str) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.hosts.len() < HOSTS_MAX && !used.hosts.contains(host) {
            used.hosts.insert(host.to_owned());
        }
    }
}

/// A limit, or what a plugin wants instead if that is less.
fn shorter(limit: Duration, wish: Option<Duration>) -> Duration {
    wish.map_or(limit, |wish| wish.min(limit))
}

/// The size of a body, as far as it is known before it is sent.
fn announced(headers: &HeaderMap, body: &Body) -> u64 {
    let length: Option<u64> = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or_default().max(body.size_hint().lower())
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
mod tests {
    use http_body_util::{BodyExt as _, Empty};

    use super::*;
    use crate::outbound::Destination;
    use crate::outbound::network::{Network, NetworkOverrides};
    use crate::settings::{Named, Plugins};

    #[tokio::test]
    async fn a_plugin_that_is_only_tried_reaches_nothing() {
        let named: Named = toml::from_str("outbound = [\"http://localhost\"]").expect("a configuration");
        let network = Arc::new(Network::new(&Plugins::default(), &NetworkOverrides::default()));
        let egress = Arc::new(Egress::new(&"p".into(), Some(&named), &network));
        let caller = Caller {
            tenant: "-".into(),
            request: "trial".into(),
            share: None,
            receipts: crate::run::call::CallRecords::default(),
        };
        let requests = Requests::new(&egress, &Limits::default(), &caller, None, None);
        let sent = requests.send(Outgoing {
            to: Destination::aim("http://localhost/"),
            method: Method::GET,
            with_secrets: true,
            headers: HeaderMap::new(),
            body: Empty::new().map_err(|never| match never {}).boxed_unsync(),
            file: None,
            patience: Patience::default(),
        });
        assert!(matches!(sent.await, Err(Failure::Forbidden(Refusal::Trial))));
        assert_eq!(requests.used().requests, 1);
    }
}
