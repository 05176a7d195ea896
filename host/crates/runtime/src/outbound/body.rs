//! Bodies of requests, limited in size.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};

use super::failure::Failure;

/// A body of a request or a response.
pub type Body = UnsyncBoxBody<Bytes, Failure>;

/// Limits the size of a body. A larger body fails.
pub(super) fn capped(body: Body, bytes_max: usize) -> Body {
    Capped { body, left: bytes_max }.boxed_unsync()
}

struct Capped {
    body: Body,
    left: usize,
}

impl HttpBody for Capped {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Some(Err(Failure::RequestTooLarge))),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
