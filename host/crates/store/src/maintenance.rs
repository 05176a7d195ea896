//! Operators' commands about the database as a whole: its status, the version of its tables, and the move from SQLite to
//! Postgres.

mod copy;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

pub use self::copy::copy;
use super::postgres::{self, Server, Session};
use super::settings::{Location, Settings};
use super::sql::Transaction;
use super::{now_ms, sqlite, values};

/// What `frontgate store status` shows.
#[derive(Debug, Clone)]
pub enum Status {
    /// A SQLite file.
    Sqlite {
        /// Path of the file.
        path: String,
        /// Size in bytes, without the write-ahead log.
        bytes: u64,
    },
    /// A Postgres server.
    Postgres(Box<ServerStatus>),
}

/// The state of a Postgres server.
#[derive(Debug, Clone)]
pub struct ServerStatus {
    /// Hosts and database.
    pub address: String,
    /// Version, such as `15.4`.
    pub version: String,
    /// Version of the tables; 0 if there are none.
    pub tables: usize,
    /// Version of the tables that this program knows.
    pub known_tables: usize,
    /// Time of one round trip.
    pub round_trip: Duration,
    /// Milliseconds by which the server's clock is ahead of this machine's.
    pub clock_ahead_ms: i64,
    /// Number of connected standbys.
    pub standbys: i64,
    /// The standbys that confirm each commit; empty if none does.
    pub synchronous_standbys: String,
    /// Connections of all programs, and the server's limit.
    pub connections: [i64; 2],
    /// Age of the oldest open transaction of any program. A long one slows down the queue.
    pub oldest_transaction: Duration,
}

/// Returns the status of the database.
///
/// # Errors
///
/// Fails if the database cannot be opened, or if its server lacks something that the gateway needs.
pub fn status(settings: &Settings) -> anyhow::Result<Status> {
    let path = match settings.location()? {
        Location::Sqlite(path) => path,
        Location::Postgres => return server_status(settings).map(|status| Status::Postgres(Box::new(status))),
    };
    sqlite::schema::open_shared(path)?;
    let bytes = std::fs::metadata(path).with_context(|| format!("failed to read {}", path.display()))?.len();
    Ok(Status::Sqlite { path: path.display().to_string(), bytes })
}

fn server_status(settings: &Settings) -> anyhow::Result<ServerStatus> {
    let (server, session) = open(settings)?;
    let durability = postgres::schema::test(&session, &server)
        .with_context(|| format!("database {} cannot be used", server.display()))?;
    let read = Transaction::postgres(&session, 0);
    let began = Instant::now();
    let server_ms: i64 =
        read.value("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)", values![])?;
    let round_trip = began.elapsed();
    let used: i64 =
        read.value("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'", values![])?;
    let most: i64 = read.value("SELECT CAST(current_setting('max_connections') AS bigint)", values![])?;
    let oldest: i64 = read.value(
        "SELECT CAST(coalesce(max(extract(epoch FROM now() - xact_start)), 0) AS bigint) FROM pg_stat_activity
         WHERE datname = current_database()",
        values![],
    )?;
    let [tables, known_tables] = postgres::schema::versions(&session)?;
    Ok(ServerStatus {
        address: server.display(),
        version: durability.server,
        tables,
        known_tables,
        round_trip,
        clock_ahead_ms: server_ms - now_ms().cast_signed(),
        standbys: durability.standbys,
        synchronous_standbys: durability.synchronous_standbys,
        connections: [used, most],
        oldest_transaction: Duration::from_secs(u64::try_from(oldest).unwrap_or_default()),
    })
}

/// Creates or migrates the tables of a Postgres server; returns their version.
///
/// # Errors
///
/// Fails if the server cannot be used, or if the database is a SQLite file, which the gateway migrates itself.
pub fn upgrade(settings: &Settings) -> anyhow::Result<usize> {
    ensure!(settings.is_shared(), "store.url is a SQLite file, which the gateway migrates when it starts");
    let (server, session) = open(settings)?;
    let shown = server.display();
    postgres::schema::test(&session, &server).with_context(|| format!("database {shown} cannot be used"))?;
    postgres::schema::migrate(&session, &server).with_context(|| format!("failed to migrate database {shown}"))?;
    Ok(postgres::schema::versions(&session)?[0])
}

fn open(settings: &Settings) -> anyhow::Result<(Arc<Server>, Session)> {
    let server = Arc::new(Server::new(settings)?);
    let session = Session::open(&server).with_context(|| format!("failed to open database {}", server.display()))?;
    Ok((server, session))
}
