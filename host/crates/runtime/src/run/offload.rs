//! Chooses the threads of a call: the caller's, or the plugin threads if it is CPU-bound.
//!
//! Most calls end within a fraction of a millisecond, and stay on the caller's threads.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

use super::usage::Usage;
use crate::error::CallError;

/// Processor time after which a call moves to the plugin threads.
pub(crate) const INLINE_MAX: Duration = Duration::from_millis(5);

/// Runs a call on the current thread. Moves the call to the plugin threads once it has computed for [`INLINE_MAX`], or
/// at once if `cpu_bound` is set.
pub(crate) async fn offload<W>(
    plugin_threads: &Handle,
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
    // Set now, for concurrent calls, rather than when this call ends.
    cpu_bound.store(true, Ordering::Relaxed);
    usage.cpu.mark_offloaded();
    let moved = AbortOnDropHandle::new(plugin_threads.spawn(metered));
    moved.await.map_err(|error| CallError::Internal(error.to_string()))
}

/// A future whose processor time is measured.
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
    use crate::engine::Engine;
    use crate::settings::Plugins;

    #[tokio::test]
    async fn cpu_bound_calls_start_on_the_plugin_threads() {
        let engine = Engine::new(&Plugins::default(), crate::engine::Services::default()).expect("an engine");
        let cpu_bound = AtomicBool::new(false);
        let usage = Arc::<Usage>::default();
        let computing = Arc::clone(&usage);
        let long = async move {
            while computing.cpu.spent_in_poll() < INLINE_MAX {}
            yield_now().await;
            pending::<()>().await;
        };
        let later = async {
            while !cpu_bound.load(Ordering::Relaxed) {
                yield_now().await;
            }
            let name = async { thread::current().name().map(ToOwned::to_owned) };
            offload(&engine.plugin_threads, &Arc::default(), &cpu_bound, Box::pin(name)).await
        };
        let name = tokio::select! {
            _ = offload(&engine.plugin_threads, &usage, &cpu_bound, Box::pin(long)) => panic!("it ended"),
            name = timeout(Duration::from_secs(60), later) => name.expect("it was offloaded").expect("an answer"),
        };
        assert_eq!(name.as_deref(), Some("plugin"));
    }
}
