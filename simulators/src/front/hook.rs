//! Sends signed requests to the channel server, with Front's timeout.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, header};
use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::common::exchange::{exchange, split};
use crate::front::record::Fired;
use crate::front::settings::Timestamps;
use crate::front::sign::{UNDEFINED, signature};
use crate::front::state::{Shared, State};
use crate::front::world::millis;

/// A request to send to the channel server.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) kind: String,
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) token: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) body: Option<String>,
    /// Whether to sign [`UNDEFINED`] instead of the body.
    pub(crate) undefined: bool,
}

impl Hook {
    pub(crate) fn new(kind: &str, url: &str, body: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            method: "POST",
            url: url.to_owned(),
            token: None,
            channel: None,
            message: None,
            body: Some(body.into()),
            undefined: false,
        }
    }
}

impl Shared {
    /// Signs, sends and records a request. `judge` returns the problem of a response, if any.
    pub(crate) async fn deliver(&self, hook: Hook, judge: impl FnOnce(u16, &str) -> Option<String>) -> Fired {
        self.deliver_and(hook, judge, |_, _| ()).await
    }

    /// Works like [`Shared::deliver`], and applies `settle` in the same update as the record.
    pub(crate) async fn deliver_and(
        &self,
        hook: Hook,
        judge: impl FnOnce(u16, &str) -> Option<String>,
        settle: impl FnOnce(&mut State, &Fired),
    ) -> Fired {
        let (secret, timestamps) = self.read(|state| (state.world.secret.clone(), state.settings.timestamps));
        let now = millis(SystemTime::now());
        let timestamp = match timestamps {
            Timestamps::Milliseconds => now,
            Timestamps::Seconds => now / 1000,
        };
        let timestamp = timestamp.to_string();
        let signed = hook.body.as_deref().filter(|_| !hook.undefined).unwrap_or(UNDEFINED);
        let signature = signature(&secret, &timestamp, signed.as_bytes());
        let fired = Fired {
            at: Duration::ZERO,
            kind: hook.kind,
            method: hook.method,
            url: hook.url,
            channel: hook.channel,
            message: hook.message,
            body: hook.body,
            timestamp,
            signature,
            token: hook.token,
            status: None,
            answer: String::new(),
            elapsed: Duration::ZERO,
            unreachable: false,
            late: false,
            error: None,
        };
        self.transmit(fired, judge, settle).await
    }

    /// Sends a signed request once and records it.
    pub(crate) async fn transmit(
        &self,
        mut fired: Fired,
        judge: impl FnOnce(u16, &str) -> Option<String>,
        settle: impl FnOnce(&mut State, &Fired),
    ) -> Fired {
        let (server, deadline) = self.read(|state| (state.settings.server, state.settings.deadline));
        fired.at = self.started.elapsed();
        let started = Instant::now();
        let answer = timeout(deadline, post(&fired, server)).await;
        fired.elapsed = started.elapsed();
        match answer {
            Ok(Ok((status, answer))) => {
                fired.error = judge(status, &answer);
                (fired.status, fired.answer) = (Some(status), answer);
            }
            Ok(Err(error)) => (fired.unreachable, fired.error) = (true, Some(error)),
            Err(_) => (fired.late, fired.error) = (true, Some("no answer in time".to_owned())),
        }
        self.update(|state| {
            settle(state, &fired);
            state.hooks.push(fired.clone());
        });
        fired
    }
}

async fn post(fired: &Fired, server: Option<SocketAddr>) -> Result<(u16, String), String> {
    let (host, path) = split(&fired.url);
    let address = match server {
        Some(server) => server,
        None => found(host).await?,
    };
    let mut request = Request::builder()
        .method(fired.method)
        .uri(path)
        .header(header::HOST, host)
        .header(header::CONNECTION, "close")
        .header(header::ACCEPT, "*/*")
        .header(header::USER_AGENT, "Front")
        .header("x-front-request-timestamp", &fired.timestamp)
        .header("x-front-signature", &fired.signature);
    if let Some(token) = &fired.token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    if fired.body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let body = Full::<Bytes>::from(fired.body.clone().unwrap_or_default());
    exchange(address, request.body(body).map_err(|error| error.to_string())?).await
}

/// Returns the address of a host.
pub(crate) async fn found(host: &str) -> Result<SocketAddr, String> {
    let named = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let mut addresses = lookup_host(named).await.map_err(|error| format!("{host}: {error}"))?;
    addresses.next().ok_or_else(|| format!("{host} has no address"))
}
