//! Bodies of responses, limited in size and time, and searched for bound secrets.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::body::Body;
use super::failure::Failure;
use super::guard;
use super::in_flight::InFlight;
use super::secret_scan::Search;

/// Limits of a response body.
pub(super) struct Window {
    pub(super) bytes_max: usize,
    /// Deadline for the whole body.
    pub(super) until: Instant,
    /// Timeout for the next frame.
    pub(super) between: Duration,
}

impl Window {
    /// Returns the deadline for the next frame.
    fn next(&self) -> Instant {
        self.until.min(Instant::now() + self.between)
    }
}

/// The body of a response. The connection can be reused once the body was read to its end.
pub(super) struct ResponseBody {
    incoming: Incoming,
    /// The request; `None` after the end of the body.
    request: Option<InFlight>,
    /// Limits for the rest of the body.
    window: Window,
    pause: Pin<Box<Sleep>>,
    /// Search for bound secrets, if the host has any.
    search: Option<Search>,
}

impl ResponseBody {
    pub(super) fn new(incoming: Incoming, request: InFlight, search: Option<Search>, window: Window) -> Self {
        let pause = Box::pin(sleep_until(window.next()));
        let mut body = Self { incoming, request: Some(request), window, pause, search };
        if body.incoming.is_end_stream() {
            body.finish(Ok(()));
        }
        body
    }

    fn finish(&mut self, ended: Result<(), Failure>) -> Option<Result<Frame<Bytes>, Failure>> {
        let request = self.request.take()?;
        match ended {
            Ok(()) => {
                request.finish();
                None
            }
            Err(failure) => Some(Err(request.fail(failure))),
        }
    }

    fn check(&mut self, frame: &Frame<Bytes>) -> Result<(), Failure> {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        let too_large = Failure::ResponseTooLarge("outbound_response_bytes_max");
        self.window.bytes_max = self.window.bytes_max.checked_sub(bytes).ok_or(too_large)?;
        let (Some(search), Some(request)) = (&mut self.search, &self.request) else {
            return Ok(());
        };
        let host = request.destination().host();
        if let Some(trailers) = frame.trailers_ref() {
            return guard::fields(trailers, search, host);
        }
        match frame.data_ref().is_some_and(|data| search.finds(data)) {
            true => Err(Failure::Secret(host.to_owned())),
            false => Ok(()),
        }
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = &mut *self;
        if this.request.is_none() {
            return Poll::Ready(None);
        }
        match Pin::new(&mut this.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if let Err(failure) = this.check(&frame) {
                    return Poll::Ready(this.finish(Err(failure)));
                }
                this.pause.as_mut().reset(this.window.next());
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                Poll::Ready(this.finish(Err(Failure::Interrupted(format!("response body: {error}")))))
            }
            Poll::Ready(None) => Poll::Ready(this.finish(Ok(()))),
            Poll::Pending if this.pause.as_mut().poll(cx).is_ready() => Poll::Ready(this.finish(Err(Failure::Timeout))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.request.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// Reads a body to its end. Adds its size to `held` for as long as it is in memory.
pub(super) async fn read_whole(mut body: ResponseBody, held: &Arc<AtomicUsize>) -> Result<Body, Failure> {
    // Copies each frame: a frame keeps its whole read buffer alive, and an upstream can send frames of one byte.
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

/// Counts bytes in memory until it is dropped.
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
