//! Postgres for the tests: installs the server, and selects the tests that run on both engines.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::tools::{add, found};

/// Arguments that select the tests that run once more with Postgres: those of what is stored and delivered. Three tests
/// are about the SQLite file.
pub(crate) const AGAIN: [&str; 27] = [
    "actions::",
    "channel_calls::",
    "channel_crash::",
    "channel_decisions::",
    "channel_hangs::",
    "channel_health::",
    "channel_limits::",
    "channels::",
    "crash::",
    "customer_index::",
    "customer_sync::",
    "delivery::",
    "front_oauth::",
    "state::",
    "state_crash::",
    "voice::",
    "whatsapp::",
    // The same pages, in a browser.
    "--skip",
    "front_oauth::browser",
    "--skip",
    "two_gateways_cannot_share_a_store",
    "--skip",
    "a_store_of_the_previous_version_is_migrated",
    "--skip",
    "failed_commits_are_not_acknowledged",
    // On Postgres, the first commits of the index happen before the gateway accepts requests.
    "--skip",
    "the_index_is_complete_after_a_crash_at_any_commit",
];

/// Installs what is missing. The tests start their own servers, on other ports than the packages' services.
pub(crate) fn install() -> Result<()> {
    if !Path::new("/usr/lib/postgresql").is_dir() && !found("initdb") {
        ensure!(found("apt-get"), "the tests need PostgreSQL; install it so that `initdb` is in PATH");
        add(&["postgresql"])?;
    }
    if !found("pgbouncer") && !Path::new("/usr/sbin/pgbouncer").is_file() && add(&["pgbouncer"]).is_err() {
        println!("PgBouncer could not be installed; its test is skipped");
    }
    Ok(())
}
