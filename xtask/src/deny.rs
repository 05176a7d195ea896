//! `cargo xtask deny`: checks packages, licences, sources and known vulnerabilities against `deny.toml`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::fuzz;
use crate::tools::{execute, installed, root};

/// Time limit for fetching the advisory database, in seconds.
const FETCH_SECONDS: &str = "60";

/// Checks both workspaces. Advisories are checked only for this one, because the fuzz targets link the same packages.
pub(crate) fn deny() -> Result<()> {
    let program = installed("cargo-deny", "0.20.2", &["--no-default-features"])?;
    fuzz::lock()?;
    // Duplicates of this workspace appear again among the packages of the fuzz targets.
    for (manifest, duplicates) in [("Cargo.toml", "--warn"), ("fuzz/Cargo.toml", "--allow")] {
        let mut check = with_rules(Command::new(&program), manifest);
        check.args(["check", "--hide-inclusion-graph", duplicates, "duplicate", "bans", "licenses", "sources"]);
        execute(&mut check)?;
    }
    advisories(&program)
}

/// Checks RustSec advisories. If the database is unreachable, skips the check with a message.
fn advisories(program: &Path) -> Result<()> {
    let mut fetch = Command::new("timeout");
    fetch.arg(FETCH_SECONDS).arg(program);
    let fetched = with_rules(fetch, "Cargo.toml").args(["fetch", "db"]).output()?;
    if !fetched.status.success() {
        println!("\nadvisories: skipped: database not reachable (https://github.com/RustSec/advisory-db)");
        return Ok(());
    }
    execute(with_rules(Command::new(program), "Cargo.toml").args(["check", "--hide-inclusion-graph", "advisories"]))
}

fn with_rules(mut command: Command, manifest: &str) -> Command {
    command.args(["--color", "never", "--manifest-path", manifest, "--config", "deny.toml"]).current_dir(root());
    command
}
