//! `frontgate reload`: reloads the running gateway and prints the receipts.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use frontgate_config::Config;
use frontgate_runtime::receipt::Receipt;

use super::format::plain;
use super::{client, say};
use crate::service::admin_api::{CommandBody, CommandResult};

const NOT_LIVE: u8 = 1;
const COULD_NOT_ASK: u8 = 2;

pub(super) fn reload(config: &Path) -> ExitCode {
    match Config::load_unchecked(config) {
        Ok(config) => reload_with(&config),
        Err(faults) => {
            say!("{faults}");
            ExitCode::from(COULD_NOT_ASK)
        }
    }
}

/// Reloads with a configuration that has already been read.
pub(super) fn reload_with(config: &Config) -> ExitCode {
    match client::command(config, "/reload", &CommandBody::default()) {
        Ok(Ok(answer)) => show(&answer),
        Ok(Err(refusal)) => {
            say!("{refusal}");
            ExitCode::from(NOT_LIVE)
        }
        Err(error) => {
            say!("{error:#}");
            ExitCode::from(COULD_NOT_ASK)
        }
    }
}

/// Prints the receipts of the reload, and of files that are still not live.
fn show(CommandResult { configuration, plugins }: &CommandResult) -> ExitCode {
    let kept = configuration.as_ref().is_some_and(print_configuration);
    for receipt in &plugins.receipts {
        print(receipt);
    }
    let known = |receipt: &&Receipt| !plugins.receipts.iter().any(|shown| shown.id == receipt.id);
    for receipt in plugins.standing.iter().filter(known) {
        print(receipt);
    }
    if plugins.receipts.is_empty() && plugins.standing.is_empty() {
        say!("no plugin changed; every file in the folder is live");
    }
    if kept || !plugins.standing.is_empty() { ExitCode::from(NOT_LIVE) } else { ExitCode::SUCCESS }
}

/// Prints the configuration's receipt. Returns whether the configuration was rejected.
fn print_configuration(receipt: &frontgate_config::receipt::Receipt) -> bool {
    let changes = if receipt.changes.is_empty() { "no changes".into() } else { receipt.changes.join(", ") };
    say!("configuration  {}  {} ms  {changes}", receipt.outcome.name(), receipt.duration_ms);
    let reason = receipt.outcome.reason();
    for line in reason.unwrap_or_default().lines() {
        say!("    {}", plain(line));
    }
    reason.is_some()
}

/// Prints one receipt: one line, with the reason and the changes below.
pub(super) fn print(receipt: &Receipt) {
    print_of(None, receipt);
}

/// Prints a receipt of a replica.
pub(super) fn print_of(replica: Option<&str>, receipt: &Receipt) {
    let Receipt { plugin, outcome, before, after, changes, duration_ms, .. } = receipt;
    let time = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(receipt.time_ms));
    let short = |digest: &Option<_>| {
        digest.as_ref().map_or_else(|| "none".to_owned(), frontgate_contract::digest::Digest::short)
    };
    let now = if before == after { short(after) } else { format!("{} -> {}", short(before), short(after)) };
    let place = replica.map(|replica| format!("  {}", plain(replica))).unwrap_or_default();
    say!("{}  {time}{place}  {plugin}  {}  {now}  {duration_ms} ms", receipt.short_id(), outcome.name());
    if let Some(reason) = outcome.reason() {
        let tried = receipt.digest.filter(|digest| Some(*digest) != *after);
        let tried = tried.map(|digest| format!("{}: ", digest.short())).unwrap_or_default();
        say!("    {}", plain(&format!("{tried}{reason}")));
    }
    let changes = changes.to_string();
    if !changes.is_empty() {
        say!("    {}", plain(&changes));
    }
}
