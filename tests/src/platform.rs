//! Sends requests as Twilio does: forms, signatures, HTTP. The code is independent of the gateway's, so that a mistake
//! in one is not repeated in the other.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha1::Sha1;
use sha2::Sha256;
use ureq::http::Request;
use url::form_urlencoded;

use crate::{PUBLIC_URL, TOKEN};

/// The time limit for an answer, longer than the limit of any platform.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The form of `GetCustomersList` for the worker `ana@example.org`.
pub const LIST: [(&str, &str); 3] =
    [("PageSize", "30"), ("Worker", "ana@example.org"), ("Location", "GetCustomersList")];

/// An HTTP response.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The whole body.
    pub text: String,
    /// The body as JSON, or null.
    pub json: Value,
    /// The headers, by name in lower case.
    pub headers: BTreeMap<String, String>,
}

impl Answer {
    /// Returns the stable code of an error.
    pub fn code(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or_default()
    }
}

/// Returns [`LIST`] with additional or replaced fields.
pub fn list<'f>(more: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let mut form: Vec<_> = LIST.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name)).collect();
    form.extend(more);
    form
}

/// Returns the `X-Twilio-Signature` for a URL and a form without repeated names.
pub fn sign(token: &str, url: &str, form: &[(&str, &str)]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("any length");
    mac.update(signed(url, form).as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

/// Returns the `X-Twilio-Signature` of a SharedKey with HMAC-SHA256.
pub fn sign_sha256(secret: &str, url: &str, form: &[(&str, &str)]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(signed(url, form).as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

fn signed(url: &str, form: &[(&str, &str)]) -> String {
    let sorted: BTreeMap<_, _> = form.iter().copied().collect();
    let pairs: String = sorted.into_iter().flat_map(|(name, value)| [name, value]).collect();
    format!("{url}{pairs}")
}

/// Sends a signed callback to a path, with additional headers.
pub fn callback(address: SocketAddr, path: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
    let signature = sign(TOKEN, &format!("{PUBLIC_URL}{path}"), form);
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let kind = "application/x-www-form-urlencoded; charset=UTF-8";
    let own = [("content-type", kind), ("x-twilio-signature", &*signature)];
    post(address, path, &[&own, headers].concat(), body.as_bytes())
}

/// Sends a POST request.
pub fn post(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut request = Request::post(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(request.body(body.to_vec()).expect("a request"))
}

/// Sends a GET request.
pub fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(request.body(Vec::new()).expect("a request"))
}

/// Sends a POST request to a gateway that may exit meanwhile. Returns the status if a response arrives.
pub(crate) fn try_post(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<u16> {
    let mut request = Request::post(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = agent().run(request.body(body.to_vec()).expect("a request"));
    answer.ok().map(|answer| answer.status().as_u16())
}

fn agent() -> ureq::Agent {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT));
    agent.max_redirects(0).allow_non_standard_methods(true).build().into()
}

fn send(request: Request<Vec<u8>>) -> Answer {
    let mut response = agent().run(request).expect("an answer");
    let headers = response.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let headers = headers.collect();
    let text = response.body_mut().read_to_string().expect("text");
    Answer { status: response.status().as_u16(), json: serde_json::from_str(&text).unwrap_or_default(), text, headers }
}
