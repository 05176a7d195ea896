//! Requests to HubSpot. The gateway adds the token.

use frontgate_sdk::http::{Error as HttpError, Request};
use frontgate_sdk::{Error, Result};
use serde::de::DeserializeOwned;

use crate::refusal;

/// Sends a request and reads HubSpot's response.
pub(crate) fn ask<T: DeserializeOwned>(request: Request) -> Result<T> {
    find(request)?.ok_or_else(|| Error::failed("HubSpot: unknown resource; check the setting `api`"))
}

/// Works like [`ask`], but returns `None` for a record that does not exist.
pub(crate) fn find<T: DeserializeOwned>(request: Request) -> Result<Option<T>> {
    let response = request.header("accept", "application/json").send().map_err(|error| match error {
        HttpError::Timeout => Error::unavailable("the request to HubSpot timed out"),
        HttpError::NotConnected(why) | HttpError::Interrupted(why) => Error::unavailable(format!("HubSpot: {why}")),
        other => other.into(),
    })?;
    if !(200..=299).contains(&response.status) {
        return refusal::of(&response).map_or(Ok(None), Err);
    }
    response.json().map(Some).map_err(|error| match error {
        Error::Failed(why) => Error::failed(format!("HubSpot: {why}")),
        other => other,
    })
}

/// Returns whether a text is a record id of HubSpot. Only record ids become part of a URL.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=19).contains(&text.len()) && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}
