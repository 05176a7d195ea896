//! Schema: opens the database file, locks it, and migrates its tables.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use frontgate_system::ownership::Folder;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// The tables of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tables {
    /// Everything but customers.
    Gateway,
    /// The customer index, a copy that can be rebuilt.
    Customers,
    /// Facts of requests for the console, which may be lost.
    Journal,
}

impl Tables {
    /// Returns the file with these tables. `path` is that of the settings.
    pub(crate) fn file(self, path: &Path) -> PathBuf {
        match self {
            Self::Gateway | Self::Journal => path.to_owned(),
            Self::Customers => path.with_extension("customers.db"),
        }
    }

    fn migrations(self) -> &'static [&'static str] {
        match self {
            Self::Gateway => &MIGRATIONS,
            Self::Customers => &[include_str!("../schema/sqlite/customers/1-customers.sql")],
            Self::Journal => &[include_str!("../schema/sqlite/journal/1-journal.sql")],
        }
    }
}

/// The migration to each version. The file stores its version (`user_version`); newer files are rejected.
const MIGRATIONS: [&str; 15] = [
    include_str!("../schema/sqlite/1-deliveries.sql"),
    include_str!("../schema/sqlite/2-state.sql"),
    include_str!("../schema/sqlite/3-front.sql"),
    include_str!("../schema/sqlite/4-shares.sql"),
    include_str!("../schema/sqlite/5-replicas.sql"),
    include_str!("../schema/sqlite/6-calls.sql"),
    include_str!("../schema/sqlite/7-turns.sql"),
    include_str!("../schema/sqlite/8-oauth.sql"),
    include_str!("../schema/sqlite/9-channel-health.sql"),
    include_str!("../schema/sqlite/10-templates.sql"),
    include_str!("../schema/sqlite/11-front-oauth.sql"),
    include_str!("../schema/sqlite/12-actions.sql"),
    include_str!("../schema/sqlite/13-front-oauth-address.sql"),
    include_str!("../schema/sqlite/14-console-access.sql"),
    include_str!("../schema/sqlite/15-delivery-groups.sql"),
];

/// Maximum wait for the previous gateway to release the lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Maximum number of compiled statements that a connection keeps.
const STATEMENTS_MAX: usize = 256;

/// Maximum time for which the gateway and operators' commands wait for each other.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const BUSY_PAUSE: Duration = Duration::from_millis(1);

/// Opens, creates or migrates the file for this process alone. The returned file holds the lock until dropped.
pub(crate) fn open_exclusive(path: &Path, tables: Tables) -> anyhow::Result<(Connection, File)> {
    let shown = path.display();
    if let Some(folder) = path.parent() {
        // The folder contains customers' data: only this user may read it.
        let created = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        created.with_context(|| format!("failed to create the folder {}", folder.display()))?;
        Folder::shared(folder).with_context(|| format!("failed to open the folder of {shown}"))?;
    }
    let lock = lock(path)?;
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).mode(0o600).open(path);
    drop(file.with_context(|| format!("failed to open {shown}"))?);
    let mut connection = Connection::open(path).with_context(|| format!("failed to open {shown}"))?;
    configure(&connection).with_context(|| format!("failed to open {shown}"))?;
    let transaction = connection.transaction()?;
    migrate(&transaction, tables.migrations()).with_context(|| format!("failed to migrate {shown}"))?;
    transaction.commit()?;
    Ok((connection, lock))
}

/// Opens an existing file for an operator's command, whether or not a gateway is running.
///
/// # Errors
///
/// Fails if the file does not exist or is of another version.
pub(crate) fn open_shared(path: &Path) -> anyhow::Result<Connection> {
    let shown = path.display();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags);
    let mut connection =
        connection.with_context(|| format!("failed to open database {shown}; start the gateway to create the file"))?;
    configure(&connection).with_context(|| format!("failed to open {shown}"))?;
    // A busy gateway releases the lock only briefly; SQLite's growing pauses would miss these moments.
    connection.busy_handler(Some(retry_busy)).with_context(|| format!("failed to open {shown}"))?;
    match version(&connection)? {
        known if known == MIGRATIONS.len() => Ok(connection),
        older if older < MIGRATIONS.len() => {
            bail!(
                "database {shown} has schema version {older}; start the gateway to migrate to version {}",
                MIGRATIONS.len()
            )
        }
        newer => bail!(
            "database {shown} has schema version {newer}, newer than the supported {}; run the newer frontgate",
            MIGRATIONS.len()
        ),
    }
}

