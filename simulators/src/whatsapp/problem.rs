//! Meta's errors.

use serde_json::{Value, json};

use crate::common::reply::Reply;

const TRACE: &str = "AxH4mFakeTraceId";

fn error(status: u16, code: u64, subcode: Option<u64>, message: &str, details: &str) -> Reply {
    let kind = if code == 190 { "OAuthException" } else { "GraphMethodException" };
    let mut error =
        json!({ "message": format!("(#{code}) {message}"), "type": kind, "code": code, "fbtrace_id": TRACE });
    if !details.is_empty() {
        error["error_data"] = json!({ "messaging_product": "whatsapp", "details": details });
    }
    if let Some(subcode) = subcode {
        error["error_subcode"] = subcode.into();
    }
    Reply::new(status, json!({ "error": error }).to_string())
}

pub(super) fn expired() -> Reply {
    error(401, 190, None, "Error validating access token: Session has expired.", "")
}

/// The resource does not exist, or the token does not cover it.
pub(super) fn missing(id: &str) -> Reply {
    let message = format!(
        "Unsupported request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or does \
         not support this operation"
    );
    error(400, 100, Some(33), &message, "")
}

pub(super) fn invalid(details: &str) -> Reply {
    error(400, 100, None, "Invalid parameter", details)
}

/// Answers with a code of the list of errors, and its documented status.
pub(super) fn coded(code: u64) -> Reply {
    let status = match code {
        190 | 0 => 401,
        3 | 10 | 200..=299 | 368 | 131_031 => 403,
        2 | 131_016 => 503,
        131_000 | 131_057 | 133_004 => 500,
        132_001 | 131_021 => 404,
        _ => 400,
    };
    error(status, code, None, title(code), title(code))
}

/// Returns the error in a report.
pub(super) fn reported(code: u64) -> Value {
    json!([{
        "code": code, "title": title(code), "message": title(code), "error_data": { "details": title(code) },
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    }])
}

fn title(code: u64) -> &'static str {
    match code {
        4 => "API Too Many Calls",
        80_007 => "Rate limit issues",
        130_429 => "Rate limit hit",
        131_000 => "Something went wrong",
        131_016 => "Service unavailable",
        131_026 => "Message undeliverable",
        131_047 => "Re-engagement message",
        131_056 => "Pair rate limit hit",
        132_000 => "Template Param Count Mismatch",
        132_001 => "Template does not exist",
        132_015 => "Template is Paused",
        _ => "Error",
    }
}
