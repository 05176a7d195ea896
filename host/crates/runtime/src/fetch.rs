//! A file that a plugin has named by its URL, fetched as if the plugin had asked for it: under its grants,
//! with the secrets that are bound to the host. After a redirect to another origin no secret is sent any further: one host
//! must not choose what is requested from another with its secret, nor from itself by way of another.

use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::header::LOCATION;
use hyper::{HeaderMap, Method};
use tokio::time::Instant;
use url::Url;

use super::files::{Body, Missing};
use super::loaded_plugin::LoadedPlugin;
use super::outbound::requests::{FileIn, Outgoing, Patience, Requests};
use super::outbound::{Destination, Failure};
use super::run::call::Caller;

/// How often a host may say that the file is somewhere else.
const REDIRECTS_MAX: usize = 3;

/// Begins to fetch a file. It ends when nobody reads it any more.
pub async fn fetch(plugin: &LoadedPlugin, caller: &Caller, url: &str, time: Duration) -> Result<Body, Missing> {
    let mut limits = plugin.limits.clone();
    let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    limits.outbound_timeout_ms = ms.max(limits.outbound_timeout_ms);
    let requests = Requests::new(&plugin.grants.egress, &limits, caller, Some(Instant::now() + time), None);
    let mut url = Url::parse(url).map_err(|error| Missing::Refused(format!("invalid URL: {error}")))?;
    let mut with_secrets = true;
    for _ in 0..=REDIRECTS_MAX {
        let response = requests.send(request(&url, with_secrets)).await.map_err(missing)?;
        let (head, body) = response.into_parts();
        match head.status.as_u16() {
            200 => return Ok(body),
            301..=303 | 307 | 308 => {
                let location = head.headers.get(LOCATION).and_then(|value| value.to_str().ok());
                let next = location.and_then(|location| url.join(location).ok());
                let next = next.ok_or_else(|| Missing::Refused("redirect without a usable Location".to_owned()))?;
                with_secrets &= next.origin() == url.origin();
                url = next;
            }
            // What the operator can mend is not lost.
            401 | 403 | 408 | 429 | 500.. => {
                return Err(Missing::Unavailable(format!("the answer was {}", head.status)));
            }
            _ => return Err(Missing::Refused(format!("the answer was {}", head.status))),
        }
    }
    Err(Missing::Refused(format!("more than {REDIRECTS_MAX} redirects")))
}

fn request(url: &Url, with_secrets: bool) -> Outgoing {
    Outgoing {
        to: Destination::aim_at(url),
        method: Method::GET,
        with_secrets,
        headers: HeaderMap::new(),
        body: Empty::new().map_err(|never| match never {}).boxed_unsync(),
        file: Some(FileIn::Answer),
        patience: Patience::default(),
    }
}

fn missing(failure: Failure) -> Missing {
    match failure {
        // A grant can be added.
        Failure::Forbidden(_) | Failure::NotConnected(_) | Failure::Timeout | Failure::Interrupted(_) => {
            Missing::Unavailable(failure.to_string())
        }
        Failure::RequestTooLarge | Failure::ResponseTooLarge(_) | Failure::Secret | Failure::Unreadable(_) => {
            Missing::Refused(failure.to_string())
        }
    }
}
