//! Checks requests to hosts with a bound secret, and their responses.
//!
//! The guard rejects some headers of plugins, and withholds responses that contain a secret or cannot be searched for
//! one.

use hyper::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue, IF_RANGE, RANGE,
    TRANSFER_ENCODING,
};
use hyper::{HeaderMap, Response, StatusCode};

use super::failure::{Failure, Rejection};
use super::secret_scan::Search;

/// Headers that request part of a response. The part could contain too little of a secret to be recognised.
const PARTIAL: [HeaderName; 3] = [RANGE, IF_RANGE, HeaderName::from_static("a-im")];
/// Headers that make some servers respond for another path.
const OTHER_PATH: [HeaderName; 2] =
    [HeaderName::from_static("x-original-url"), HeaderName::from_static("x-rewrite-url")];
/// Status of a response that is a delta (RFC 3229).
const IM_USED: u16 = 226;

/// Checks a plugin's headers, and requests a response without compression. `by_path` is true if a secret is bound to
/// paths.
pub(super) fn prepare(headers: &mut HeaderMap, by_path: bool, host: &str) -> Result<(), Rejection> {
    let rejected = PARTIAL.into_iter().chain(OTHER_PATH.into_iter().filter(|_| by_path));
    if let Some(name) = rejected.into_iter().find(|name| headers.contains_key(name)) {
        return Err(Rejection::Header { name, host: host.to_owned() });
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(())
}

/// Checks status and headers of a response.
pub(super) fn check<B>(response: &Response<B>, search: &mut Search, host: &str) -> Result<(), Failure> {
    let (status, headers) = (response.status(), response.headers());
    let unreadable = |why| Err(Failure::Unreadable(host.to_owned(), why));
    let is_partial = status == StatusCode::PARTIAL_CONTENT || status.as_u16() == IM_USED;
    if is_partial || headers.contains_key(CONTENT_RANGE) {
        return unreadable("partial content");
    }
    if !all_are(headers, &CONTENT_ENCODING, "identity") {
        return unreadable("content-encoding");
    }
    if !all_are(headers, &TRANSFER_ENCODING, "chunked") {
        return unreadable("transfer-encoding");
    }
    let kinds = headers.get_all(CONTENT_TYPE).iter();
    if kinds.map(HeaderValue::as_bytes).any(|kind| kind.to_ascii_lowercase().starts_with(b"multipart/byteranges")) {
        return unreadable("partial content");
    }
    fields(headers, search, host)
}

/// Searches header values, header names, and both in order, so that a secret split over several headers is found.
pub(super) fn fields(headers: &HeaderMap, search: &mut Search, host: &str) -> Result<(), Failure> {
    let values = headers.values().any(|value| search.finds(value.as_bytes()));
    let names = headers.keys().any(|name| search.finds(name.as_str().as_bytes()));
    let whole =
        headers.iter().any(|(name, value)| search.finds(name.as_str().as_bytes()) || search.finds(value.as_bytes()));
    if values || names || whole { Err(Failure::Secret(host.to_owned())) } else { Ok(()) }
}

fn all_are(headers: &HeaderMap, name: &HeaderName, expected: &str) -> bool {
    headers.get_all(name).iter().all(|value| value.as_bytes().eq_ignore_ascii_case(expected.as_bytes()))
}
