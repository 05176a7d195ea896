//! The database: one file, one thread that writes, several writes a commit, and readers that wait for
//! nobody. A write is on disk when its caller hears of it.
//!
//! Each tenant has a share of the writes that wait ([`queue`]) and of the readers, and free space has two
//! watermarks (`disk`).
//!
//! Whoever keeps something has tables of its own in [`schema`], and names them nowhere else.

pub mod crash;
mod disk;
mod queue;
mod readers;
pub mod schema;
mod settings;
mod writer;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use frontgate_telemetry::metrics::{METRICS, labels};
use rusqlite::{Connection, Transaction};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::disk::{Room, Watch};
pub use self::queue::Origin;
use self::queue::{Limits, Queue};
use self::readers::Readers;
pub use self::settings::Settings;
pub use self::writer::in_savepoint;
use self::writer::{Reply, Work};

/// Whose reads they are that no tenant waits for.
pub const OWN: &str = "";

/// Why something was not written or read, or not in time.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Not taken: a share is used up, or the disk nearly full.
    #[error("{0}")]
    Overload(#[from] Overload),
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

/// Which limit refuses a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Overload {
    /// Of all tenants together.
    #[error("store.queue_max writes are waiting for the disk")]
    Queue,
    /// Of one tenant, or of its imports and state.
    #[error("the tenant's share of the store's queue is used up (store.queue_per_tenant_max)")]
    Tenant,
    /// Of the imports of one channel.
    #[error("the channel's share of the store's queue is used up (store.queue_per_channel_max)")]
    Channel,
    /// Of what one channel's imports leave waiting.
    #[error("front.APP.waiting_max or waiting_bytes_max of the channel is reached")]
    ChannelWaiting,
    /// Of what one tenant leaves waiting.
    #[error("store.waiting_per_tenant_max or waiting_bytes_per_tenant_max is reached")]
    TenantWaiting,
    /// Of what is remembered of one tenant's events.
    #[error("store.events_bytes_per_tenant_max is reached")]
    TenantEvents,
    /// Of free space for imports.
    #[error("less than store.free_bytes_imports_min is free")]
    DiskForImports,
    /// Of free space for events and state.
    #[error("less than store.free_bytes_events_min is free")]
    DiskForEvents,
}

impl Overload {
    /// As in the metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Tenant => "tenant-queue",
            Self::Channel => "channel-queue",
            Self::ChannelWaiting => "channel-waiting",
            Self::TenantWaiting => "tenant-waiting",
            Self::TenantEvents => "tenant-events",
            Self::DiskForImports => "disk-imports",
            Self::DiskForEvents => "disk-events",
        }
    }

    /// Counts a refusal of a tenant.
    pub fn count(self, tenant: &str) {
        METRICS.store_refused.get_or_create(&labels::Refused { tenant: tenant.into(), limit: self.name() }).inc();
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
    queue: Arc<Queue>,
    room: Arc<Room>,
    /// Cancelled once the writer has ended.
    ended: CancellationToken,
    readers: Arc<Readers>,
    timeout: Duration,
    path: PathBuf,
}

