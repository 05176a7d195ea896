//! The tables, and how the file is opened.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// Stands in the file; a newer gateway's file is refused.
const VERSION: i64 = 1;

/// How long the gateway before this one may take to let go of the file.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// For operators' commands beside the gateway, and the gateway beside them.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const TABLES: &str = "
-- What was accepted, and what was answered: the same again gets the same answer.
CREATE TABLE events (
  tenant TEXT NOT NULL,
  identity TEXT NOT NULL,
  answer BLOB NOT NULL,
  rejected INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, identity)
) WITHOUT ROWID;
CREATE INDEX events_by_time ON events (time_ms);

CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  conversation TEXT NOT NULL,
  fields TEXT NOT NULL,
  request TEXT NOT NULL,
  state TEXT NOT NULL,
  -- When it may go on; NULL while an earlier one of its conversation is open.
  due_ms INTEGER,
  -- Who works on it: random, and in every write about it.
  lease TEXT,
  -- What was decided, and whether a request that must not be repeated may have left.
  plan TEXT,
  sending INTEGER NOT NULL DEFAULT 0,
  waits_for_plugin INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  questions INTEGER NOT NULL DEFAULT 0,
  reason TEXT,
  result TEXT,
  created_ms INTEGER NOT NULL,
  -- Since when it waits: since it was accepted, or since an operator let it go on.
  since_ms INTEGER NOT NULL,
  -- When it was first worked on.
  begun_ms INTEGER,
  changed_ms INTEGER NOT NULL
);
CREATE INDEX deliveries_due ON deliveries (tenant, kind, due_ms) WHERE state IN ('ready', 'unknown') AND lease IS NULL;
CREATE INDEX deliveries_open ON deliveries (tenant, conversation, id) WHERE state IN ('ready', 'leased', 'unknown');
CREATE INDEX deliveries_active ON deliveries (tenant, conversation)
  WHERE state IN ('ready', 'leased', 'unknown') AND due_ms IS NOT NULL;
CREATE INDEX deliveries_routing ON deliveries (tenant, conversation)
  WHERE kind = 'routing' AND state = 'ready' AND due_ms IS NULL;
CREATE INDEX deliveries_counted ON deliveries (tenant, state);
CREATE INDEX deliveries_ended ON deliveries (changed_ms) WHERE state IN ('sent', 'failed', 'cancelled');

-- How often each list of workers had its turn.
CREATE TABLE turns (
  tenant TEXT NOT NULL,
  list TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (tenant, list)
) WITHOUT ROWID;

-- What operators did by hand.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  delivery INTEGER NOT NULL,
  action TEXT NOT NULL,
  state_before TEXT NOT NULL,
  state_after TEXT NOT NULL
);
";

/// Opens the file for the one process that works on deliveries. The lock is held until it is dropped.
pub(super) fn open_alone(path: &Path) -> anyhow::Result<(Connection, File)> {
    let shown = path.display();
    if let Some(folder) = path.parent() {
        // What is in it is the customers' own.
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.with_context(|| format!("making the folder {}", folder.display()))?;
    }
    let lock = lock(path)?;
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).mode(0o600).open(path);
    drop(file.with_context(|| format!("opening {shown}"))?);
    let mut connection = Connection::open(path).with_context(|| format!("opening {shown}"))?;
    settle(&connection).with_context(|| format!("opening {shown}"))?;
    let transaction = connection.transaction()?;
    match version(&transaction)? {
        0 => {
            transaction.execute_batch(TABLES).context("making the tables")?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        VERSION => {}
        newer => bail!("{shown} is of version {newer}, written by a newer gateway; this one knows version {VERSION}"),
    }
    transaction.commit()?;
    Ok((connection, lock))
}

/// Opens the file beside the gateway, or without it.
pub(super) fn open_beside(path: &Path) -> anyhow::Result<Connection> {
    let shown = path.display();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags);
    let connection = connection.with_context(|| format!("there are no deliveries yet: opening {shown}"))?;
    settle(&connection).with_context(|| format!("opening {shown}"))?;
    match version(&connection)? {
        VERSION => Ok(connection),
        other => bail!("{shown} is of version {other}, and this program knows version {VERSION}"),
    }
}

fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // What was answered must survive a power cut.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "secure_delete", "on")
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let path = path.with_extension("lock");
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
    let file = file.with_context(|| format!("opening {}", path.display()))?;
    let until = Instant::now() + LOCK_PATIENCE;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK) if Instant::now() < until => thread::sleep(LOCK_PAUSE),
            Err(Errno::WOULDBLOCK) => {
                bail!("another gateway works on {}; stop it, or name another store", path.display())
            }
            Err(error) => return Err(error).with_context(|| format!("locking {}", path.display())),
        }
    }
}
