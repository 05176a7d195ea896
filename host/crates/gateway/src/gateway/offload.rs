//! Keeps the verification of large bodies off the threads that answer callbacks.

use frontgate_runtime::CallError;
use tokio::sync::Semaphore;
use tokio::task::block_in_place;
use tokio::time::{Instant, timeout_at};

use crate::error::Error;

/// Maximum size of a small body in bytes. Its verification takes a fraction of a millisecond.
const SMALL_BYTES_MAX: usize = 64 * 1024;

/// Runs work whose time depends on the size of an unverified body. Work on large bodies runs one at a time, off the
/// threads that answer callbacks.
pub(super) async fn offload_if_large<T>(bytes: usize, deadline: Instant, work: impl FnOnce() -> T) -> Result<T, Error> {
    static LARGE: Semaphore = Semaphore::const_new(1);
    if bytes <= SMALL_BYTES_MAX {
        return Ok(work());
    }
    let permit = timeout_at(deadline, LARGE.acquire()).await;
    let _permit = permit.map_err(|_| CallError::Busy("too many large bodies wait to be verified"))?;
    Ok(block_in_place(work))
}
