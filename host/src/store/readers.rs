//! Connections that read, on threads that may block: each sees what was committed when it begins, and
//! waits neither for the thread that writes nor for its disk.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::{StoreError, schema};

/// Connections that are opened when they are first needed, and kept.
pub(super) struct Readers {
    path: PathBuf,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: &Path, most: usize) -> Self {
        Self { path: path.to_owned(), places: Arc::new(Semaphore::new(most)), idle: Mutex::default() }
    }

    /// Reads, once a connection is free.
    pub(super) async fn read<T, R>(self: &Arc<Self>, work: R) -> Result<T, StoreError>
    where
        T: Send + 'static,
        R: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let readers = Arc::clone(self);
        let reading = spawn_blocking(move || {
            let connection = readers.take()?;
            let result = work(&connection);
            readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            drop(place);
            Ok(result?)
        });
        // It ends early only where the runtime does.
        reading.await.unwrap_or(Err(StoreError::Closed))
    }

    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| schema::open_to_read(&self.path), Ok)
    }
}
