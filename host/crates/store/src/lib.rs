//! The database: a SQLite file for one gateway, or a Postgres server for several.
//!
//! A write is on disk when its future completes. Writes never block readers, and no tenant uses up the queue, the
//! readers or the disk: each has a share (`queue`, `readers`), and free space of a file has two watermarks
//! (`sqlite::disk`). A write may run twice, because its connection can be lost before the answer to its commit.
//!
//! - [`Database`]: opens the database and runs writes and reads.
//! - [`Origin`]: the tenant and purpose of a write, which decide its order and its limits.
//! - [`StoreError`]: the reason why a write or a read failed; [`Overload`] names the limit.
//!
//! - [`sql`]: statements and values, and the [`sql::Scope`] of a write.
//! - [`Shared`]: an operator's access from another process; [`maintenance`]: commands about the whole database.
//!
//! The crates `delivery` and `state` own the tables in `schema` and all statements on them; this crate only copies whole
//! tables.

mod connection;
pub mod crash;
mod error;
pub mod maintenance;
mod origin;
mod postgres;
mod queue;
mod readers;
mod settings;
mod shared;
pub mod sql;
mod sqlite;
mod write;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use frontgate_system::scheduling;
use rustix::process::getpriority_process;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::connection::Source;
pub use self::error::{Overload, StoreError};
pub use self::origin::Origin;
use self::origin::Purpose;
use self::postgres::Server;
pub use self::postgres::bell::Bell;
use self::queue::{Limits, Queue};
use self::readers::Readers;
pub use self::settings::{Location, Settings, Upgrade};
pub use self::shared::Shared;
use self::sql::{Scope, Transaction};
use self::sqlite::disk::{SpaceLevel, SpaceMonitor};
use self::sqlite::schema::Tables;
use self::write::{Abandoned, Flush, Mode, Pending};

/// The tenant of the gateway's own reads.
pub const NO_TENANT: &str = "";

/// The open database.
pub struct Database {
    queue: Arc<Queue>,
    level: Arc<SpaceLevel>,
    /// Cancelled when a thread that writes ends.
    ended: CancellationToken,
    readers: Arc<Readers>,
    timeout: Duration,
    is_shared: bool,
}

impl Database {
    /// Opens the database, and creates or migrates its tables. A SQLite file is opened for this process alone.
    ///
    /// # Errors
    ///
    /// Fails if the database has a newer version. A file also fails if another gateway uses it or other users can
    /// change it; a server, if it cannot be reached or does not work as needed.
    pub fn open(config: &Settings) -> anyhow::Result<Self> {
        Self::open_tables(config, Tables::Gateway)
    }

    /// Opens the tables of the customer index. With SQLite, they are in a file of their own beside the store, so that
    /// large writes of customers delay no other write. With Postgres, they are in the same database.
    ///
    /// # Errors
    ///
    /// Fails like [`Database::open`].
    pub fn open_customers(config: &Settings, main: &Arc<Self>) -> anyhow::Result<Arc<Self>> {
        if main.is_shared {
            return Ok(Arc::clone(main));
        }
        Ok(Arc::new(Self::open_tables(config, Tables::Customers)?))
    }

    /// Opens or creates a file with facts of requests, which may be lost. It is local with every engine of the store.
    ///
    /// # Errors
    ///
    /// Fails if another gateway uses the file, or if other users can change it.
    pub fn open_journal(path: &Path) -> anyhow::Result<Self> {
        let settings = Settings { url: format!("sqlite:{}", path.display()), ..Settings::default() };
        Self::open_tables(&settings, Tables::Journal)
    }

