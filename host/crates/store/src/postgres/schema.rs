//! Tables: migrations, and what the server must be able to do.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tracing::{info, warn};

use super::session::named_key;
use super::{Server, Session};
use crate::settings::Upgrade;
use crate::sql::Transaction;
use crate::values;

/// The migration to each version.
const MIGRATIONS: [&str; 8] = [
    include_str!("../schema/postgres/1-tables.sql"),
    include_str!("../schema/postgres/2-channel-health.sql"),
    include_str!("../schema/postgres/3-templates.sql"),
    include_str!("../schema/postgres/4-front-oauth.sql"),
    include_str!("../schema/postgres/5-actions.sql"),
    include_str!("../schema/postgres/6-front-oauth-address.sql"),
    include_str!("../schema/postgres/7-console-access.sql"),
    include_str!("../schema/postgres/8-delivery-groups.sql"),
];

/// The number of migrations that this program knows.
#[expect(clippy::cast_possible_wrap, reason = "a small number")]
pub(crate) const VERSION: i64 = MIGRATIONS.len() as i64;

/// The least number of migrations that a program must know to work with the tables of this one.
const OLDEST_PROGRAM: usize = 1;

/// Oldest supported version of the server.
const SERVER_VERSION_MIN: i64 = 140_000;

/// Interval at which a gateway looks whether an operator has upgraded the tables.
const UPGRADE_INTERVAL: Duration = Duration::from_secs(1);

/// The state of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tables {
    Missing,
    /// Tables with this number of migrations; programs must know at least `oldest_program`.
    Version {
        version: usize,
        oldest_program: usize,
    },
}

/// What the server guarantees for acknowledged writes.
#[derive(Debug, Clone)]
pub(crate) struct Durability {
    /// Version of the server, such as `15.4`.
    pub(crate) server: String,
    /// Names of the standbys that confirm each commit; empty if none does.
    pub(crate) synchronous_standbys: String,
    /// Number of connected standbys.
    pub(crate) standbys: i64,
}

/// Connects for the first time: tests the server, and creates or migrates the tables.
///
/// # Errors
///
/// Fails if the server cannot be reached, lacks something that the gateway needs, or has tables of a newer gateway.
pub(crate) fn open(server: &Arc<Server>, upgrade: Upgrade) -> anyhow::Result<()> {
    let shown = server.display();
    let session = Session::open(server).with_context(|| format!("failed to open database {shown}"))?;
    let durability = test(&session, server).with_context(|| format!("database {shown} cannot be used"))?;
    if durability.standbys > 0 && durability.synchronous_standbys.is_empty() {
        warn!(
            event = "store.standbys_asynchronous",
            "database {shown}: its standbys do not confirm commits, so a failover loses the last acknowledged events; \
             set synchronous_standby_names"
        );
    }
    if upgrade == Upgrade::Manual {
        wait_for_upgrade(&session, server)?;
    }
    migrate(&session, server).with_context(|| format!("failed to migrate database {shown}"))
}

/// Checks the version of the tables for an operator's command.
pub(crate) fn check(session: &Session, server: &Server) -> anyhow::Result<()> {
    match tables(session)? {
        Tables::Missing => bail!(
            "database {} has no tables; start the gateway, or run `frontgate store upgrade`, to create them",
            server.display()
        ),
        found => ensure_supported(found)?,
    }
    find_installation(session, server)
}

/// Returns the version of the tables, 0 for none, and the version that this program migrates to.
pub(crate) fn versions(session: &Session) -> anyhow::Result<[usize; 2]> {
    Ok([version(tables(session)?), MIGRATIONS.len()])
}

/// Tests what the server does, not what it is called: some databases accept statements that they do not execute.
pub(crate) fn test(session: &Session, server: &Arc<Server>) -> anyhow::Result<Durability> {
    let read = Transaction::postgres(session, 0);
    let setting =
        |name: &str| -> anyhow::Result<String> { Ok(read.value("SELECT current_setting(?1)", values![name])?) };
    let version: i64 = setting("server_version_num")?.parse().context("unexpected server_version_num")?;
    ensure!(
        version >= SERVER_VERSION_MIN,
        "Postgres {} is too old; use version {} or newer",
        setting("server_version")?,
        SERVER_VERSION_MIN / 10_000
    );
    for (name, harm) in [
        ("fsync", "a power cut could lose acknowledged events or the whole database"),
        ("full_page_writes", "a power cut could damage the database"),
    ] {
        ensure!(setting(name)? != "off", "setting {name} is off: {harm}; turn it on");
    }
    let encoding = setting("server_encoding")?;
    ensure!(encoding == "UTF8", "its encoding is {encoding}; create the database with ENCODING 'UTF8'");
    let other = Session::open(server)?;
    test_locks(session, &other)?;
    Ok(Durability {
        server: setting("server_version")?,
        synchronous_standbys: setting("synchronous_standby_names")?,
        standbys: read.value("SELECT count(*) FROM pg_stat_replication", values![])?,
    })
}

