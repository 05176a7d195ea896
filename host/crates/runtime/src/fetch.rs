//! Fetches a file whose URL a plugin returned, under the plugin's grants and with its bound secrets.
//!
//! After a redirect to another origin, no later request has a secret. Otherwise a host could choose what the gateway
//! requests with another host's secret, or, by a detour through another host, with its own secret.

use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::header::LOCATION;
use hyper::{HeaderMap, Method};
use tokio::time::Instant;
use url::Url;

use crate::caller::Caller;
use crate::files::{Body, FileError};
use crate::loaded_plugin::LoadedPlugin;
use crate::outbound::destination::Destination;
use crate::outbound::failure::Failure;
use crate::outbound::outgoing::{FileIn, Outgoing, Timeouts};
use crate::outbound::requests::Requests;

/// Maximum number of redirects to follow.
const REDIRECTS_MAX: usize = 3;

/// Starts to fetch a file, with a timeout of `time`. Dropping the body cancels the request.
pub async fn fetch(plugin: &LoadedPlugin, caller: &Caller, url: &str, time: Duration) -> Result<Body, FileError> {
    let mut limits = plugin.limits.clone();
    let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    limits.outbound_timeout_ms = ms.max(limits.outbound_timeout_ms);
    let requests = Requests::new(&plugin.grants.egress, &limits, caller, Some(Instant::now() + time), None);
    let mut url = Url::parse(url).map_err(|error| FileError::Rejected(format!("invalid URL: {error}")))?;
    let mut with_secrets = true;
    for _ in 0..=REDIRECTS_MAX {
        let response = requests.send(request(&url, with_secrets)).await.map_err(file_error)?;
        let (head, body) = response.into_parts();
        match head.status.as_u16() {
            200 => return Ok(body),
            301..=303 | 307 | 308 => {
                let location = head.headers.get(LOCATION).and_then(|value| value.to_str().ok());
                let next = location.and_then(|location| url.join(location).ok());
                let next = next.ok_or_else(|| FileError::Rejected("redirect without a usable Location".to_owned()))?;
                with_secrets &= next.origin() == url.origin();
                url = next;
            }
            // The operator can fix these, so a retry may succeed.
            401 | 403 | 408 | 429 | 500.. => {
                return Err(FileError::Unavailable(format!("response status {}", head.status)));
            }
            _ => return Err(FileError::Rejected(format!("response status {}", head.status))),
        }
    }
    Err(FileError::Rejected(format!("more than {REDIRECTS_MAX} redirects")))
}

fn request(url: &Url, with_secrets: bool) -> Outgoing {
    Outgoing {
        target: Destination::target_of(url),
        method: Method::GET,
        with_secrets,
        headers: HeaderMap::new(),
        repeated: Some(Bytes::new()),
        body: Empty::new().map_err(|never| match never {}).boxed_unsync(),
        file: Some(FileIn::Response),
        timeouts: Timeouts::default(),
    }
}

fn file_error(failure: Failure) -> FileError {
    match failure {
        // A retry may succeed: the operator can add a grant, or the host can recover.
        Failure::Rejected(_)
        | Failure::NotConnected(_)
        | Failure::Token(_)
        | Failure::Timeout
        | Failure::Interrupted(_) => FileError::Unavailable(failure.to_string()),
        Failure::RequestTooLarge | Failure::ResponseTooLarge(_) | Failure::Secret(_) | Failure::Unreadable(..) => {
            FileError::Rejected(failure.to_string())
        }
    }
}
