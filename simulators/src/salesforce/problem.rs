//! Salesforce's errors: a list with one error (REST API Developer Guide, "Status Codes and Error Responses").

use serde_json::json;

use crate::common::reply::Reply;

/// An error of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The status.
    pub status: u16,
    /// The error code.
    pub code: &'static str,
    /// The message.
    pub message: String,
}

impl Problem {
    /// Creates an error.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(400, "MALFORMED_QUERY", message)
    }

    pub(super) fn no_field(soql: &str, field: &str, object: &str) -> Self {
        let message = format!(
            "\n{soql}\n       ^\nERROR at Row:1:Column:8\nNo such column '{field}' on entity '{object}'. If you are attempting \
             to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or \
             the describe call for the appropriate names."
        );
        Self::new(400, "INVALID_FIELD", message)
    }

    pub(super) fn no_object(name: &str) -> Self {
        let message = format!(
            "\nERROR at Row:1:Column:1\nsObject type '{name}' is not supported. If you are attempting to use a custom object, \
             be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the \
             appropriate names."
        );
        Self::new(400, "INVALID_TYPE", message)
    }

    /// The access token is unknown, or its session ended.
    pub fn expired() -> Self {
        Self::new(401, "INVALID_SESSION_ID", "Session expired or invalid")
    }

    /// The org made more requests in 24 hours than it may.
    pub fn daily_limit() -> Self {
        Self::new(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    }

    /// Too many long requests run at the same time.
    pub fn concurrent_limit() -> Self {
        let message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded.";
        Self::new(403, "REQUEST_LIMIT_EXCEEDED", message)
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "NOT_FOUND", "The requested resource does not exist")
    }
}

impl From<&Problem> for Reply {
    fn from(problem: &Problem) -> Self {
        Self::new(problem.status, json!([{ "message": problem.message, "errorCode": problem.code }]).to_string())
    }
}
