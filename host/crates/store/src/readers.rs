//! Connections that read, on threads that may block: each sees what was committed when it begins, and
//! waits neither for the thread that writes nor for its disk.

use std::collections::HashMap;
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
    /// Those of each tenant that has read something.
    shares: Mutex<HashMap<Arc<str>, Arc<Semaphore>>>,
    share: usize,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: &Path, most: usize, share: usize) -> Self {
        let (path, places) = (path.to_owned(), Arc::new(Semaphore::new(most)));
        Self { path, places, shares: Mutex::default(), share, idle: Mutex::default() }
    }

    /// Reads, once the tenant's share and a connection are free: of those that wait for a connection, no
    /// tenant has more than its share.
    pub(super) async fn read<T, R>(self: &Arc<Self>, tenant: &str, work: R) -> Result<T, StoreError>
    where
        T: Send + 'static,
        R: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let turn = self.share_of(tenant).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let readers = Arc::clone(self);
        let reading = spawn_blocking(move || {
            let connection = readers.take()?;
            let result = work(&connection);
            readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            drop((place, turn));
            Ok(result?)
        });
        // It ends early only where the runtime does.
        reading.await.unwrap_or(Err(StoreError::Closed))
    }

    fn share_of(&self, tenant: &str) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(tenant) {
            return Arc::clone(share);
        }
        let share = Arc::new(Semaphore::new(self.share));
        shares.insert(tenant.into(), Arc::clone(&share));
        share
    }

    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| schema::open_to_read(&self.path), Ok)
    }
}
