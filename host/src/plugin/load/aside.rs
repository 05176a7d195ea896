//! Files are read, hashed and parsed, and compilers started, aside from the async threads: a few at a time, as a start
//! with a hundred plugins would otherwise begin hundreds of threads.

use std::sync::LazyLock;
use std::thread;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};

/// A disk that hangs for one file leaves places for the others.
const PLACES_PER_PROCESSOR: usize = 4;

static PLACES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(thread::available_parallelism().map_or(1, usize::from) * PLACES_PER_PROCESSOR));

/// What the work came to.
pub(super) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    // Nobody closes it.
    let place = PLACES.acquire().await;
    spawn_blocking(move || {
        // Whoever asked may have gone: the work goes on, and has its place until it ends.
        let _place = place;
        work()
    })
    .await
}