/// Returns whether an operator's command tries the locked database again, after a short pause.
fn retry_busy(tries: i32) -> bool {
    thread::sleep(BUSY_PAUSE);
    BUSY_PAUSE.saturating_mul(u32::try_from(tries).unwrap_or_default()) < BUSY_TIMEOUT
}

/// Opens the file for reading, concurrently with the writer thread.
pub(crate) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    keep_statements(&connection)?;
    Ok(connection)
}

/// Moves the pages of the log into the file, and empties the log.
pub(crate) fn checkpoint(path: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Runs the migrations that a file lacks.
fn migrate(transaction: &Transaction<'_>, migrations: &[&str]) -> anyhow::Result<()> {
    let had = version(transaction)?;
    let Some(left) = migrations.get(had..) else {
        bail!("schema version {had} is newer than the supported {}; run the newer gateway", migrations.len());
    };
    for (migration, version) in left.iter().zip(had + 1..) {
        transaction
            .execute_batch(migration)
            .with_context(|| format!("failed to migrate the tables to version {version}"))?;
        transaction.pragma_update(None, "user_version", i64::try_from(version)?)?;
    }
    Ok(())
}

/// Sets the pragmas of a connection that writes.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // Acknowledged writes must survive a power cut.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "secure_delete", "on")?;
    keep_statements(connection)
}

/// Keeps compiled statements. Without the stability guarantee, SQLite compiles a statement again for each new value that
/// it compares with a column in the condition of a partial index, such as `kind`.
fn keep_statements(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn version(connection: &Connection) -> anyhow::Result<usize> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    usize::try_from(version).context("invalid schema version")
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let path = path.with_extension("lock");
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
    let file = file.with_context(|| format!("failed to open {}", path.display()))?;
    let until = Instant::now() + LOCK_PATIENCE;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK) if Instant::now() < until => thread::sleep(LOCK_PAUSE),
            Err(Errno::WOULDBLOCK) => {
                bail!("{} is locked by another gateway; stop it, or set another store.url", path.display())
            }
            Err(error) => return Err(error).with_context(|| format!("failed to lock {}", path.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    const ONE: &str = "CREATE TABLE one (a INTEGER)";
    const TWO: &str = "CREATE TABLE two (b INTEGER); INSERT INTO two SELECT a FROM one";
    const BROKEN: &str = "CREATE TABLE two (b INTEGER); INSERT INTO nowhere VALUES (1)";

    /// Migrates in the same way as `open_exclusive`.
    fn opened(connection: &mut Connection, steps: &[&str]) -> anyhow::Result<()> {
        let transaction = connection.transaction()?;
        migrate(&transaction, steps)?;
        Ok(transaction.commit()?)
    }

    fn old() -> Connection {
        let mut connection = Connection::open_in_memory().expect("a database");
        opened(&mut connection, &[ONE]).expect("version 1");
        connection.execute("INSERT INTO one VALUES (7)", []).expect("a row");
        connection
    }

    #[test]
    fn an_older_file_is_migrated_and_keeps_its_rows() {
        let mut connection = old();
        opened(&mut connection, &[ONE, TWO]).expect("version 2");
        let kept: i64 = connection.query_row("SELECT b FROM two", [], |row| row.get(0)).expect("the row");
        assert_eq!((kept, version(&connection).expect("a version")), (7, 2));
        opened(&mut connection, &[ONE, TWO]).expect("no migration is left");
    }

    #[test]
    fn a_failed_migration_leaves_the_file_unchanged() {
        let mut connection = old();
        let error = opened(&mut connection, &[ONE, BROKEN]).expect_err("it is broken");
        assert!(error.to_string().contains("to version 2"), "{error:#}");
        assert_eq!(version(&connection).expect("a version"), 1);
        assert!(connection.prepare("SELECT * FROM two").is_err());
        opened(&mut connection, &[ONE, TWO]).expect("version 2");
    }

    #[test]
    fn a_newer_file_is_rejected() {
        let mut connection = old();
        connection.pragma_update(None, "user_version", 3).expect("a version");
        let error = opened(&mut connection, &[ONE, TWO]).expect_err("it is newer");
        assert!(error.to_string().contains("version 3"), "{error:#}");
    }
    #[test]
    fn a_statement_is_compiled_once_whatever_its_values_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = Connection::open(folder.path().join("test.db")).expect("a database");
        configure(&connection).expect("settings");
        let tables = "CREATE TABLE t (a TEXT, b TEXT); CREATE INDEX i ON t (b) WHERE a = 'x'";
        connection.execute_batch(tables).expect("tables");
        let mut statement = connection.prepare("SELECT b FROM t WHERE a = ?1").expect("a statement");
        for value in ["x", "y", "z"] {
            assert!(!statement.exists([value]).expect("an answer"));
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
