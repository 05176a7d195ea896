//! `frontgate store`: the status of the database, the version of its tables, and the move from SQLite to Postgres.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use frontgate_config::Config;
use frontgate_delivery::store::recover;
use frontgate_store::maintenance::{self, ServerStatus, Status};

use super::say;

/// Age of a transaction from which it slows down the queue noticeably.
const OLD_TRANSACTION_SECONDS: u64 = 60;

/// Connections that a gateway opens besides its writers and readers: one each for its beat, for notifications and for an
/// operator's command.
const OTHER_CONNECTIONS: usize = 3;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the database and what it guarantees
    Status,
    /// Create or migrate the tables on Postgres
    ///
    /// Gateways do this themselves when they start, unless store.upgrade is "manual".
    Upgrade,
    /// Copy all rows of a SQLite file into the empty database on Postgres that store.url names
    ///
    /// Stop the gateway first. The file is not changed.
    Copy {
        /// URL of the file, such as sqlite:data/frontgate.db
        #[arg(long)]
        from: String,
    },
}

pub(super) fn store(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    let config = Config::load_unchecked(config).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    match command {
        Command::Status => match maintenance::status(&config.store)? {
            Status::Sqlite { path, bytes } => {
                say!("SQLite file {path}, {bytes} bytes");
                say!("only one gateway can use it");
            }
            Status::Postgres(status) => show(&config, &status),
        },
        Command::Upgrade => {
            let version = maintenance::upgrade(&config.store)?;
            say!("tables have version {version}");
        }
        Command::Copy { from } => {
            let path = from.strip_prefix("sqlite:").map(PathBuf::from);
            let path = path.context("--from needs the URL of a SQLite file, such as sqlite:data/frontgate.db")?;
            for (table, rows) in maintenance::copy(&path, &config.store, recover)? {
                say!("{table}: {rows} rows");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(config: &Config, status: &ServerStatus) {
    let ServerStatus { address, version, tables, known_tables, .. } = status;
    say!("Postgres {version} at {address}");
    match (*tables, *known_tables) {
        (0, _) => say!("no tables yet: the first gateway creates them, or `frontgate store upgrade`"),
        (tables, known) if tables < known => say!("tables have version {tables}; this program migrates to {known}"),
        (tables, known) if tables > known => say!("tables have version {tables}, newer than this program's {known}"),
        (tables, _) => say!("tables have version {tables}"),
    }
    match (status.standbys, status.synchronous_standbys.as_str()) {
        (0, _) => say!("acknowledged events survive a crash of the server, but not the loss of its disk: no standby"),
        (standbys, "") => {
            say!("{standbys} standbys do not confirm commits: a failover loses the last acknowledged events");
            say!("    set synchronous_standby_names on the server");
        }
        (_, names) => say!("commits are confirmed by standbys ({names}): a failover loses nothing"),
    }
    let [used, most] = status.connections;
    let each = config.store.connections_max + config.store.readers_max + OTHER_CONNECTIONS;
    say!("{used} of {most} connections are in use; each gateway opens up to {each}");
    let (apart, direction) =
        (status.clock_ahead_ms.unsigned_abs(), if status.clock_ahead_ms < 0 { "behind" } else { "ahead of" });
    say!("round trip {} us, clock {apart} ms {direction} this machine's", status.round_trip.as_micros());
    let oldest = status.oldest_transaction.as_secs();
    if oldest >= OLD_TRANSACTION_SECONDS {
        say!("! a transaction is open for {oldest} s, which slows down the queue; find it in pg_stat_activity");
    }
}
