//! Bodies on their way out and in, each within its size.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::echo::Search;
use super::guard;
use super::in_flight::InFlight;
use super::refusal::Failure;

/// What a plugin sends.
pub type Body = UnsyncBoxBody<Bytes, Failure>;

/// A body that fails once it is past its size.
pub fn capped(body: Body, bytes_max: usize) -> Body {
    Capped { body, left: bytes_max }.boxed_unsync()
}

/// Reads a body to its end. `held` has its bytes for as long as they are there.
pub async fn read_whole(mut body: ResponseBody, held: &Arc<AtomicUsize>) -> Result<Body, Failure> {
    // Copied: a piece keeps the buffer that it was read into, and an upstream can send pieces of one byte.
    let (mut bytes, mut trailers) = (BytesMut::new(), None);
    let mut held = Held { bytes: 0, all: Arc::clone(held) };
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(piece) => {
                held.add(piece.len());
                bytes.extend_from_slice(&piece);
            }
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    let end = async move {
        drop(held);
        trailers.map(Ok)
    };
    Ok(Full::new(bytes.freeze()).with_trailers(end).map_err(|never| match never {}).boxed_unsync())
}

/// Bytes in memory that are counted until this is dropped.
struct Held {
    bytes: usize,
    all: Arc<AtomicUsize>,
}

impl Held {
    fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.all.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
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

/// The body of an answer, within its size and time. The connection is free again when it has been read.
pub(crate) struct ResponseBody {
    incoming: Incoming,
    /// None once nothing more comes.
    exchange: Option<InFlight>,
    left: usize,
    /// When the whole has to be there.
    until: Instant,
    /// How long the next part may take.
    between: Duration,
    pause: Pin<Box<Sleep>>,
    /// Searches for bound secrets.
    search: Option<Search>,
}

impl ResponseBody {
    pub(super) fn new(
        incoming: Incoming,
        exchange: InFlight,
        search: Option<Search>,
        bytes_max: usize,
        until: Instant,
        between: Duration,
    ) -> Self {
        let pause = Box::pin(sleep_until(until.min(Instant::now() + between)));
        let mut body = Self { incoming, exchange: Some(exchange), left: bytes_max, until, between, pause, search };
        if body.incoming.is_end_stream() {
            body.finish(Ok(()));
        }
        body
    }

    fn finish(&mut self, ended: Result<(), Failure>) -> Option<Result<Frame<Bytes>, Failure>> {
        let exchange = self.exchange.take()?;
        match ended {
            Ok(()) => {
                exchange.finish();
                None
            }
            Err(failure) => Some(Err(exchange.fail(failure))),
        }
    }

    fn take(&mut self, frame: &Frame<Bytes>) -> Result<(), Failure> {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        let too_large = Failure::ResponseTooLarge("outbound_response_bytes_max");
        self.left = self.left.checked_sub(bytes).ok_or(too_large)?;
        let Some(search) = &mut self.search else {
            return Ok(());
        };
        if let Some(trailers) = frame.trailers_ref() {
            return guard::fields(trailers, search);
        }
        match frame.data_ref().is_some_and(|data| search.finds(data)) {
            true => Err(Failure::Secret),
            false => Ok(()),
        }
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = &mut *self;
        if this.exchange.is_none() {
            return Poll::Ready(None);
        }
        match Pin::new(&mut this.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if let Err(failure) = this.take(&frame) {
                    return Poll::Ready(this.finish(Err(failure)));
                }
                this.pause.as_mut().reset(this.until.min(Instant::now() + this.between));
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                Poll::Ready(this.finish(Err(Failure::Interrupted(format!("the answer: {error}")))))
            }
            Poll::Ready(None) => Poll::Ready(this.finish(Ok(()))),
            Poll::Pending if this.pause.as_mut().poll(cx).is_ready() => Poll::Ready(this.finish(Err(Failure::Timeout))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.exchange.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
