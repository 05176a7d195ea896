//! Sends a request of the mapping, and classifies what the CRM answers. The gateway adds the secrets.

use std::time::{Duration, UNIX_EPOCH};

use frontgate_sdk::http::{self, Error as HttpError, Response};
use frontgate_sdk::{Error, Result, warn};
use serde_json::Value;

use crate::mapping::{Call, Mapping, Meaning, Request};
use crate::template::Values;

/// Longest time of a header that says when to ask again.
const BUSY_MAX: Duration = Duration::from_secs(3_600);

/// The reason why a request has no result.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A rate limit is used up.
    Busy(Call, Duration),
    /// The CRM no longer knows a cursor.
    Expired(Call),
    NotFound,
    /// The secrets do not suffice.
    Denied(String),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Busy(call, time) => {
                Self::unavailable(format!("request `{call}`: the CRM's rate limit is reached; retry after {time:?}"))
            }
            Stop::Expired(call) => Self::unavailable(format!("request `{call}`: the CRM's cursor has expired")),
            Stop::NotFound => Self::NotFound,
            Stop::Denied(why) => Self::Failed(why),
            Stop::Failed(error) => error,
        }
    }
}

/// An answer of the CRM.
#[derive(Debug)]
pub(crate) struct Answer {
    /// `None`: the CRM says that there is nothing.
    pub(crate) value: Option<Value>,
    /// The CRM's time in milliseconds since 1970.
    pub(crate) date: Option<i64>,
}

/// Where a request goes.
pub(crate) enum Target<'t> {
    /// To the path of the mapping.
    Path,
    /// To a URL that the CRM named.
    Url(&'t str),
}

/// Sends a request of the mapping.
pub(crate) fn ask(mapping: &Mapping, call: Call, values: &Values, target: Target<'_>) -> Result<Answer, Stop> {
    let Some(request) = mapping.request(call) else {
        return Err(Error::failed(format!("the mapping has no request `{call}`")).into());
    };
    let is_continued = matches!(target, Target::Url(_)) || values.contains_key("cursor");
    let response = build(mapping, call, request, values, target)?.send().map_err(|error| unsent(call, error))?;
    let date = response.header("date").and_then(|date| httpdate::parse_http_date(date).ok());
    let since = date.and_then(|date| date.duration_since(UNIX_EPOCH).ok());
    let date = since.and_then(|since| i64::try_from(since.as_millis()).ok());
    match response.status {
        204 | 304 => Ok(Answer { value: None, date }),
        200..=299 => {
            let value = response.json().map_err(|_| {
                Error::failed(format!("request `{call}`: the answer is no JSON; check `url` and `{call}.path`"))
            })?;
            Ok(Answer { value: Some(value), date })
        }
        _ => refused(mapping, call, &response, is_continued).map(|()| Answer { value: None, date }),
    }
}

fn build(
    mapping: &Mapping,
    call: Call,
    request: &Request,
    values: &Values,
    target: Target<'_>,
) -> Result<http::Request, Stop> {
    let without = |name: &str| Error::failed(format!("request `{call}`: {{{name}}} has no value"));
    let base = mapping.url.plain(values).map_err(without)?;
    let base = base.trim_end_matches('/');
    let mut built = match target {
        Target::Url(url) => {
            // Anywhere else, the gateway would send no secrets, and the CRM would decide what the plugin calls.
            if !url.strip_prefix(base).is_some_and(|rest| rest.starts_with(['/', '?'])) {
                let problem = format!("request `{call}`: the URL of the next page is not below `url` ({base})");
                return Err(Error::Failed(problem).into());
            }
            http::request(request.method.name(), url)
        }
        Target::Path => {
            let path = request.path.path(values).map_err(|name| match name {
                "id" => Stop::NotFound,
                name => without(name).into(),
            })?;
            let url = format!("{base}/{}", path.trim_start_matches('/'));
            let filled = request.query.iter().filter_map(|(name, value)| Some((name, value.plain(values).ok()?)));
            filled.fold(http::request(request.method.name(), &url), |built, (name, value)| built.query(name, value))
        }
    };
    if !mapping.headers.keys().chain(request.headers.keys()).any(|name| name.eq_ignore_ascii_case("accept")) {
        built = built.header("accept", "application/json");
    }
    for (name, value) in mapping.headers.iter().chain(&request.headers) {
        let Ok(value) = value.plain(values) else { continue };
        if value.chars().any(char::is_control) {
            return Err(Error::failed(format!("request `{call}`: the header `{name}` has a line break")).into());
        }
        built = built.header(name, &value);
    }
    match &request.body {
        Some(body) => Ok(built.json(&body.json(values).unwrap_or_default())),
        None => Ok(built),
    }
}

