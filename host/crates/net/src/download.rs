//! A response body that is read as it arrives, until a deadline.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use anyhow::anyhow;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::{HeaderMap, Response, StatusCode};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connection::Connection;

/// A response whose body is streamed. Dropping this value closes the connection.
pub struct Download {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    body: Incoming,
    deadline: Pin<Box<Sleep>>,
    _connection: Box<dyn Send>,
}

impl Download {
    pub(crate) fn new<B: Send + 'static>(
        response: Response<Incoming>,
        connection: Connection<B>,
        deadline: Instant,
    ) -> Self {
        let (head, body) = response.into_parts();
        let deadline = Box::pin(sleep_until(deadline));
        Self { status: head.status, headers: head.headers, body, deadline, _connection: Box::new(connection) }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = anyhow::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, anyhow::Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending if self.deadline.as_mut().poll(cx).is_ready() => {
                Poll::Ready(Some(Err(anyhow!("download not completed in time"))))
            }
            frame => frame.map_err(anyhow::Error::from),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
