//! `frontgate replicas`: lists the gateways on a database, and retires one whose machine is gone.

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;
use frontgate_audit::Actor;
use frontgate_config::Config;
use frontgate_replicas::admin;

use super::format::{escaped, plain, short, table};
use super::say;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the gateways that share the database on Postgres
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Declare a replica ended whose machine is known to be gone; its deliveries go on at once
    ///
    /// A replica that is still running starts again under a new id, and sends nothing for its old one.
    Retire {
        /// Name or id of the replica
        replica: String,
    },
}

pub(super) fn replicas(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    let config = Config::load_unchecked(config).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    match command {
        Command::List { json } => {
            let all = admin::list(&config.store)?;
            if *json {
                say!("{}", escaped(&all)?);
                return Ok(ExitCode::SUCCESS);
            }
            if all.is_empty() {
                say!("no replica is running");
                return Ok(ExitCode::SUCCESS);
            }
            let own = config.shared_digest();
            // Plugins are compared with those of the oldest replica.
            let first = all.first().map(|replica| replica.plugins.clone()).unwrap_or_default();
            let mut table = table(
                &["ID", "NAME", "STATE", "BEAT", "UPTIME", "VERSION", "CONFIG", "PLUGINS", "LEASES", "KEEPS"],
                &[0, 8],
            );
            for replica in all {
                let differs = if replica.config == own { "" } else { " (differs)" };
                table.add_row([
                    replica.id.to_string(),
                    plain(&replica.name),
                    replica.state,
                    format!("{} ago", short(replica.beat_age_ms)),
                    short(replica.uptime_ms),
                    replica.program,
                    format!("{}{differs}", replica.config),
                    format!("{}{}", replica.plugins.len(), if replica.plugins == first { "" } else { " (differ)" }),
                    replica.leases.to_string(),
                    replica.keeps.join(" "),
                ]);
            }
            table.lines().for_each(|line| say!("{}", line.trim_end()));
        }
        Command::Retire { replica } => {
            let id = admin::retire(&config.store, replica, &Actor::of_command())?;
            say!("replica {id} is declared ended");
        }
    }
    Ok(ExitCode::SUCCESS)
}
