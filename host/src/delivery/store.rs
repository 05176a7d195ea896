//! The database: one file, one thread that writes, several writes a commit.
//!
//! A write is on disk when its caller hears of it. Everything here is about one owner of the file;
//! [`desk`] is for operators, beside it.

pub mod desk;
mod events;
pub(super) mod queue;
mod schema;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use rusqlite::{Connection, Transaction};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

pub use self::events::{Accepted, Told};
use super::crash;
use crate::config;

/// Writes of one commit: many share the wait for the disk.
const COMMIT_MAX: usize = 64;

/// Why something was not written, or not in time.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// `store.queue_max` writes wait already.
    #[error("store.queue_max writes are waiting for the disk")]
    Full,
    /// It may still be written.
    #[error("store.timeout_ms passed")]
    Slow,
    /// The database's own words.
    #[error("the database: {0}")]
    Database(Arc<rusqlite::Error>),
    /// Of those whose writes shared a commit with one that ended it.
    #[error("the commit was taken back: {0}")]
    TakenBack(Arc<Self>),
    /// The thread that writes is gone.
    #[error("the store was closed")]
    Closed,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// Does its part of a commit, or learns that there is none; says what went wrong with its own part.
type Work = Box<dyn FnOnce(Result<&Transaction<'_>, StoreError>) -> (Reply, Option<StoreError>) + Send>;
/// Tells the caller, once it is on disk or known not to be.
type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// The open database.
pub struct Store {
    writes: mpsc::Sender<Work>,
    timeout: Duration,
    path: PathBuf,
    /// For each tenant, what is told when something may have become due.
    due: Mutex<HashMap<String, Arc<Notify>>>,
}

impl Store {
    /// Opens the database, makes it if it is not there, and takes it for this process alone. What a
    /// process before this one left unfinished is put in order.
    pub fn open(config: &config::Store) -> anyhow::Result<Self> {
        let path = config.path().context("store.url names no database")?.to_owned();
        let (mut connection, lock) = schema::open_alone(&path)?;
        let left = queue::recover(&mut connection).context("putting the database in order")?;
        if left > 0 {
            tracing::info!("{left} deliveries were cut off when the gateway last ended; they go on");
        }
        let (writes, queue) = mpsc::channel(config.queue_max);
        thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                let _lock = lock;
                write(connection, queue);
            })
            .context("starting the store's thread")?;
        Ok(Self { writes, timeout: Duration::from_millis(config.timeout_ms), path, due: Mutex::default() })
    }

    /// The database's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is told when something of a tenant may have become due.
    pub(super) fn due(&self, tenant: &str) -> Arc<Notify> {
        let mut all = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(tenant.to_owned()).or_default())
    }

    /// Waits until nothing can be written any more, which is a fault.
    pub async fn closed(&self) {
        self.writes.closed().await;
    }

    /// Runs one write, and waits until it is on disk, however long that takes.
    async fn write<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let work: Work = Box::new(move |transaction| {
            let result = transaction.and_then(|transaction| Ok(in_savepoint(transaction, work)?));
            let own = result.as_ref().err().cloned();
            let reply: Reply = Box::new(move |committed| {
                let _ = tell.send(result.and_then(|value| committed.map(|()| value)));
            });
            (reply, own)
        });
        self.writes.try_send(work).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Full,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })?;
        told.await.unwrap_or(Err(StoreError::Closed))
    }

    /// The same for a caller who cannot wait: it may be written all the same.
    async fn write_in_time<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        timeout(self.timeout, self.write(work)).await.unwrap_or(Err(StoreError::Slow))
    }
}

/// One write must not undo those that share its commit.
fn in_savepoint<T>(
    transaction: &Transaction<'_>,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    transaction.execute_batch("SAVEPOINT one")?;
    let result = work(transaction);
    let end = if result.is_ok() { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" };
    let ended = transaction.execute_batch(end);
    // Where the database has taken everything back already, its first words say why.
    result.and_then(|value| ended.map(|()| value))
}

/// The thread that writes, until nobody can ask it any more.
fn write(mut connection: Connection, mut queue: mpsc::Receiver<Work>) {
    let mut batch = Vec::with_capacity(COMMIT_MAX);
    while let Some(first) = queue.blocking_recv() {
        batch.push(first);
        while batch.len() < COMMIT_MAX
            && let Ok(next) = queue.try_recv()
        {
            batch.push(next);
        }
        let (replies, committed) = commit(&mut connection, batch.drain(..));
        if let Err(error) = &committed {
            tracing::error!("the store cannot write: {error}");
        }
        crash::point("committed");
        for reply in replies {
            reply(committed.clone());
        }
    }
}

fn commit(connection: &mut Connection, batch: impl Iterator<Item = Work>) -> (Vec<Reply>, Result<(), StoreError>) {
    let begun = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate);
    let mut replies = Vec::new();
    let mut open = begun.map_err(StoreError::from);
    for work in batch {
        let (reply, own) = work(open.as_ref().map_err(Clone::clone));
        replies.push(reply);
        // A full disk, or one that fails, ends the transaction on the spot. Whatever came after it would
        // be written on its own.
        if open.as_ref().is_ok_and(|transaction| transaction.is_autocommit()) {
            let why = own.unwrap_or(StoreError::Closed);
            open = Err(StoreError::TakenBack(Arc::new(why)));
        }
    }
    crash::point("before-commit");
    let committed = open.and_then(|transaction| Ok(transaction.commit()?));
    (replies, committed)
}

#[cfg(test)]
mod tests;
