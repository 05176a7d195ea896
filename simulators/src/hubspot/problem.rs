//! HubSpot's errors.

use serde_json::{Value, json};

use crate::common::reply::Reply;
use crate::hubspot::fault::Policy;

const CORRELATION: &str = "aeb5f871-7f07-4993-9211-075dc63e7cbf";

fn error(status: u16, category: &str, message: &str, more: &Value) -> Reply {
    let mut body = json!({
        "status": "error", "message": message, "correlationId": CORRELATION, "category": category,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    Reply::new(status, body.to_string())
}

/// Creates the error of a rate limit. Its JSON differs from other errors and has no category.
pub(super) fn limited(policy: Policy) -> Reply {
    let (name, words) = match policy {
        Policy::Secondly => ("SECONDLY", "secondly"),
        Policy::TenSecondlyRolling => ("TEN_SECONDLY_ROLLING", "ten_secondly_rolling"),
        Policy::Daily => ("DAILY", "daily"),
    };
    let body = json!({
        "status": "error", "message": format!("You have reached your {words} limit."), "errorType": "RATE_LIMIT",
        "correlationId": CORRELATION, "policyName": name, "groupName": "publicapi:private-apps-api-calls",
    });
    let reply = Reply::new(429, body.to_string());
    // [?] HubSpot documents this header for some limits only.
    if policy == Policy::TenSecondlyRolling { reply.header("retry-after", "10") } else { reply }
}

pub(super) fn expired() -> Reply {
    let words = "The OAuth token used to make this call expired 3 second(s) ago.";
    error(401, "EXPIRED_AUTHENTICATION", words, &Value::Null)
}

pub(super) fn unauthorized() -> Reply {
    let words = "Authentication credentials not found. This API supports OAuth 2.0 authentication.";
    error(401, "INVALID_AUTHENTICATION", words, &Value::Null)
}

pub(super) fn missing_scope(scope: &str) -> Reply {
    let words = "This app hasn't been granted all required scopes to make this call.";
    let detail = json!({ "message": "One or more of the following scopes are required.", "context": {
        "requiredGranularScopes": [scope],
    } });
    error(403, "MISSING_SCOPES", words, &json!({ "errors": [detail] }))
}

pub(super) fn not_found() -> Reply {
    error(404, "OBJECT_NOT_FOUND", "resource not found", &Value::Null)
}

pub(super) fn conflict() -> Reply {
    error(409, "CONFLICT", "a record with this unique value exists", &Value::Null)
}

pub(super) fn invalid(words: &str) -> Reply {
    error(400, "VALIDATION_ERROR", words, &Value::Null)
}
