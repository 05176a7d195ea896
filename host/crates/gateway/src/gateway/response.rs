//! Responses of the gateway: JSON, and headers that every response has.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

use crate::error::Error;

/// Header with the request's id.
const REQUEST_ID: &str = "x-request-id";

/// Creates a response with a JSON body.
pub(super) fn json(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Creates the response to a callback about a call.
pub(super) fn xml(body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    response
}

/// Creates the response to a failed request: a stable code and a short text, without details that are only for
/// operators.
pub(super) fn rejection(error: &Error) -> Response<Full<Bytes>> {
    let (status, code) = error.status_and_code();
    let body = serde_json::json!({ "error": { "code": code, "message": error.to_string() } });
    let mut response = json(status, body.to_string().into());
    if matches!(error, Error::Method) {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    }
    set_retry_after(&mut response, error);
    response
}

/// Sets `Retry-After` if another attempt may succeed.
pub(super) fn set_retry_after(response: &mut Response<Full<Bytes>>, error: &Error) {
    if let Some(seconds) = error.retry_after_seconds() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
}

/// Sets the id that identifies the request in the log.
pub(super) fn set_request_id(response: &mut Response<Full<Bytes>>, id: &str) {
    response.headers_mut().insert(REQUEST_ID, id.parse().expect("an id is a header value"));
}
