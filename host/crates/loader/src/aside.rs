//! Files are read and hashed, and compilers started, aside from the async threads: a few at a time, as a start with a
//! hundred plugins would otherwise begin hundreds of threads.

use std::sync::LazyLock;
use std::thread;

use anyhow::Context as _;
use frontgate_system::scheduling;
use rustix::process::getpriority_process;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{JoinError, spawn_blocking};

/// A disk that hangs for one file leaves places for the others.
const PLACES_PER_PROCESSOR: usize = 4;

/// What a thread gives way by that works through a stranger's file, however large.
const NICE: i32 = 10;

static PLACES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(thread::available_parallelism().map_or(1, usize::from) * PLACES_PER_PROCESSOR));

/// Runs blocking work on a thread, a few at a time, and returns its result.
pub(super) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    // The semaphore is never closed.
    let place = PLACES.acquire().await;
    spawn_blocking(move || {
        // The work holds its place until it ends, even if the caller no longer waits.
        let _place = place;
        work()
    })
    .await
}

/// The same for work that may be much, on a thread of its own that gives way to callbacks. The caller ensures that
/// there are few of them.
pub(super) async fn quietly<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<T> {
    let (tell, done) = oneshot::channel();
    let thread = thread::Builder::new().name("plugin-files".to_owned());
    let started = thread.spawn(move || {
        // Of this thread alone, as Linux has it. Where it is refused, the work has the priority of the others.
        let _ = getpriority_process(None).map(|own| scheduling::lower_priority(own + NICE));
        let _ = tell.send(work());
    });
    started.context("failed to start a thread for a plugin's file")?;
    done.await.context("reading a plugin's file failed")
}

/// Does work without a waiter, such as giving back a large file, off the async threads where there are some.
pub(super) fn later(work: impl FnOnce() + Send + 'static) {
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => work(),
    }
}