    fn open_tables(config: &Settings, tables: Tables) -> anyhow::Result<Self> {
        let (queue, level) = (Arc::new(Queue::new(Limits::new(config))), Arc::default());
        let ended = CancellationToken::new();
        let source = match config.location()? {
            Location::Sqlite(path) => {
                let path = tables.file(path);
                let (connection, lock) = sqlite::schema::open_exclusive(&path, tables)?;
                let is_reported = tables != Tables::Journal;
                let mut monitor = SpaceMonitor::new(&path, config, &level, is_reported);
                let (ending, end) = (ended.clone().drop_guard(), End(Arc::clone(&queue)));
                let niceness = getpriority_process(None).map(|own| own + scheduling::BACKGROUND_NICE);
                let name = match tables {
                    Tables::Gateway => "store",
                    Tables::Customers => "customers",
                    Tables::Journal => "journal",
                };
                thread::Builder::new()
                    .name(name.to_owned())
                    .spawn(move || {
                        let (_lock, _ending) = (lock, ending);
                        let end = end;
                        // Large batches delay no callback.
                        if tables != Tables::Gateway
                            && let Err(error) = niceness.map_err(Into::into).and_then(scheduling::lower_priority)
                        {
                            tracing::debug!("failed to lower the priority of a thread of the store: {error}");
                        }
                        sqlite::writer::write(connection, &end.0, &mut monitor);
                    })
                    .context("failed to start the store's thread")?;
                Source::Sqlite(path)
            }
            Location::Postgres => {
                let server = Arc::new(Server::new(config)?);
                // A session blocks its thread, and this one may drive a runtime.
                let (opening, upgrade) = (Arc::clone(&server), config.upgrade);
                let opened = thread::spawn(move || postgres::schema::open(&opening, upgrade)).join();
                opened.map_err(|_| anyhow!("failed to open the database"))??;
                postgres::writer::start(&server, &queue, config.connections_max, ended.clone().drop_guard())?;
                Source::Postgres(server)
            }
        };
        let readers = Arc::new(Readers::new(source, config.readers_max, config.readers_per_tenant_max));
        let timeout = Duration::from_millis(config.timeout_ms);
        Ok(Self { queue, level, ended, readers, timeout, is_shared: config.is_shared() })
    }

