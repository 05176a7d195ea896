//! Explains Salesforce's errors to the operator. Omits Salesforce's messages, which can contain customers' data.

use std::time::Duration;

use frontgate_sdk::Error;
use frontgate_sdk::http::Response;
use serde::Deserialize;

use crate::api::Stop;
use crate::soql;

/// Pause after too many requests at the same time.
const CONCURRENT_PAUSE: Duration = Duration::from_secs(10);
/// Pause after the last request of a day. The limit is that of the last 24 hours, so that it ends gradually.
const DAILY_PAUSE: Duration = Duration::from_secs(900);

/// An error of Salesforce; its body is a list of them.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Problem {
    error_code: String,
    message: String,
}

/// Returns the reason why a request has no result.
pub(crate) fn of(response: &Response) -> Stop {
    // A proxy on the way responds with an HTML page instead.
    let problems: Vec<Problem> = response.json().unwrap_or_default();
    let problem = problems.into_iter().next().unwrap_or_default();
    match (response.status, &*problem.error_code) {
        (_, "REQUEST_LIMIT_EXCEEDED") | (429, _) => problem.limited(response),
        (_, "INVALID_FIELD") => denied(&problem.unknown_field()),
        (_, "INVALID_TYPE") => denied(&problem.unknown_object()),
        (_, "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED") => {
            denied("the API is disabled; enable it in the org, and give the app's user the permission API Enabled")
        }
        (401, _) => denied("the access token is rejected; check the app's policies and the secret bound to Salesforce"),
        (_, code) if code.starts_with("INSUFFICIENT_ACCESS") => {
            denied("the app's user lacks a permission; give read access to the objects Contact, Account and User")
        }
        (403, code) => denied(&coded("the app's user may not do this; check its permissions", code)),
        (_, "QUERY_TIMEOUT") => passing("a query took too long"),
        (_, "UNABLE_TO_LOCK_ROW" | "SERVER_UNAVAILABLE") => passing(&coded("busy", &problem.error_code)),
        (status @ (408 | 425 | 500..=599), code) => passing(&coded(&format!("status {status}"), code)),
        (_, "MALFORMED_QUERY") => failed("a query is rejected; check the names of fields in the settings"),
        (404, _) => failed("unknown resource; check the settings `instance` and `api_version`"),
        (status @ 300..=399, _) => failed(&format!("status {status}; check the setting `instance`")),
        (status, code) => failed(&coded(&format!("status {status}"), code)),
    }
}

fn passing(words: &str) -> Stop {
    Stop::Failed(Error::unavailable(format!("Salesforce: {words}")))
}

fn denied(words: &str) -> Stop {
    Stop::Denied(format!("Salesforce: {words}"))
}

fn failed(words: &str) -> Stop {
    Stop::Failed(Error::failed(format!("Salesforce: {words}")))
}

/// Adds an error code to a text.
fn coded(words: &str, code: &str) -> String {
    let is_code =
        code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_uppercase() || b"_0123456789".contains(&byte));
    if code.is_empty() || !is_code { words.to_owned() } else { format!("{words} ({code})") }
}

impl Problem {
    /// Returns the reason for a used-up limit. Salesforce names the limit only in its message.
    fn limited(&self, response: &Response) -> Stop {
        let is_concurrent = self.message.contains("Concurrent");
        let (why, pause) = match self.message.contains("TotalRequests") {
            true => ("the org's limit of API requests in 24 hours is reached", DAILY_PAUSE),
            false if is_concurrent => ("too many requests at the same time", CONCURRENT_PAUSE),
            false => ("too many requests", CONCURRENT_PAUSE),
        };
        Stop::Busy { why, pause: response.retry_after().unwrap_or(pause) }
    }

    /// Explains `No such column 'X' on entity 'Y'` and `Didn't understand relationship 'X' in field path`.
    fn unknown_field(&self) -> String {
        let column = self.quoted("No such column '").or(self.quoted("understand relationship '"));
        let field = column.map_or_else(|| "a field".to_owned(), |field| format!("the field `{field}`"));
        let object = self.quoted("on entity '").map(|object| format!(" of {object}")).unwrap_or_default();
        format!(
            "{field}{object} does not exist or is hidden; correct the settings, or give the app's user read access to the \
             field"
        )
    }

    /// Explains `sObject type 'X' is not supported`.
    fn unknown_object(&self) -> String {
        let object = self.quoted("sObject type '").unwrap_or("an object");
        format!("the app's user cannot read {object}; give it the permission Read for that object")
    }

    /// Returns the name after a text, up to the next quote.
    fn quoted(&self, before: &str) -> Option<&str> {
        let (name, _) = self.message.split_once(before)?.1.split_once('\'')?;
        soql::is_field(name).then_some(name)
    }
}
