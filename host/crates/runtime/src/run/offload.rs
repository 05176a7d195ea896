//! On which threads a call computes: where it began, as nearly all are done within a fraction of a
//! millisecond, or on the plugins' own.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use super::engine::Engine;
use super::usage::Usage;
use crate::error::CallError;

/// A call that has computed for longer leaves the server's threads.
pub(super) const INLINE_MAX: Duration = Duration::from_millis(5);

/// Runs a call where it stands, and moves it to the plugins' own threads once it turns out to compute for
/// long, or at once if another one has.
pub async fn offload<W>(
    engine: &Engine,
    usage: &Arc<Usage>,
    cpu_bound: &AtomicBool,
    work: Pin<Box<W>>,
) -> Result<W::Output, CallError>
where
    W: Future<Output: Send> + Send + 'static,
{
    let mut metered = Metered { work, usage: Arc::clone(usage) };
    let inline = poll_fn(|context| match Pin::new(&mut metered).poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if usage.cpu.spent() >= INLINE_MAX => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    if !cpu_bound.load(Ordering::Relaxed)
        && let Some(output) = inline.await
    {
        return Ok(output);
    }
    // Others may have come with it: they do not wait for its end to be told.
    cpu_bound.store(true, Ordering::Relaxed);
    usage.cpu.leave();
    let moved = AbortOnDropHandle::new(engine.busy_threads.spawn(metered));
    moved.await.map_err(|error| CallError::Internal(error.to_string()))
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

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::thread;

    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::*;
    use crate::settings::Plugins;

    #[tokio::test]
    async fn cpu_bound_calls_start_on_the_plugin_threads() {
        let engine = Engine::new(&Plugins::default(), None).expect("an engine");
        let cpu_bound = AtomicBool::new(false);
        let usage = Arc::<Usage>::default();
        let computing = Arc::clone(&usage);
        let long = async move {
            while computing.cpu.spent_in_poll() < INLINE_MAX {}
            yield_now().await;
            pending::<()>().await;
        };
        let left = async {
            while !cpu_bound.load(Ordering::Relaxed) {
                yield_now().await;
            }
            let name = async { thread::current().name().map(ToOwned::to_owned) };
            offload(&engine, &Arc::default(), &cpu_bound, Box::pin(name)).await
        };
        let name = tokio::select! {
            _ = offload(&engine, &usage, &cpu_bound, Box::pin(long)) => panic!("it ended"),
            name = timeout(Duration::from_secs(60), left) => name.expect("it has left").expect("an answer"),
        };
        assert_eq!(name.as_deref(), Some("plugin"));
    }
}
