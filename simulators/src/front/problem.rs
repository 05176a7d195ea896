//! Front's errors: an HTTP status and a JSON body of one shape.
//!
//! [?] The texts are made up, except for the burst limit, whose text contains milliseconds that integrators parse.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::reply::Reply;
use crate::front::limit::Limited;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    status: u16,
    title: &'static str,
    message: String,
    details: Vec<String>,
    headers: Vec<(&'static str, String)>,
}

impl Problem {
    fn new(status: u16, title: &'static str, message: impl Into<String>) -> Self {
        Self { status, title, message: message.into(), details: Vec::new(), headers: Vec::new() }
    }

    fn body(&self) -> Value {
        let Self { status, title, message, .. } = self;
        let mut error = json!({ "status": status, "title": title, "message": message });
        if !self.details.is_empty() {
            error["details"] = self.details.clone().into();
        }
        json!({ "_error": error })
    }

    /// Creates the error for an invalid body. `details` name the fields.
    pub(crate) fn invalid(details: Vec<String>) -> Self {
        Self { details, ..Self::new(400, "Bad request", "Body did not satisfy requirements") }
    }

    pub(crate) fn unauthorized(why: &str) -> Self {
        Self::new(401, "Unauthenticated", format!("JSON web token is invalid: {why}"))
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "Not found", "The requested resource does not exist")
    }

    /// Creates the error for a body that is too large. [?] The status may be 400 or 413.
    pub(crate) fn too_large() -> Self {
        Self::new(413, "Payload too large", "The request is larger than 25 MB")
    }

    pub(crate) fn server(status: u16) -> Self {
        Self::new(status, "Internal error", "An internal error has occurred")
    }

    pub(crate) fn too_many_requests() -> Self {
        Self::new(429, "Rate limit exceeded", "Too many requests")
    }

    pub(crate) fn limited(limited: Limited) -> Self {
        let (after, message) = match limited {
            Limited::Burst(after) => {
                let millis = after.as_millis().max(1);
                (after, format!("Burst rate limit exceeded. Please retry in {millis} milliseconds"))
            }
            Limited::Budget(after) => (after, "Rate limit exceeded. Please retry later".to_owned()),
        };
        let mut headers = vec![("retry-after", seconds(after).to_string())];
        if matches!(limited, Limited::Burst(_)) {
            headers.push(("x-front-tier", "2".to_owned()));
        }
        Self { headers, message, ..Self::too_many_requests() }
    }
}

/// Rounds a duration up to whole seconds.
fn seconds(after: Duration) -> u64 {
    after.as_secs() + u64::from(after.subsec_nanos() > 0)
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Self {
        let reply = Self::new(problem.status, problem.body().to_string());
        problem.headers.into_iter().fold(reply, |reply, (name, value)| reply.header(name, value))
    }
}