fn unsent(call: Call, error: HttpError) -> Stop {
    let words = |words: &str| format!("request `{call}`: {words}");
    Stop::Failed(match error {
        HttpError::Timeout => Error::unavailable(words("the CRM did not answer in time")),
        HttpError::NotConnected(why) | HttpError::Interrupted(why) => Error::unavailable(words(&why)),
        HttpError::TooLarge => Error::failed(words(&format!(
            "the answer exceeds `outbound_response_bytes_max` of the plugin; lower `{call}.limit`"
        ))),
        HttpError::Forbidden(why) => Error::failed(words(&format!("{why}; check `url` and the plugin's `outbound`"))),
    })
}

/// Returns what an error status means. Omits the CRM's texts, which can contain customers' data.
fn refused(mapping: &Mapping, call: Call, response: &Response, is_continued: bool) -> Result<(), Stop> {
    let answer: Value = response.json().unwrap_or_default();
    let status = response.status;
    let rule = mapping.errors.iter().find(|rule| rule.applies(status, &answer)).map(|rule| rule.means);
    let meaning = rule.or(match status {
        401 | 403 => Some(Meaning::Forbidden),
        404 | 410 if call == Call::Get => Some(Meaning::NotFound),
        408 | 425 | 500..=599 => Some(Meaning::Unavailable),
        429 => Some(Meaning::Busy),
        // Without the cursor, the same request was accepted.
        400 | 410 | 422 if is_continued => Some(Meaning::CursorExpired),
        _ => None,
    });
    let words = |advice: &str| format!("request `{call}`: status {status}; {advice}");
    Err(match meaning {
        Some(Meaning::Empty) => return Ok(()),
        Some(Meaning::Busy) => Stop::Busy(call, pause(mapping, response)),
        Some(Meaning::CursorExpired) => {
            warn!("request `{call}`: status {status}; the CRM no longer knows the cursor of the next page");
            Stop::Expired(call)
        }
        Some(Meaning::NotFound) => Stop::NotFound,
        Some(Meaning::Forbidden) => {
            Stop::Denied(words("check the secret that is bound to the CRM, and what it may read"))
        }
        Some(Meaning::Invalid) => Stop::Failed(Error::invalid(words("the CRM does not accept this text"))),
        Some(Meaning::Unavailable) => Stop::Failed(Error::unavailable(words("the CRM is unavailable"))),
        None => Stop::Failed(Error::failed(words(match status {
            300..=399 => "the CRM redirects; correct `url`",
            404 | 405 | 410 => "check `url` and the path of this request",
            _ => "the CRM does not accept the request; check its path, parameters and body",
        }))),
    })
}

/// Returns the time after which the rate limit may allow requests again.
fn pause(mapping: &Mapping, response: &Response) -> Duration {
    let own = mapping.busy_header.as_deref().and_then(|name| response.header(name)?.trim().parse().ok());
    let time = response.retry_after().or(own.map(Duration::from_secs));
    time.unwrap_or_else(|| Duration::from_secs(mapping.busy_s.into())).min(BUSY_MAX)
}
