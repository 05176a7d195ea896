//! The tables, and how the file is opened.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use frontgate_system::ownership::Folder;
use rusqlite::{Connection, OpenFlags, Transaction};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// What makes each version from the one before it. How many there are stands in the file; a newer
/// gateway's file is refused.
const STEPS: [&str; 4] = [
    include_str!("schema/1-deliveries.sql"),
    include_str!("schema/2-state.sql"),
    include_str!("schema/3-front.sql"),
    include_str!("schema/4-shares.sql"),
];

/// How long the gateway before this one may take to let go of the file.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// For operators' commands beside the gateway, and the gateway beside them.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const BUSY_PAUSE: Duration = Duration::from_millis(1);

/// Opens the file for the one process that works with it. The lock is held until it is dropped.
pub(super) fn open_alone(path: &Path) -> anyhow::Result<(Connection, File)> {
    let shown = path.display();
    if let Some(folder) = path.parent() {
        // What is in it is the customers' own.
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.with_context(|| format!("making the folder {}", folder.display()))?;
        Folder::shared(folder).with_context(|| format!("failed to open the folder of {shown}"))?;
    }
    let lock = lock(path)?;
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).mode(0o600).open(path);
    drop(file.with_context(|| format!("opening {shown}"))?);
    let mut connection = Connection::open(path).with_context(|| format!("opening {shown}"))?;
    settle(&connection).with_context(|| format!("opening {shown}"))?;
    let transaction = connection.transaction()?;
    bring_up(&transaction, &STEPS).with_context(|| format!("{shown} cannot be used"))?;
    transaction.commit()?;
    Ok((connection, lock))
}

/// Opens the file beside the gateway, or without it.
pub fn open_beside(path: &Path) -> anyhow::Result<Connection> {
    let shown = path.display();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags);
    let mut connection = connection.with_context(|| format!("there is nothing stored yet: opening {shown}"))?;
    settle(&connection).with_context(|| format!("opening {shown}"))?;
    // A gateway that is busy leaves the lock for moments only, which SQLite's own longer and longer pauses miss.
    connection.busy_handler(Some(try_again)).with_context(|| format!("opening {shown}"))?;
    match version(&connection)? {
        known if known == STEPS.len() => Ok(connection),
        older if older < STEPS.len() => {
            bail!("{shown} is of version {older}; the gateway brings it to version {} when it starts", STEPS.len())
        }
        newer => bail!("{shown} is of version {newer}, and this program knows version {}", STEPS.len()),
    }
}

/// Whether an operator's command keeps waiting for the gateway's writer.
fn try_again(tries: i32) -> bool {
    thread::sleep(BUSY_PAUSE);
    BUSY_PAUSE.saturating_mul(u32::try_from(tries).unwrap_or_default()) < BUSY_TIMEOUT
}

/// Opens the file for reading, beside the thread that writes.
pub(super) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Takes the steps that a file has not had.
fn bring_up(transaction: &Transaction<'_>, steps: &[&str]) -> anyhow::Result<()> {
    let had = version(transaction)?;
    let Some(left) = steps.get(had..) else {
        bail!("it is of version {had}, written by a newer gateway; this one knows version {}", steps.len());
    };
    for (step, version) in left.iter().zip(had + 1..) {
        transaction.execute_batch(step).with_context(|| format!("making version {version} of its tables"))?;
        transaction.pragma_update(None, "user_version", i64::try_from(version)?)?;
    }
    Ok(())
}

fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // What was answered must survive a power cut.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "secure_delete", "on")
}

fn version(connection: &Connection) -> anyhow::Result<usize> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    usize::try_from(version).context("its version is a negative number")
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

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "CREATE TABLE one (a INTEGER)";
    const TWO: &str = "CREATE TABLE two (b INTEGER); INSERT INTO two SELECT a FROM one";
    const BROKEN: &str = "CREATE TABLE two (b INTEGER); INSERT INTO nowhere VALUES (1)";

    /// As `open_alone` does it.
    fn opened(connection: &mut Connection, steps: &[&str]) -> anyhow::Result<()> {
        let transaction = connection.transaction()?;
        bring_up(&transaction, steps)?;
        Ok(transaction.commit()?)
    }

    fn old() -> Connection {
        let mut connection = Connection::open_in_memory().expect("a database");
        opened(&mut connection, &[ONE]).expect("version 1");
        connection.execute("INSERT INTO one VALUES (7)", []).expect("a row");
        connection
    }

    #[test]
    fn an_older_file_gets_what_it_lacks_and_keeps_what_it_has() {
        let mut connection = old();
        opened(&mut connection, &[ONE, TWO]).expect("version 2");
        let kept: i64 = connection.query_row("SELECT b FROM two", [], |row| row.get(0)).expect("the row");
        assert_eq!((kept, version(&connection).expect("a version")), (7, 2));
        opened(&mut connection, &[ONE, TWO]).expect("nothing is left to do");
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let mut connection = old();
        let error = opened(&mut connection, &[ONE, BROKEN]).expect_err("it is broken");
        assert!(error.to_string().contains("making version 2"), "{error:#}");
        assert_eq!(version(&connection).expect("a version"), 1);
        assert!(connection.prepare("SELECT * FROM two").is_err());
        opened(&mut connection, &[ONE, TWO]).expect("version 2");
    }

    #[test]
    fn a_newer_file_is_refused() {
        let mut connection = old();
        connection.pragma_update(None, "user_version", 3).expect("a version");
        let error = opened(&mut connection, &[ONE, TWO]).expect_err("it is newer");
        assert!(error.to_string().contains("is of version 3"), "{error:#}");
    }
}
