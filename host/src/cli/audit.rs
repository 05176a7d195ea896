//! `frontgate audit`: lists and verifies the record of people's actions.

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;
use frontgate_audit::Filter;
use frontgate_config::Config;

use super::format::{escaped, plain, table, time};
use super::{app, say};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List actions, newest first
    List {
        /// Only by this person
        #[arg(long)]
        who: Option<String>,
        /// Only about this object, such as `delivery 7`
        #[arg(long)]
        object: Option<String>,
        /// Only of this tenant
        #[arg(long)]
        tenant: Option<String>,
        /// Maximum number of actions
        #[arg(long, default_value_t = 50)]
        most: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Verify that no action was changed or removed
    ///
    /// Exits with 0 if all digests match, 1 if not.
    Verify,
}

pub(super) fn audit(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    let config = Config::load_unchecked(config).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    let desk = app::desk(&config)?;
    match command {
        Command::List { who, object, tenant, most, json } => {
            let filter =
                Filter { who: who.clone(), object: object.clone(), tenant: tenant.clone(), ..Filter::default() };
            let actions = desk.actions(&filter, *most)?;
            if *json {
                say!("{}", escaped(&actions)?);
                return Ok(ExitCode::SUCCESS);
            }
            if actions.is_empty() {
                say!("no actions");
                return Ok(ExitCode::SUCCESS);
            }
            let mut table = table(&["TIME", "PERSON", "ROLE", "TENANT", "ACTION", "OBJECT"], &[]);
            for action in &actions {
                let tenant = action.tenant.as_deref().unwrap_or("-");
                let [who, text, object] = [&action.who, &action.text(), &action.object].map(|text| plain(text));
                table.add_row([time(action.time_ms), who, action.role.clone(), tenant.to_owned(), text, object]);
            }
            say!("{table}");
            Ok(ExitCode::SUCCESS)
        }
        Command::Verify => {
            let found = desk.verify_actions()?;
            if found.without_digest > 0 {
                say!("{} actions of earlier versions have no digest", found.without_digest);
            }
            if let Some(row) = found.broken {
                say!("the digest of action {row} does not match: it, or the one before it, was changed or removed");
                return Ok(ExitCode::FAILURE);
            }
            say!("{} actions verified", found.verified);
            Ok(ExitCode::SUCCESS)
        }
    }
}
