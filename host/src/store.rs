//! The database: one file, one thread that writes, several writes a commit, and readers that wait for
//! nobody. A write is on disk when its caller hears of it.
//!
//! Whoever keeps something has tables of its own in [`schema`], and names them nowhere else.

pub(crate) mod crash;
mod readers;
pub(crate) mod schema;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use rusqlite::{Connection, Transaction};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use self::readers::Readers;
pub(crate) use self::writer::in_savepoint;
use self::writer::{Reply, Work};
use crate::config;

/// Why something was not written or read, or not in time.
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
    /// The thread that does it is gone.
    #[error("the store was closed")]
    Closed,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// What becomes of a write whose caller is gone before its turn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Orphan {
    Written,
    Dropped,
}

/// The open database.
pub struct Database {
    writes: mpsc::Sender<Work>,
    readers: Arc<Readers>,
    timeout: Duration,
    path: PathBuf,
}

impl Database {
    /// Opens the database, makes it if it is not there, and takes it for this process alone.
    pub fn open(config: &config::Store) -> anyhow::Result<Self> {
        let path = config.path().context("store.url names no database")?.to_owned();
        let (connection, lock) = schema::open_alone(&path)?;
        let (writes, queue) = mpsc::channel(config.queue_max);
        thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                let _lock = lock;
                writer::write(connection, queue);
            })
            .context("starting the store's thread")?;
        let readers = Arc::new(Readers::new(&path, config.readers_max));
        Ok(Self { writes, readers, timeout: Duration::from_millis(config.timeout_ms), path })
    }

    /// The database's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until nothing can be written any more, which is a fault.
    pub async fn closed(&self) {
        self.writes.closed().await;
    }

    /// Runs one write, and waits until it is on disk, however long that takes.
    pub(crate) async fn write<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.send(Orphan::Written, work).await
    }

    /// The same for a caller who cannot wait: it may be written all the same.
    pub(crate) async fn write_in_time<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        timeout(self.timeout, self.write(work)).await.unwrap_or(Err(StoreError::Slow))
    }

    /// The same, and not written where the caller has given up before its turn.
    pub(crate) async fn write_if_awaited<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        timeout(self.timeout, self.send(Orphan::Dropped, work)).await.unwrap_or(Err(StoreError::Slow))
    }

    /// Reads what is on disk, beside whatever is being written.
    pub(crate) async fn read<T, R>(&self, work: R) -> Result<T, StoreError>
    where
        T: Send + 'static,
        R: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        timeout(self.timeout, self.readers.read(work)).await.unwrap_or(Err(StoreError::Slow))
    }

    async fn send<T, W>(&self, orphan: Orphan, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let work: Work = Box::new(move |transaction| {
            let result = match transaction {
                Ok(_) if orphan == Orphan::Dropped && tell.is_closed() => Err(StoreError::Slow),
                Ok(transaction) => in_savepoint(transaction, work).map_err(StoreError::from),
                Err(error) => Err(error),
            };
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
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    millis(SystemTime::now()).unsigned_abs()
}

/// Milliseconds since 1970, as in the database.
pub fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_written_or_not_as_its_caller_chose() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let config = config::Store { url, timeout_ms: 20, ..config::Store::default() };
        let database = Arc::new(Database::open(&config).expect("a database"));
        database.write(|transaction| transaction.execute_batch("CREATE TABLE t (n)")).await.expect("a table");
        let (go, gone) = channel::<()>();
        // Keeps the thread that writes busy until `go` is dropped.
        let busy = Arc::clone(&database);
        let busy = tokio::spawn(async move { busy.write(move |_| Ok(gone.recv().is_err())).await });
        tokio::task::yield_now().await;
        let insert =
            |n: i64| move |transaction: &Transaction<'_>| transaction.execute("INSERT INTO t VALUES (?1)", [n]);
        assert!(matches!(database.write_in_time(insert(1)).await, Err(StoreError::Slow)));
        assert!(matches!(database.write_if_awaited(insert(2)).await, Err(StoreError::Slow)));
        drop(go);
        assert!(busy.await.expect("no panic").expect("a write"));
        assert_eq!(database.write(insert(3)).await.expect("a write"), 1);
        let reader = schema::open_to_read(database.path()).expect("a connection");
        let written = reader.query_row("SELECT group_concat(n) FROM t", [], |row| row.get::<_, String>(0));
        assert_eq!(written.expect("an answer"), "1,3");
    }
}
