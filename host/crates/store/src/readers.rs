//! Readers: connections that run reads on blocking threads, concurrently with writes.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::connection::{Connection, Source};
use super::error::StoreError;
use super::sql::{self, Transaction};

/// A pool of connections, which are opened on demand and kept open.
pub(super) struct Readers {
    source: Source,
    permits: Arc<Semaphore>,
    /// Permits of each tenant that has run a read so far.
    shares: Mutex<HashMap<Arc<str>, Arc<Semaphore>>>,
    share: usize,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(source: Source, most: usize, share: usize) -> Self {
        let permits = Arc::new(Semaphore::new(most));
        Self { source, permits, shares: Mutex::default(), share, idle: Mutex::default() }
    }

    /// Runs a read once the tenant's share and then a connection are free.
    ///
    /// The share is acquired first, so no tenant has more than its share of the reads that wait for a connection.
    pub(super) async fn read<T, R>(self: &Arc<Self>, tenant: &str, work: R) -> Result<T, StoreError>
    where
        T: Send + 'static,
        R: Fn(&Transaction<'_>) -> sql::Result<T> + Send + 'static,
    {
        let share = self.share_of(tenant).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let readers = Arc::clone(self);
        let reading = spawn_blocking(move || {
            let result = readers.run(&work);
            drop((permit, share));
            Ok(result?)
        });
        // The task fails only if the runtime shuts down.
        reading.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Runs a read on an idle connection; if that one was lost meanwhile, on a new one.
    fn run<T>(&self, work: &impl Fn(&Transaction<'_>) -> sql::Result<T>) -> sql::Result<T> {
        let idle = self.idle.lock().pop();
        if let Some(connection) = idle {
            let result = work(&connection.read());
            if !connection.is_lost() {
                self.idle.lock().push(connection);
                return result;
            }
        }
        let connection = self.source.open()?;
        let result = work(&connection.read());
        if !connection.is_lost() {
            self.idle.lock().push(connection);
        }
        result
    }

    /// Empties the log of a file, see [`Source::checkpoint`].
    pub(super) async fn checkpoint(self: &Arc<Self>) -> Result<(), StoreError> {
        let readers = Arc::clone(self);
        let emptied = spawn_blocking(move || readers.source.checkpoint()).await;
        emptied.map_err(|_| StoreError::Closed)?.map_err(StoreError::from)
    }

    /// Returns the current time by the clock of the database, as far as it is known.
    pub(super) fn now_ms(&self) -> i64 {
        self.source.now_ms()
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
}
