//! Requests to HubSpot. The token is put in by the gateway.

use frontgate_sdk::http::{Error as HttpError, Request};
use frontgate_sdk::{Error, Result};
use serde::de::DeserializeOwned;

use crate::refusal;

/// Sends a request, and reads what HubSpot answers.
pub(crate) fn ask<T: DeserializeOwned>(request: Request) -> Result<T> {
    find(request)?.ok_or_else(|| Error::failed("HubSpot: it has no such resource: check the setting `api`"))
}

/// The same for a record, which may not be there.
pub(crate) fn find<T: DeserializeOwned>(request: Request) -> Result<Option<T>> {
    let response = request.header("accept", "application/json").send().map_err(|error| match error {
        HttpError::Timeout => Error::unavailable("HubSpot did not answer in time"),
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

/// Whether a text is how HubSpot writes the id of a record: nothing else becomes part of a URL.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=19).contains(&text.len()) && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}
