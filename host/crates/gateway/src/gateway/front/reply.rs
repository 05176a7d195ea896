//! Responses to Front, with every error in the format that Front reads.

use frontgate_front::replies::{ChannelResponse, Reply, problem};
use frontgate_runtime::CallError;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};

use super::super::response::{json, set_retry_after};
use crate::error::Error;

/// Converts a channel's response to HTTP.
pub(super) fn http_response(response: &ChannelResponse) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, response.body.clone().into())
}

/// Returns an HTTP response with an error in Front's format.
pub(crate) fn rejection(error: &Error) -> Response<Full<Bytes>> {
    let mut response = http_response(&error_response(error));
    set_retry_after(&mut response, error);
    response
}

/// Returns an error in Front's format. A plugin's reason for a refusal is shown to the admin in Front.
pub(super) fn error_response(error: &Error) -> ChannelResponse {
    match error {
        Error::Signature(_) => Reply::NotSigned.response(),
        Error::NoChannel => Reply::NoChannel.response(),
        Error::UnknownType(name) => Reply::UnknownType(name).response(),
        Error::Unreadable(text) => problem(400, text),
        Error::Call(CallError::NotFound) => problem(400, "account not found"),
        Error::Call(CallError::Forbidden(text) | CallError::Invalid(text) | CallError::Failed(text)) => {
            problem(400, text)
        }
        Error::NotStored(_)
        | Error::Overload(_)
        | Error::Call(CallError::Busy(_))
        | Error::BodiesFull
        | Error::Call(CallError::BreakerOpen)
        | Error::Call(CallError::NoPlugin(_))
        | Error::Call(CallError::Unavailable(_))
        | Error::Call(CallError::NotCommitted { .. })
        | Error::Call(CallError::OutOfTime(_)) => Reply::Unavailable.response(),
        error => problem(error.status_and_code().0.as_u16(), &error.to_string()),
    }
}