impl Database {
    /// Opens the database, makes it if it is not there, and takes it for this process alone.
    pub fn open(config: &crate::Settings) -> anyhow::Result<Self> {
        let path = config.path().context("store.url names no database")?.to_owned();
        let (connection, lock) = schema::open_alone(&path)?;
        let (queue, room) = (Arc::new(Queue::new(Limits::new(config))), Arc::default());
        let (ended, end) = (CancellationToken::new(), End(Arc::clone(&queue)));
        let mut watch = Watch::new(&path, config, &room);
        let ending = ended.clone().drop_guard();
        thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                let (_lock, _ending) = (lock, ending);
                let end = end;
                writer::write(connection, &end.0, &mut watch);
            })
            .context("starting the store's thread")?;
        let readers = Arc::new(Readers::new(&path, config.readers_max, config.readers_per_tenant_max));
        Ok(Self { queue, room, ended, readers, timeout: Duration::from_millis(config.timeout_ms), path })
    }

    /// The database's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The writes that wait.
    pub fn waiting(&self) -> Waiting {
        Waiting(Arc::clone(&self.queue))
    }

    /// Waits until nothing can be written any more, which is a fault.
    pub async fn closed(&self) {
        self.ended.cancelled().await;
    }

    /// Whether a write of this origin would be taken at this moment.
    pub fn would_take(&self, origin: &Origin) -> Result<(), StoreError> {
        let refusal = self.room.refusal(origin.purpose).or_else(|| self.queue.refusal(origin));
        refusal.map_or(Ok(()), |overload| {
            overload.count(origin.tenant());
            Err(overload.into())
        })
    }

    /// Runs one write, and waits until it is on disk, however long that takes.
    pub async fn write<T, W>(&self, origin: Origin, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.send(origin, Orphan::Written, work).await
    }

    /// The same for a caller who cannot wait: it may be written all the same.
    pub async fn write_in_time<T, W>(&self, origin: Origin, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        timeout(self.timeout, self.write(origin, work)).await.unwrap_or(Err(StoreError::Slow))
    }

    /// The same, and not written where the caller has given up before its turn.
    pub async fn write_if_awaited<T, W>(&self, origin: Origin, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        timeout(self.timeout, self.send(origin, Orphan::Dropped, work)).await.unwrap_or(Err(StoreError::Slow))
    }

    /// Reads what is on disk, beside whatever is being written, within the readers' share of a tenant.
    pub async fn read<T, R>(&self, tenant: &str, work: R) -> Result<T, StoreError>
    where
        T: Send + 'static,
        R: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        timeout(self.timeout, self.readers.read(tenant, work)).await.unwrap_or(Err(StoreError::Slow))
    }

    async fn send<T, W>(&self, origin: Origin, orphan: Orphan, work: W) -> Result<T, StoreError>
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
        if let Some(overload) = self.room.refusal(origin.purpose) {
            overload.count(origin.tenant());
            return Err(overload.into());
        }
        let tenant = Arc::clone(origin.tenant());
        self.queue.push(origin, work).inspect_err(|error| {
            if let StoreError::Overload(overload) = error {
                overload.count(&tenant);
            }
        })?;
        told.await.unwrap_or(Err(StoreError::Closed))
    }
}

/// Counts the writes that wait.
pub struct Waiting(Arc<Queue>);

impl Waiting {
    /// How many of each tenant; those with none are left out.
    pub fn by_tenant(&self) -> HashMap<Arc<str>, usize> {
        self.0.waiting()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Held by the writer's thread: however it ends, callers that wait get an error.
struct End(Arc<Queue>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.abandon();
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
        let config = crate::Settings { url, timeout_ms: 20, ..crate::Settings::default() };
        let database = Arc::new(Database::open(&config).expect("a database"));
        database
            .write(Origin::own(), |transaction| transaction.execute_batch("CREATE TABLE t (n)"))
            .await
            .expect("a table");
        let (go, gone) = channel::<()>();
        // Keeps the thread that writes busy until `go` is dropped.
        let busy = Arc::clone(&database);
        let busy = tokio::spawn(async move { busy.write(Origin::own(), move |_| Ok(gone.recv().is_err())).await });
        tokio::task::yield_now().await;
        let insert =
            |n: i64| move |transaction: &Transaction<'_>| transaction.execute("INSERT INTO t VALUES (?1)", [n]);
        assert!(matches!(database.write_in_time(Origin::own(), insert(1)).await, Err(StoreError::Slow)));
        assert!(matches!(database.write_if_awaited(Origin::own(), insert(2)).await, Err(StoreError::Slow)));
        drop(go);
        assert!(busy.await.expect("no panic").expect("a write"));
        assert_eq!(database.write(Origin::own(), insert(3)).await.expect("a write"), 1);
        let reader = schema::open_to_read(database.path()).expect("a connection");
        let written = reader.query_row("SELECT group_concat(n) FROM t", [], |row| row.get::<_, String>(0));
        assert_eq!(written.expect("an answer"), "1,3");
    }
}
