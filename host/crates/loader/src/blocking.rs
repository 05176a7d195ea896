//! Runs blocking work outside the async threads: reading and hashing files, and starting compilers. Concurrency is
//! limited, so that a start with a hundred plugins does not create hundreds of threads.

use std::sync::LazyLock;
use std::thread;

use anyhow::Context as _;
use frontgate_system::scheduling;
use rustix::process::getpriority_process;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{JoinError, spawn_blocking};

/// Threads per processor: several, so that one file on a hanging disk does not block the others.
const THREADS_PER_PROCESSOR: usize = 4;

/// Nice value of a thread that reads an untrusted file of any size.
const NICE: i32 = 10;

static SLOTS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(thread::available_parallelism().map_or(1, usize::from) * THREADS_PER_PROCESSOR));

/// Runs blocking work on a thread when a permit is free, and returns its result.
pub(super) async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    // Acquiring cannot fail, since the semaphore is never closed.
    let permit = SLOTS.acquire().await;
    spawn_blocking(move || {
        // The closure holds its permit until it ends, even if the caller no longer waits.
        let _permit = permit;
        work()
    })
    .await
}

/// Runs long work on a new thread with low priority. The caller limits the number of such threads.
pub(super) async fn run_low_priority<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> anyhow::Result<T> {
    let (sender, done) = oneshot::channel();
    let thread = thread::Builder::new().name("plugin-files".to_owned());
    let started = thread.spawn(move || {
        // On Linux, this call changes only the thread's priority. If it fails, the work runs with normal priority.
        let _ = getpriority_process(None).map(|own| scheduling::lower_priority(own + NICE));
        let _ = sender.send(work());
    });
    started.context("failed to start a thread for a plugin's file")?;
    done.await.context("failed to read a plugin file")
}

/// Runs work whose result is not awaited, such as freeing a large file, on a blocking thread if a runtime exists.
pub(super) fn run_detached(work: impl FnOnce() + Send + 'static) {
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => work(),
    }
}
