//! Webhooks about contacts, with HubSpot's signature of version 3.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, header};
use serde_json::{Value, json};

use crate::common::exchange::{exchange, split};
use crate::front::hmac;
use crate::hubspot::{HubSpot, changes};

/// Most events of one request.
const EVENTS_MAX: usize = 100;

/// The subscription of an app, and what was sent.
#[derive(Debug, Default)]
pub(super) struct Webhooks {
    target: Option<Target>,
    count: u64,
    sent: Vec<Sent>,
}

#[derive(Debug, Clone)]
struct Target {
    address: SocketAddr,
    url: String,
    client_secret: String,
}

/// A webhook that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The event, such as `contact.creation`.
    pub event: String,
    /// The contact.
    pub id: u64,
    /// The status of the response, or the error.
    pub answer: Result<u16, String>,
}

impl HubSpot {
    /// Sends webhooks about contacts to a URL from now on, signed with the app's client secret. `address`: where the URL
    /// leads.
    pub fn subscribe(&self, url: &str, address: SocketAddr, client_secret: &str) {
        let target = Target { address, url: url.to_owned(), client_secret: client_secret.to_owned() };
        self.state.update(|state| state.webhooks.target = Some(target));
    }

    /// Ends the subscription.
    pub fn unsubscribe(&self) {
        self.state.update(|state| state.webhooks.target = None);
    }

    /// Returns the webhooks that were answered.
    pub fn webhooks(&self) -> Vec<Sent> {
        self.state.read(|state| state.webhooks.sent.clone())
    }

    /// Waits until this many webhooks were answered, and returns them.
    ///
    /// # Panics
    ///
    /// Panics after one minute.
    #[track_caller]
    pub fn wait_for_webhooks(&self, many: usize) -> Vec<Sent> {
        self.state.wait_for(|state| state.webhooks.sent.len() >= many);
        self.webhooks()
    }

    /// Sends an event about contacts, if the app subscribed, in requests with up to [`EVENTS_MAX`] of them.
    pub(super) fn notify(&self, event: &str, ids: &[u64], more: &Value) {
        ids.chunks(EVENTS_MAX).for_each(|ids| self.notify_at_once(event, ids, more));
    }

    fn notify_at_once(&self, event: &str, ids: &[u64], more: &Value) {
        let prepared = self.state.update(|state| {
            let target = state.webhooks.target.clone()?;
            state.webhooks.count += ids.len() as u64;
            Some((target, state.webhooks.count))
        });
        let Some((target, count)) = prepared else { return };
        // Receivers compare it with their clock, which is this machine's.
        let now = changes::milliseconds(SystemTime::now());
        let shown = |(later, id): (usize, &u64)| {
            let mut shown = json!({
                "eventId": count - later as u64, "subscriptionId": 25, "portalId": 1_234_567, "appId": 1_160_452,
                "occurredAt": now, "subscriptionType": event, "attemptNumber": 0, "objectId": id, "changeSource": "CRM",
            });
            for (name, value) in more.as_object().into_iter().flatten() {
                shown[name] = value.clone();
            }
            shown
        };
        let body = ids.iter().enumerate().map(shown).collect::<Value>().to_string();
        let signature = signature(&target.client_secret, "POST", &target.url, &body, now);
        let (state, event, ids) = (Arc::clone(&self.state), event.to_owned(), ids.to_vec());
        self.runtime.as_ref().expect("the runtime ends with the simulator").spawn(async move {
            let answer = send(&target, body, &signature, now).await;
            let sent = |id| Sent { event: event.clone(), id, answer: answer.clone() };
            state.update(|state| state.webhooks.sent.extend(ids.into_iter().map(sent)));
        });
    }
}

/// Computes the value of `X-HubSpot-Signature-v3`.
fn signature(secret: &str, method: &str, url: &str, body: &str, timestamp: u64) -> String {
    let timestamp = timestamp.to_string();
    let parts = [method, url, body, &timestamp].map(str::as_bytes);
    BASE64_STANDARD.encode(hmac(secret, &parts))
}

async fn send(target: &Target, body: String, signature: &str, timestamp: u64) -> Result<u16, String> {
    let (host, path) = split(&target.url);
    let request = Request::post(path)
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-hubspot-signature-v3", signature)
        .header("x-hubspot-request-timestamp", timestamp.to_string())
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| error.to_string())?;
    exchange(target.address, request).await.map(|(status, _)| status)
}

#[cfg(test)]
mod tests {
    use super::signature;

    #[test]
    fn the_signature_covers_method_url_body_and_time() {
        let expected = "rI9xB1ZlzZHmHnfz0oUaPQ+L94kR1C2TGKqveJkGrmk=";
        assert_eq!(signature("secret", "POST", "https://gw.example.net/a", "[]", 1_767_225_600_000), expected);
    }
}
