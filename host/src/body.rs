//! Reads a request's body within its limits, and refuses requests that two servers could read in
//! two ways.

use std::time::Duration;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::HeaderMap;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, HOST};
use tokio::time::{Instant, timeout_at};

use crate::config::Server;
use crate::error::Error;

/// A request needs one `Host`. hyper itself refuses differing lengths, and lets a chunked body win
/// over a length and closes the connection after it.
pub fn unambiguous(headers: &HeaderMap) -> Result<(), Error> {
    match headers.get_all(HOST).iter().count() {
        1 => Ok(()),
        0 => Err(Error::Ambiguous("there is no Host header")),
        _ => Err(Error::Ambiguous("there is more than one Host header")),
    }
}

/// The whole body, within a size, `server.body_timeout_ms` and the callback's deadline.
pub async fn read(
    body: Incoming,
    headers: &HeaderMap,
    bytes_max: usize,
    limits: &Server,
    deadline: Instant,
) -> Result<Bytes, Error> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > bytes_max) {
        return Err(Error::BodyTooLarge);
    }
    let body = Limited::new(body, bytes_max).collect();
    let patience = Instant::now() + Duration::from_millis(limits.body_timeout_ms);
    match timeout_at(patience.min(deadline), body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Error::BodyTooLarge),
        Ok(Err(_)) => Err(Error::BodyBroken),
        Err(_) => Err(Error::BodyTimeout),
    }
}
