//! Reads a file of a granted folder as a stream.

use std::sync::Arc;

use hyper::body::Bytes;
use wasmtime_wasi::p2::{DynInputStream, InputStream, Pollable, StreamError, StreamResult};

use crate::run::folder::FilePool;

/// Bytes of a file, read on threads of the plugin.
pub(super) struct Stream {
    inner: DynInputStream,
    pool: Arc<FilePool>,
    /// Whether a read is in progress.
    reading: bool,
}

impl Stream {
    pub(super) fn new(inner: DynInputStream, pool: Arc<FilePool>) -> Self {
        Self { inner, pool, reading: false }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.reading {
            self.pool.abandon();
        }
    }
}

/// Returns the error for a file system that does not respond.
fn unresponsive() -> StreamError {
    StreamError::LastOperationFailed(wasmtime::format_err!("the file system of the granted folder does not respond"))
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {
        // After a timeout, the next read reports the error.
        if self.pool.run(self.inner.ready()).await.is_some() {
            self.reading = false;
        }
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for Stream {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if self.pool.hangs() {
            return Err(unresponsive());
        }
        let read = self.pool.enter(|| self.inner.read(size));
        self.reading = size > 0 && matches!(&read, Ok(bytes) if bytes.is_empty());
        read
    }

    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.pool.run(self.inner.blocking_read(size)).await.unwrap_or_else(|| Err(unresponsive()))
    }

    async fn cancel(&mut self) {
        let _ = self.pool.run(self.inner.cancel()).await;
    }
}