    /// Returns whether several gateways may use the database.
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Returns the current time by the clock of the database, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.readers.now_ms()
    }

    /// Starts the bell that tells other gateways of changes; `None` if the database is not shared.
    ///
    /// # Errors
    ///
    /// Fails if `store.listen_url` is invalid.
    pub fn bell(config: &Settings) -> anyhow::Result<Option<Bell>> {
        Ok(if config.is_shared() { Some(Bell::start(config)?) } else { None })
    }

    /// Returns a handle that counts queued writes.
    pub fn waiting(&self) -> Waiting {
        Waiting(Arc::clone(&self.queue))
    }

    /// Returns whether so little disk space is free that data which may be lost is not written.
    pub fn is_space_low(&self) -> bool {
        self.level.rejection(Purpose::Import { channel: 0 }).is_some()
    }

    /// Waits until a thread that writes ends. While the database is open, that is an error.
    pub async fn closed(&self) {
        self.ended.cancelled().await;
    }

    /// Checks whether a write of this origin would be accepted at this moment.
    ///
    /// # Errors
    ///
    /// Fails with the limit that rejects the write, and counts the rejection.
    pub fn would_accept(&self, origin: &Origin) -> Result<(), StoreError> {
        let rejection = self.level.rejection(origin.purpose).or_else(|| self.queue.rejection(origin));
        rejection.map_or(Ok(()), |overload| {
            overload.count(origin.tenant());
            Err(overload.into())
        })
    }

    /// Runs one write and waits until it is on disk, without a timeout.
    ///
    /// # Errors
    ///
    /// Fails if the write is rejected, if `work` or the commit fails, or if the writer has ended.
    pub async fn write<T, W>(&self, origin: Origin, scope: Scope, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Fn(&Transaction<'_>) -> sql::Result<T> + Send + 'static,
    {
        self.send(origin, scope, Mode::NORMAL, work).await
    }

    /// Runs a write like [`Database::write`] that a crash of the database may undo, which saves the wait for the disk.
    ///
    /// # Errors
    ///
    /// Fails like [`Database::write`].
    pub async fn write_unflushed<T, W>(&self, origin: Origin, scope: Scope, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Fn(&Transaction<'_>) -> sql::Result<T> + Send + 'static,
    {
        self.send(origin, scope, Mode { flush: Flush::Skip, ..Mode::NORMAL }, work).await
    }

    /// Runs a write like [`Database::write`], with a timeout after which the write may still succeed.
    ///
    /// # Errors
    ///
    /// Fails like [`Database::write`], or with [`StoreError::Timeout`].
    pub async fn write_in_time<T, W>(&self, origin: Origin, scope: Scope, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Fn(&Transaction<'_>) -> sql::Result<T> + Send + 'static,
    {
        timeout(self.timeout, self.write(origin, scope, work)).await.unwrap_or(Err(StoreError::Timeout))
    }

    /// Runs a write like [`Database::write_in_time`], but skips the write if the caller gave up while it was queued.
    ///
    /// # Errors
    ///
    /// Fails like [`Database::write_in_time`].
    pub async fn write_if_awaited<T, W>(&self, origin: Origin, scope: Scope, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Fn(&Transaction<'_>) -> sql::Result<T> + Send + 'static,
    {
        let mode = Mode { abandoned: Abandoned::Drop, ..Mode::NORMAL };
        timeout(self.timeout, self.send(origin, scope, mode, work)).await.unwrap_or(Err(StoreError::Timeout))
    }

    /// Reads committed data concurrently with the writer, within the tenant's share of readers.
    ///
    /// # Errors
    ///
    /// Fails if `work` fails, or with [`StoreError::Timeout`].
    pub async fn read<T, R>(&self, tenant: &str, work: R) -> Result<T, StoreError>
    where
        T: Send + 'static,
        R: Fn(&Transaction<'_>) -> sql::Result<T> + Send + 'static,
    {
        timeout(self.timeout, self.readers.read(tenant, work)).await.unwrap_or(Err(StoreError::Timeout))
    }

    /// Empties the log of a SQLite file, so that rows that were deleted are in no byte of it. Readers that are slow delay
    /// it. On a Postgres server nothing is done.
    ///
    /// # Errors
    ///
    /// Fails if the log cannot be emptied.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        self.readers.checkpoint().await
    }

    async fn send<T, W>(&self, origin: Origin, scope: Scope, mode: Mode, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Fn(&Transaction<'_>) -> sql::Result<T> + Send + 'static,
    {
        if let Some(overload) = self.level.rejection(origin.purpose) {
            overload.count(origin.tenant());
            return Err(overload.into());
        }
        let (sender, receiver) = oneshot::channel();
        let tenant = Arc::clone(origin.tenant());
        self.queue.push(origin, Pending::queued(scope, mode, work, sender)).inspect_err(|error| {
            if let StoreError::Overload(overload) = error {
                overload.count(&tenant);
            }
        })?;
        receiver.await.unwrap_or(Err(StoreError::Closed))
    }
}

/// Counts queued writes.
pub struct Waiting(Arc<Queue>);

impl Waiting {
    /// Returns the number of queued writes of each tenant that has any.
    pub fn by_tenant(&self) -> HashMap<Arc<str>, usize> {
        self.0.waiting()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// A guard owned by the writer thread: when the thread ends, waiting callers get an error.
struct End(Arc<Queue>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Returns the version of the tables on Postgres that this program knows.
pub fn postgres_version() -> i64 {
    postgres::schema::VERSION
}

/// Returns the current time in milliseconds since 1970.
pub fn now_ms() -> u64 {
    millis(SystemTime::now()).saturating_add(crash::clock_ahead_ms()).unsigned_abs()
}

/// Converts a time to milliseconds since 1970, the unit of the database.
pub fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn an_abandoned_write_is_executed_or_dropped_as_its_caller_chose() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let config = Settings { url, timeout_ms: 20, ..Settings::default() };
        let database = Arc::new(Database::open(&config).expect("a database"));
        database
            .write(Origin::internal(), Scope::Rows, |transaction| transaction.execute("CREATE TABLE t (n)", values![]))
            .await
            .expect("a table");
        let (go, gone) = channel::<()>();
        // Keeps the writer busy until `go` is dropped.
        let busy = Arc::clone(&database);
        let busy = tokio::spawn(async move {
            busy.write(Origin::internal(), Scope::Rows, move |_| Ok(gone.recv().is_err())).await
        });
        tokio::task::yield_now().await;
        let insert =
            |n: i64| move |transaction: &Transaction<'_>| transaction.execute("INSERT INTO t VALUES (?1)", values![n]);
        assert!(matches!(
            database.write_in_time(Origin::internal(), Scope::Rows, insert(1)).await,
            Err(StoreError::Timeout)
        ));
        assert!(matches!(
            database.write_if_awaited(Origin::internal(), Scope::Rows, insert(2)).await,
            Err(StoreError::Timeout)
        ));
        drop(go);
        assert!(busy.await.expect("no panic").expect("a write"));
        assert_eq!(database.write(Origin::internal(), Scope::Rows, insert(3)).await.expect("a write"), 1);
        let written = database.read(NO_TENANT, |read| read.rows("SELECT n FROM t", values![], |row| row.get::<i64>(0)));
        assert_eq!(written.await.expect("an answer"), [1, 3]);
    }
}
