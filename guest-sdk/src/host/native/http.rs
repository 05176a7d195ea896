//! Outbound HTTP: records requests and passes them to a handler.

use std::cell::{Cell, RefCell};

use crate::bindings::http_client::{Content, HttpError, OutboundRequest, OutboundResponse, UploadBody};
use crate::host::native::attachments;

/// A function that answers requests.
pub(crate) type Handler = fn(&OutboundRequest) -> Result<OutboundResponse, HttpError>;

thread_local! {
    static HANDLER: Cell<Handler> = const { Cell::new(forbidden) };
    static REQUESTS: RefCell<Vec<OutboundRequest>> = const { RefCell::new(Vec::new()) };
}

/// Rejects every request, as if no host were granted. This is the default handler.
pub(crate) fn forbidden(_: &OutboundRequest) -> Result<OutboundResponse, HttpError> {
    Err(HttpError::Forbidden("no outbound host granted; set `outbound` of the plugin".to_owned()))
}

/// Replaces the handler of all later requests.
pub(crate) fn handle_with(handler: Handler) {
    HANDLER.set(handler);
}

/// Removes and returns the recorded requests.
pub(crate) fn take_requests() -> Vec<OutboundRequest> {
    REQUESTS.take()
}

pub(crate) fn send(request: &OutboundRequest) -> Result<OutboundResponse, HttpError> {
    REQUESTS.with_borrow_mut(|all| all.push(request.clone()));
    HANDLER.get()(request)
}

/// Sends the attachment's bytes, or one line for each part of the form: name, `=` and content.
pub(crate) fn upload(request: &OutboundRequest, body: &UploadBody) -> Result<OutboundResponse, HttpError> {
    let mut request = request.clone();
    match body {
        UploadBody::Attachment(id) => request.body = attachment(id)?,
        UploadBody::Form(parts) => {
            for part in parts {
                request.body.extend(format!("{}=", part.name).bytes());
                match &part.content {
                    Content::Bytes(bytes) => request.body.extend(bytes),
                    Content::Attachment(id) => request.body.extend(attachment(id)?),
                }
                request.body.push(b'\n');
            }
        }
    }
    send(&request)
}

fn attachment(id: &str) -> Result<Vec<u8>, HttpError> {
    attachments::whole(id).ok_or_else(|| HttpError::NotConnected(format!("the message has no file {id}")))
}

pub(super) fn reset() {
    HANDLER.set(forbidden);
    REQUESTS.take();
}
