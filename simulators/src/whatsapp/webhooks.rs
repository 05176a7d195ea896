//! Webhooks with Meta's signature, and the challenge.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, header};
use serde_json::Value;
use tokio::time::sleep;
use url::form_urlencoded;

use crate::common::exchange::{exchange, split};
use crate::common::watched::Watched;
use crate::front::hmac;
use crate::whatsapp::State;

/// The delay before a webhook is sent again. Meta waits longer.
const RETRY: Duration = Duration::from_millis(100);

/// The maximum number of attempts of one webhook: enough for many restarts of a gateway.
const ATTEMPTS_MAX: usize = 3000;

/// The subscription of the app, and what was sent.
#[derive(Debug)]
pub(super) struct Webhooks {
    app_secret: String,
    target: Option<Target>,
    pub(super) fired: Vec<Fired>,
}

#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Where the URL leads.
    pub(super) address: SocketAddr,
    pub(super) url: String,
}

/// A webhook that was sent once.
#[derive(Debug, Clone, PartialEq)]
pub struct Fired {
    /// The body.
    pub body: Value,
    /// The status of the response, or the error.
    pub answer: Result<u16, String>,
}

impl Webhooks {
    pub(super) fn new(app_secret: &str) -> Self {
        Self { app_secret: app_secret.to_owned(), target: None, fired: Vec::new() }
    }

    pub(super) fn point_at(&mut self, target: Target) {
        self.target = Some(target);
    }

    /// Returns the header with the signature of a body.
    pub(super) fn signature(&self, body: &str) -> String {
        let digits: String =
            hmac(&self.app_secret, &[body.as_bytes()]).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256={digits}")
    }
}

/// Sends a webhook until it is accepted. Does nothing without a subscription.
pub(super) async fn deliver(state: &Watched<State>, body: Value) {
    for _ in 0..ATTEMPTS_MAX {
        if fire(state, &body).await.is_none_or(|answer| answer == Ok(200)) {
            return;
        }
        sleep(RETRY).await;
    }
}

/// Sends a webhook once. Returns `None` without a subscription.
pub(super) async fn fire(state: &Watched<State>, body: &Value) -> Option<Result<u16, String>> {
    let text = body.to_string();
    let (target, signature) =
        state.read(|state| Some((state.webhooks.target.clone()?, state.webhooks.signature(&text))))?;
    let (host, path) = split(&target.url);
    let request = Request::post(path)
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-hub-signature-256", signature)
        .body(Full::new(Bytes::from(text)));
    let answer = match request {
        Ok(request) => exchange(target.address, request).await.map(|(status, _)| status),
        Err(error) => Err(error.to_string()),
    };
    let fired = Fired { body: body.clone(), answer: answer.clone() };
    state.update(|state| state.webhooks.fired.push(fired));
    Some(answer)
}

/// Verifies the URL with a challenge, as Meta does when it is entered. Returns status and body.
pub(super) async fn challenge(target: &Target, token: &str, challenge: &str) -> Result<(u16, String), String> {
    let (host, path) = split(&target.url);
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("hub.mode", "subscribe"), ("hub.challenge", challenge), ("hub.verify_token", token)])
        .finish();
    let request = Request::get(format!("{path}?{query}")).header(header::HOST, host).body(Full::new(Bytes::new()));
    exchange(target.address, request.map_err(|error| error.to_string())?).await
}

#[cfg(test)]
mod tests {
    use super::Webhooks;

    #[test]
    fn the_signature_is_that_of_the_raw_body() {
        let expected = "sha256=0cc692f2177b42b6e5cd82488ee6c5d526a007c571e7de1fec07c1e2b1dfa2e2";
        assert_eq!(Webhooks::new("secret").signature("Hello"), expected);
    }
}
