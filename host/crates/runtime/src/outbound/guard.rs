//! Requests to a host with a bound secret: headers that a plugin may not send, and answers that are withheld because
//! they contain the secret, or cannot be searched for it.

use hyper::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue, IF_RANGE, RANGE,
    TRANSFER_ENCODING,
};
use hyper::{HeaderMap, Response, StatusCode};

use super::echo::Search;
use super::refusal::{Failure, Refusal};

/// Headers that request parts of an answer: each part could hold less of a secret than is recognised.
const PARTIAL: [HeaderName; 3] = [RANGE, IF_RANGE, HeaderName::from_static("a-im")];
/// Headers that make some servers answer for another path than that of the request.
const OTHER_PATH: [HeaderName; 2] =
    [HeaderName::from_static("x-original-url"), HeaderName::from_static("x-rewrite-url")];
/// The status of an answer that is a difference from another one (RFC 3229).
const IM_USED: u16 = 226;

/// Checks a plugin's headers, and requests an answer without compression. `by_path`: a secret is bound to paths.
pub(super) fn prepare(headers: &mut HeaderMap, by_path: bool) -> Result<(), Refusal> {
    let refused = PARTIAL.into_iter().chain(OTHER_PATH.into_iter().filter(|_| by_path));
    if let Some(name) = refused.into_iter().find(|name| headers.contains_key(name)) {
        return Err(Refusal::Header(name));
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(())
}

/// Checks the head of an answer.
pub fn check<B>(response: &Response<B>, search: &mut Search) -> Result<(), Failure> {
    let (status, headers) = (response.status(), response.headers());
    let is_partial = status == StatusCode::PARTIAL_CONTENT || status.as_u16() == IM_USED;
    if is_partial || headers.contains_key(CONTENT_RANGE) {
        return Err(Failure::Unreadable("partial content"));
    }
    if !all_are(headers, &CONTENT_ENCODING, "identity") {
        return Err(Failure::Unreadable("content-encoding"));
    }
    if !all_are(headers, &TRANSFER_ENCODING, "chunked") {
        return Err(Failure::Unreadable("transfer-encoding"));
    }
    let kinds = headers.get_all(CONTENT_TYPE).iter();
    if kinds.map(HeaderValue::as_bytes).any(|kind| kind.to_ascii_lowercase().starts_with(b"multipart/byteranges")) {
        return Err(Failure::Unreadable("partial content"));
    }
    fields(headers, search)
}

/// Searches the values, the names, and both in order. A secret that is split over several of them is found.
pub fn fields(headers: &HeaderMap, search: &mut Search) -> Result<(), Failure> {
    let values = headers.values().any(|value| search.finds(value.as_bytes()));
    let names = headers.keys().any(|name| search.finds(name.as_str().as_bytes()));
    let whole =
        headers.iter().any(|(name, value)| search.finds(name.as_str().as_bytes()) || search.finds(value.as_bytes()));
    if values || names || whole { Err(Failure::Secret) } else { Ok(()) }
}

fn all_are(headers: &HeaderMap, name: &HeaderName, expected: &str) -> bool {
    headers.get_all(name).iter().all(|value| value.as_bytes().eq_ignore_ascii_case(expected.as_bytes()))
}
