//! A file of a granted folder as a stream.

use std::sync::Arc;

use hyper::body::Bytes;
use wasmtime_wasi::p2::{DynInputStream, InputStream, Pollable, StreamError, StreamResult};

use crate::run::folder::FilePool;

/// A file's bytes, read on the plugin's own threads.
pub(super) struct Stream {
    inner: DynInputStream,
    pool: Arc<FilePool>,
    /// Whether a read has begun whose end was not seen.
    reads: bool,
}

impl Stream {
    pub(super) fn new(inner: DynInputStream, pool: Arc<FilePool>) -> Self {
        Self { inner, pool, reads: false }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.reads {
            self.pool.abandon();
        }
    }
}

/// The drive does not answer.
fn hangs() -> StreamError {
    StreamError::LastOperationFailed(wasmtime::format_err!("the drive of the granted folder does not answer"))
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {
        // Where the drive does not answer, reading says so.
        if self.pool.run(self.inner.ready()).await.is_some() {
            self.reads = false;
        }
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for Stream {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if self.pool.hangs() {
            return Err(hangs());
        }
        let read = self.pool.enter(|| self.inner.read(size));
        self.reads = size > 0 && matches!(&read, Ok(bytes) if bytes.is_empty());
        read
    }

    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.pool.run(self.inner.blocking_read(size)).await.unwrap_or_else(|| Err(hangs()))
    }

    async fn cancel(&mut self) {
        let _ = self.pool.run(self.inner.cancel()).await;
    }
}
