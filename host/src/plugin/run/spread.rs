//! On which threads a call computes: where it began, as nearly all are done within a fraction of a
//! millisecond, or on the plugins' own.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use super::budget::Usage;
use super::engine::Engine;
use crate::error::Error;

/// A call that has computed for longer leaves the server's threads.
pub(super) const INLINE_MAX: Duration = Duration::from_millis(5);

/// Runs a call where it stands, and moves it to the plugins' own threads once it turns out to compute for
/// long, or at once if the one before it did.
pub(crate) async fn spread<W>(
    engine: &Engine,
    usage: &Arc<Usage>,
    heavy: bool,
    work: Pin<Box<W>>,
) -> Result<W::Output, Error>
where
    W: Future<Output: Send> + Send + 'static,
{
    let mut metered = Metered { work, usage: Arc::clone(usage) };
    let inline = poll_fn(|context| match Pin::new(&mut metered).poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if usage.cpu.spent() >= INLINE_MAX => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    if !heavy && let Some(output) = inline.await {
        return Ok(output);
    }
    usage.cpu.leave();
    let moved = AbortOnDropHandle::new(engine.busy_threads.spawn(metered));
    moved.await.map_err(|error| Error::Internal(error.to_string()))
}

/// Adds up the time on a processor.
struct Metered<W> {
    work: Pin<Box<W>>,
    usage: Arc<Usage>,
}

impl<W: Future> Future for Metered<W> {
    type Output = W::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.usage.cpu.measure(|| this.work.as_mut().poll(context))
    }
}