/// Checks that a lock of one session excludes another session.
fn test_locks(session: &Session, other: &Session) -> anyhow::Result<()> {
    let key = getrandom::u64().context("no random number")?.cast_signed();
    session.batch("BEGIN")?;
    let lock = Transaction::postgres(session, 0);
    lock.row("SELECT pg_advisory_xact_lock(?1)", values![key], |_| Ok(()))?;
    let is_free: bool = Transaction::postgres(other, 0).value("SELECT pg_try_advisory_xact_lock(?1)", values![key])?;
    session.roll_back();
    ensure!(
        !is_free,
        "its advisory locks exclude no other session, but the order of conversations needs them; use PostgreSQL, or a \
         compatible database with working advisory locks"
    );
    Ok(())
}

/// Waits until an operator has upgraded the tables.
fn wait_for_upgrade(session: &Session, server: &Server) -> anyhow::Result<()> {
    let mut is_told = false;
    while version(tables(session)?) < MIGRATIONS.len() {
        if !is_told {
            warn!(
                event = "store.upgrade_awaited",
                "database {} has older tables; run `frontgate store upgrade`, which store.upgrade = \"manual\" leaves \
                 to you",
                server.display()
            );
        }
        is_told = true;
        thread::sleep(UPGRADE_INTERVAL);
    }
    Ok(())
}

/// Runs the migrations that the database lacks. Gateways that start at the same time wait for each other.
pub(crate) fn migrate(session: &Session, server: &Server) -> anyhow::Result<()> {
    let found = tables(session)?;
    ensure_supported(found)?;
    if version(found) < MIGRATIONS.len() {
        session.batch("BEGIN")?;
        let migrated = migrate_under_lock(session);
        let ended = session.batch(if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" });
        let version = migrated?;
        ended?;
        info!(event = "store.migrated", version, "tables of {} migrated to version {version}", server.display());
    }
    find_installation(session, server)
}

fn migrate_under_lock(session: &Session) -> anyhow::Result<usize> {
    let transaction = Transaction::postgres(session, 0);
    let key = named_key("schema", "");
    transaction.row("SELECT pg_advisory_xact_lock(?1)", values![key], |_| Ok(()))?;
    // Another gateway may have migrated meanwhile.
    let had = version(tables(session)?);
    for (migration, version) in MIGRATIONS.iter().skip(had).zip(had + 1..) {
        session.batch(migration).with_context(|| format!("failed to migrate the tables to version {version}"))?;
    }
    let values = values![i64::try_from(MIGRATIONS.len())?, i64::try_from(OLDEST_PROGRAM)?];
    transaction.execute(
        "INSERT INTO installation (version, oldest_program) VALUES (?1, ?2)
         ON CONFLICT (only_one) DO UPDATE
         SET version = greatest(installation.version, excluded.version), oldest_program = excluded.oldest_program",
        values,
    )?;
    Ok(MIGRATIONS.len())
}

fn find_installation(session: &Session, server: &Server) -> anyhow::Result<()> {
    let id = Transaction::postgres(session, 0).value("SELECT id::text FROM installation", values![])?;
    server.set_installation(id);
    Ok(())
}

fn tables(session: &Session) -> anyhow::Result<Tables> {
    let read = Transaction::postgres(session, 0);
    if !read.value::<bool>("SELECT to_regclass('installation') IS NOT NULL", values![])? {
        return Ok(Tables::Missing);
    }
    let select = "SELECT version, oldest_program FROM installation";
    let found = read.row(select, values![], |row| Ok((row.get::<u64>(0)?, row.get::<u64>(1)?)))?;
    let Some((version, oldest)) = found else { return Ok(Tables::Missing) };
    Ok(Tables::Version { version: usize::try_from(version)?, oldest_program: usize::try_from(oldest)? })
}

fn version(tables: Tables) -> usize {
    match tables {
        Tables::Missing => 0,
        Tables::Version { version, .. } => version,
    }
}

/// Checks that this program may work with the tables. Newer tables are fine unless they exclude older programs.
fn ensure_supported(tables: Tables) -> anyhow::Result<()> {
    if let Tables::Version { version, oldest_program } = tables {
        ensure!(
            oldest_program <= MIGRATIONS.len(),
            "schema version {version} needs a gateway that knows version {oldest_program}, newer than the supported \
             {}; run the newer gateway",
            MIGRATIONS.len()
        );
    }
    Ok(())
}
