//! Queries to Salesforce. The gateway adds and renews the access token.

use std::time::Duration;

use frontgate_sdk::http::{self, Error as HttpError};
use frontgate_sdk::{Error, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::settings::Settings;
use crate::{refusal, soql};

/// The reason why a query has no result.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A limit of requests is used up.
    Busy {
        why: &'static str,
        pause: Duration,
    },
    /// A permission or a field is missing, or the access token is rejected.
    Denied(String),
    /// The response exceeds the operator's limit.
    TooLarge,
    /// No response in time.
    Late,
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
            Stop::Busy { why, pause } => {
                Self::unavailable(format!("Salesforce: {why}; retry after {} s", pause.as_secs()))
            }
            Stop::Denied(why) => Self::Failed(why),
            Stop::TooLarge => Self::failed("Salesforce: the response exceeds `outbound_response_bytes_max`"),
            Stop::Late => Self::unavailable("the request to Salesforce timed out"),
            Stop::Failed(error) => error,
        }
    }
}

/// The resource that runs a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Existing rows.
    Existing,
    /// Existing rows, and deleted ones that are in the recycle bin.
    AlsoDeleted,
}

/// The first rows of a query.
#[derive(Deserialize)]
pub(crate) struct Found<T> {
    pub(crate) records: Vec<T>,
    /// False if Salesforce found more rows than it returned. Queries continue by id instead of Salesforce's cursor,
    /// which expires.
    pub(crate) done: bool,
    /// Salesforce's time, in seconds since 1970.
    #[serde(skip)]
    pub(crate) time: Option<u64>,
}

/// Runs a query.
pub(crate) fn query<T: DeserializeOwned>(settings: &Settings, rows: Rows, soql: &str) -> Result<Found<T>, Stop> {
    let resource = match rows {
        Rows::Existing => "query",
        Rows::AlsoDeleted => "queryAll",
    };
    let request = http::get(&settings.url(resource)).query("q", soql).header("accept", "application/json");
    let response = request.send().map_err(failed)?;
    if !(200..=299).contains(&response.status) {
        return Err(refusal::of(&response));
    }
    let mut found: Found<T> = response.json().map_err(|error| match error {
        Error::Failed(why) => Error::failed(format!("Salesforce: {why}")),
        other => other,
    })?;
    found.time = response.header("date").and_then(soql::http_time);
    Ok(found)
}

fn failed(error: HttpError) -> Stop {
    match error {
        HttpError::TooLarge => Stop::TooLarge,
        HttpError::Timeout => Stop::Late,
        HttpError::NotConnected(why) | HttpError::Interrupted(why) => {
            Stop::Failed(Error::unavailable(format!("Salesforce: {why}")))
        }
        other => Stop::Failed(other.into()),
    }
}
