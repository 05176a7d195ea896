//! Requests to HubSpot. The gateway adds the token.

use std::time::Duration;

use frontgate_sdk::http::{Error as HttpError, Request, Response};
use frontgate_sdk::{Error, Result};
use serde::de::DeserializeOwned;

use crate::refusal;

/// The reason why a request of the role `crm-source` has no result.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A rate limit is used up.
    Busy(Duration),
    /// The response exceeds the operator's limit.
    TooLarge,
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
            Stop::Busy(time) => Self::unavailable(format!("HubSpot: too many requests; retry after {time:?}")),
            Stop::TooLarge => Self::failed("HubSpot: the response exceeds `outbound_response_bytes_max`"),
            Stop::Failed(error) => error,
        }
    }
}

/// Sends a request and reads HubSpot's response.
pub(crate) fn ask<T: DeserializeOwned>(request: Request) -> Result<T> {
    find(request)?.ok_or_else(unknown)
}

/// Works like [`ask`], but returns `None` for a record that does not exist.
pub(crate) fn find<T: DeserializeOwned>(request: Request) -> Result<Option<T>> {
    let response = send(request).map_err(failed)?;
    if !is_success(&response) {
        return refusal::of(&response).map_or(Ok(None), Err);
    }
    json(&response).map(Some)
}

/// Sends a request of the role `crm-source` and returns HubSpot's successful response.
pub(crate) fn source(request: Request) -> Result<Response, Stop> {
    let response = send(request).map_err(|error| match error {
        HttpError::TooLarge => Stop::TooLarge,
        other => Stop::Failed(failed(other)),
    })?;
    match response.status {
        _ if is_success(&response) => Ok(response),
        429 => Err(Stop::Busy(refusal::pause(&response))),
        status => Err(Stop::Failed(match refusal::of(&response).unwrap_or_else(unknown) {
            // The gateway then asks only rarely.
            Error::Failed(why) if matches!(status, 401 | 403) => Error::Forbidden(why),
            other => other,
        })),
    }
}

/// Reads a response.
pub(crate) fn json<T: DeserializeOwned>(response: &Response) -> Result<T> {
    response.json().map_err(|error| match error {
        Error::Failed(why) => Error::failed(format!("HubSpot: {why}")),
        other => other,
    })
}

/// Returns whether a text is a record id of HubSpot. Only record ids become part of a URL.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=19).contains(&text.len()) && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn send(request: Request) -> Result<Response, HttpError> {
    request.header("accept", "application/json").send()
}

fn is_success(response: &Response) -> bool {
    (200..=299).contains(&response.status)
}

fn failed(error: HttpError) -> Error {
    match error {
        HttpError::Timeout => Error::unavailable("the request to HubSpot timed out"),
        HttpError::NotConnected(why) | HttpError::Interrupted(why) => Error::unavailable(format!("HubSpot: {why}")),
        other => other.into(),
    }
}

fn unknown() -> Error {
    Error::failed("HubSpot: unknown resource; check the setting `api`")
}
