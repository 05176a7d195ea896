//! The requests that a case expects, and the response to each.

use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use url::{Position, Url};

use super::{Body, text, whole};
use crate::difference::{Extent, differences};
use crate::wit_json;

/// Expected exchanges, each of which is used once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expectations {
    exchanges: Vec<Exchange>,
    used: Vec<bool>,
}

/// One expected request, and its response or fault.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    request: Expected,
    response: Option<CannedResponse>,
    fault: Option<Fault>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    method: String,
    url: Url,
    #[serde(default)]
    headers: serde_json::Map<String, Value>,
    body: Option<Value>,
    json: Option<Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct CannedResponse {
    status: u16,
    headers: serde_json::Map<String, Value>,
    body: Option<Value>,
    json: Option<Value>,
    delay_ms: u64,
}

/// How an upstream fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    /// The connection is refused.
    NotConnected,
    /// The connection closes in the middle of the response.
    Interrupted,
    /// No response arrives.
    Timeout,
}

/// A request that the mock server received.
pub(super) struct Received<'r> {
    pub(super) method: &'r str,
    pub(super) host: &'r str,
    pub(super) path: &'r str,
    pub(super) headers: &'r HeaderMap,
    pub(super) body: &'r [u8],
}

/// The reply to a request.
pub(super) enum Reply {
    Canned(Box<CannedResponse>),
    Fault(Fault),
}

impl From<Vec<Exchange>> for Expectations {
    fn from(exchanges: Vec<Exchange>) -> Self {
        Self { used: vec![false; exchanges.len()], exchanges }
    }
}

impl Expectations {
    /// Returns whether the next connection to a site must be refused. If so, marks the expectation as used.
    pub(super) fn refuses_connection(&mut self, site: &str) -> bool {
        self.take(|exchange| {
            exchange.fault == Some(Fault::NotConnected) && exchange.request.url.origin().ascii_serialization() == site
        })
        .is_some()
    }

    /// Marks the first unused exchange with this method and URL as used. Returns its reply, and the differences between
    /// the request and the expected request.
    pub(super) fn match_request(&mut self, received: &Received<'_>) -> Option<(Reply, Vec<String>)> {
        let exchange = self.take(|exchange| exchange.request.is_for(received))?;
        let reply = match (&exchange.fault, &exchange.response) {
            (Some(fault), _) => Reply::Fault(*fault),
            (None, response) => Reply::Canned(Box::new(response.clone().unwrap_or_default())),
        };
        Some((reply, exchange.request.mismatches(received)))
    }

    /// Describes each expectation that no request met in a sentence.
    pub(super) fn unmet(&self) -> impl Iterator<Item = String> {
        let unused = self.exchanges.iter().zip(&self.used).filter(|(_, used)| !**used);
        unused.map(|(Exchange { request, .. }, _)| {
            format!("expected request not sent: {} {}", request.method, request.url)
        })
    }

    fn take(&mut self, fits: impl Fn(&Exchange) -> bool) -> Option<&Exchange> {
        let index = self.exchanges.iter().zip(&self.used).position(|(exchange, used)| !used && fits(exchange))?;
        self.used[index] = true;
        Some(&self.exchanges[index])
    }
}

impl Expected {
    fn is_for(&self, received: &Received<'_>) -> bool {
        let authority = &self.url[Position::BeforeHost..Position::AfterPort];
        let path = &self.url[Position::BeforePath..Position::AfterQuery];
        self.method == received.method && authority == received.host && path == received.path
    }

    /// Returns the differences in headers and body between a request and this expectation.
    fn mismatches(&self, Received { headers, body, .. }: &Received<'_>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, expected) in &self.headers {
            let found = headers.get(name).and_then(|value| value.to_str().ok());
            if found != expected.as_str() {
                wrong.push(format!("header {name}: expected {expected}, found {}", Value::from(found)));
            }
        }
        if let Some(expected) = &self.body
            && wit_json::bytes(expected).as_deref() != Some(*body)
        {
            let found = String::from_utf8_lossy(body);
            wrong.push(format!(
                "body: expected {}, found {}",
                wit_json::shown(expected),
                wit_json::shown(&found.into())
            ));
        }
        if let Some(expected) = &self.json {
            match serde_json::from_slice(body) {
                Ok(found) => wrong.extend(differences(expected, &found, Extent::Whole)),
                Err(error) => wrong.push(format!("body is not JSON: {error}")),
            }
        }
        wrong
    }
}

impl CannedResponse {
    pub(super) fn always(status: u16, body: &str) -> Self {
        Self { status, body: Some(body.into()), ..Self::default() }
    }

    pub(super) async fn response(self) -> Response<Body> {
        tokio::time::sleep(Duration::from_millis(self.delay_ms)).await;
        let body = match (&self.json, &self.body) {
            (Some(json), _) => json.to_string().into_bytes(),
            (None, Some(body)) => wit_json::bytes(body).unwrap_or_else(|| body.to_string().into_bytes()),
            (None, None) => Vec::new(),
        };
        let mut response = Response::builder().status(if self.status == 0 { 200 } else { self.status });
        if self.json.is_some() && !self.headers.keys().any(|name| name.eq_ignore_ascii_case(CONTENT_TYPE.as_str())) {
            response = response.header(CONTENT_TYPE, "application/json");
        }
        for (name, value) in &self.headers {
            response = response.header(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        response.body(whole(body.into())).unwrap_or_else(|error| {
            text(StatusCode::NOT_IMPLEMENTED, &format!("invalid response in the case: {error}"))
        })
    }
}
