//! What a case has scripted: which requests are expected, and what each of them gets.

use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use url::{Position, Url};

use super::{Body, text, whole};
use crate::difference::{Extent, differences};
use crate::values;

/// Exchanges, each of which happens once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    exchanges: Vec<Exchange>,
    used: Vec<bool>,
}

/// One request that a plugin is expected to send, and what it gets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    request: Expected,
    response: Option<Canned>,
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
pub(super) struct Canned {
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
    /// Nobody is there.
    NotConnected,
    /// The answer breaks off.
    Interrupted,
    /// No answer comes.
    Timeout,
}

/// A request as the stage got it.
pub(super) struct Got<'r> {
    pub(super) method: &'r str,
    pub(super) host: &'r str,
    pub(super) path: &'r str,
    pub(super) headers: &'r HeaderMap,
    pub(super) body: &'r [u8],
}

/// What becomes of a request.
pub(super) enum Reply {
    Canned(Box<Canned>),
    Fault(Fault),
}

impl From<Vec<Exchange>> for Script {
    fn from(exchanges: Vec<Exchange>) -> Self {
        Self { used: vec![false; exchanges.len()], exchanges }
    }
}

impl Script {
    /// Whether the next connection to a site shall find nobody.
    pub(super) fn is_away(&mut self, site: &str) -> bool {
        self.take(|exchange| {
            exchange.fault == Some(Fault::NotConnected) && exchange.request.url.origin().ascii_serialization() == site
        })
        .is_some()
    }

    /// What the first exchange gives that was not used and asks for just this, and in what the request differs from it.
    pub(super) fn choose(&mut self, got: &Got<'_>) -> Option<(Reply, Vec<String>)> {
        let exchange = self.take(|exchange| exchange.request.is_for(got))?;
        let reply = match (&exchange.fault, &exchange.response) {
            (Some(fault), _) => Reply::Fault(*fault),
            (None, response) => Reply::Canned(Box::new(response.clone().unwrap_or_default())),
        };
        Some((reply, exchange.request.misfits(got)))
    }

    /// What no request has used.
    pub(super) fn unused(&self) -> impl Iterator<Item = String> {
        let unused = self.exchanges.iter().zip(&self.used).filter(|(_, used)| !**used);
        unused.map(|(Exchange { request, .. }, _)| {
            format!("no request used the script {} {}", request.method, request.url)
        })
    }

    fn take(&mut self, fits: impl Fn(&Exchange) -> bool) -> Option<&Exchange> {
        let index = self.exchanges.iter().zip(&self.used).position(|(exchange, used)| !used && fits(exchange))?;
        self.used[index] = true;
        Some(&self.exchanges[index])
    }
}

impl Expected {
    fn is_for(&self, got: &Got<'_>) -> bool {
        let authority = &self.url[Position::BeforeHost..Position::AfterPort];
        let path = &self.url[Position::BeforePath..Position::AfterQuery];
        self.method == got.method && authority == got.host && path == got.path
    }

    /// In what a request differs beyond method and URL.
    fn misfits(&self, Got { headers, body, .. }: &Got<'_>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, expected) in &self.headers {
            let found = headers.get(name).and_then(|value| value.to_str().ok());
            if found != expected.as_str() {
                wrong.push(format!("header {name}: expected {expected}, found {}", Value::from(found)));
            }
        }
        if let Some(expected) = &self.body
            && values::bytes(expected).as_deref() != Some(*body)
        {
            let found = String::from_utf8_lossy(body);
            wrong.push(format!("body: expected {}, found {}", values::shown(expected), values::shown(&found.into())));
        }
        if let Some(expected) = &self.json {
            match serde_json::from_slice(body) {
                Ok(found) => wrong.extend(differences(expected, &found, Extent::Whole)),
                Err(error) => wrong.push(format!("the body is no JSON: {error}")),
            }
        }
        wrong
    }
}

impl Canned {
    /// The same for everybody.
    pub(super) fn always(status: u16, body: &str) -> Self {
        Self { status, body: Some(body.into()), ..Self::default() }
    }

    pub(super) async fn response(self) -> Response<Body> {
        tokio::time::sleep(Duration::from_millis(self.delay_ms)).await;
        let body = match (&self.json, &self.body) {
            (Some(json), _) => json.to_string().into_bytes(),
            (None, Some(body)) => values::bytes(body).unwrap_or_else(|| body.to_string().into_bytes()),
            (None, None) => Vec::new(),
        };
        let mut response = Response::builder().status(if self.status == 0 { 200 } else { self.status });
        if self.json.is_some() && !self.headers.keys().any(|name| name.eq_ignore_ascii_case(CONTENT_TYPE.as_str())) {
            response = response.header(CONTENT_TYPE, "application/json");
        }
        for (name, value) in &self.headers {
            response = response.header(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        response
            .body(whole(body.into()))
            .unwrap_or_else(|error| text(StatusCode::NOT_IMPLEMENTED, &format!("this script is no answer: {error}")))
    }
}
