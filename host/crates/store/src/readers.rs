//! Read connections, which run on blocking threads: each read sees a snapshot and never waits for the writer.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::error::StoreError;
use super::schema;
use super::sql::{self, Transaction};

/// A pool of read connections, which are opened on demand and kept open.
pub(super) struct Readers {
    path: PathBuf,
    permits: Arc<Semaphore>,
    /// Permits of each tenant that has read before.
    shares: Mutex<HashMap<Arc<str>, Arc<Semaphore>>>,
    share: usize,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: &Path, most: usize, share: usize) -> Self {
        let (path, permits) = (path.to_owned(), Arc::new(Semaphore::new(most)));
        Self { path, permits, shares: Mutex::default(), share, idle: Mutex::default() }
    }

    /// Runs a read once the tenant's share and then a connection are free.
    ///
    /// The share is acquired first, so no tenant has more than its share of the reads that wait for a connection.
    pub(super) async fn read<T, R>(self: &Arc<Self>, tenant: &str, work: R) -> Result<T, StoreError>
    where
        T: Send + 'static,
        R: FnOnce(&Transaction<'_>) -> sql::Result<T> + Send + 'static,
    {
        let share = self.share_of(tenant).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let readers = Arc::clone(self);
        let reading = spawn_blocking(move || {
            let connection = readers.take()?;
            let result = work(&Transaction::new(&connection));
            readers.idle.lock().push(connection);
            drop((permit, share));
            Ok(result?)
        });
        // The task fails only if the runtime shuts down.
        reading.await.unwrap_or(Err(StoreError::Closed))
    }

    fn share_of(&self, tenant: &str) -> Arc<Semaphore> {
        let mut shares = self.shares.lock();
        if let Some(share) = shares.get(tenant) {
            return Arc::clone(share);
        }
        let share = Arc::new(Semaphore::new(self.share));
        shares.insert(tenant.into(), Arc::clone(&share));
        share
    }

    fn take(&self) -> sql::Result<Connection> {
        let idle = self.idle.lock().pop();
        Ok(idle.map_or_else(|| schema::open_to_read(&self.path), Ok)?)
    }
}
