//! `frontgate deliveries retry --why` and `cancel --why`: the running gateway changes all deliveries of a group.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use frontgate_config::Config;
use frontgate_delivery::job::State;
use serde_json::Value;

use super::deliveries::state;
use super::format::plain;
use super::{client, say};
use crate::console::bulk_commands::BulkCommand;
use crate::service::console_api::ProgressCommand;

/// The states of deliveries that are not finished, the default of `--state`.
const OPEN: [State; 3] = [State::Ready, State::Unknown, State::Dead];

/// Pause between two questions about the progress.
const PAUSE: Duration = Duration::from_millis(100);

/// Deliveries that are changed together.
#[derive(Debug, Args)]
pub(super) struct Group {
    /// All deliveries with this reason, as `deliveries groups` prints it
    #[arg(long, value_name = "REASON")]
    why: Option<String>,
    /// Only of this tenant
    #[arg(long)]
    tenant: Option<String>,
    /// Only in this state; may be repeated; by default ready, unknown and dead
    #[arg(long, value_parser = state)]
    state: Vec<State>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Shows what the change would do, asks, and has the gateway change the deliveries.
pub(super) fn change(config: &Config, change: &str, group: &Group) -> anyhow::Result<ExitCode> {
    if let Some(tenant) = &group.tenant {
        ensure!(config.tenants.contains_key(tenant), "tenant `{tenant}` is not in the configuration");
    }
    let preview = send(config, &command(change, group, None))?;
    let total = print(&preview)?;
    if total == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    if !group.yes && !is_confirmed(change, total)? {
        say!("nothing changed");
        return Ok(ExitCode::FAILURE);
    }
    let started = send(config, &command(change, group, Some(total)))?;
    let Some(id) = started["id"].as_u64() else {
        bail!("the number has changed from {total} to {}; run the command again", started["total"]);
    };
    loop {
        let progress = ask(config, "bulk-progress", &serde_json::to_value(ProgressCommand { id })?)?;
        if progress["is_finished"] == true {
            return report(&progress);
        }
        thread::sleep(PAUSE);
    }
}

fn command(change: &str, group: &Group, confirmed: Option<u64>) -> BulkCommand {
    let states = if group.state.is_empty() { &OPEN[..] } else { &group.state };
    BulkCommand {
        change: change.to_owned(),
        states: states.iter().map(|state| state.name().to_owned()).collect(),
        tenant: group.tenant.clone(),
        // The list prints this for deliveries without a reason.
        why: group.why.as_deref().map(|why| if why == super::deliveries::NOT_TRIED { "" } else { why }.to_owned()),
        confirmed,
    }
}

fn send(config: &Config, command: &BulkCommand) -> anyhow::Result<Value> {
    ask(config, "bulk", &serde_json::to_value(command)?)
}

fn ask(config: &Config, name: &str, body: &Value) -> anyhow::Result<Value> {
    match client::console(config, name, body)? {
        Ok(answer) => Ok(answer),
        Err(reason) => bail!("{reason}"),
    }
}

/// Prints a preview, and returns the number of deliveries that would change.
fn print(preview: &Value) -> anyhow::Result<u64> {
    let total = preview["total"].as_u64().context("the gateway's answer has no preview")?;
    let counts = |name: &str| preview[name].as_object().cloned().unwrap_or_default();
    say!("{total} deliveries would change");
    for (state, count) in counts("after") {
        say!("  {count}: {}", plain(&state));
    }
    if preview["waiting"].as_u64().is_some_and(|waiting| waiting > 0) {
        say!("  {} of them wait for an earlier delivery of their conversation", preview["waiting"]);
    }
    for (state, count) in counts("rejected") {
        say!("{count} in state {} cannot be changed", plain(&state));
    }
    if preview["is_limited"] == true {
        say!("more deliveries match; one command changes at most console.bulk_max");
    }
    Ok(total)
}

fn is_confirmed(change: &str, total: u64) -> anyhow::Result<bool> {
    ensure!(io::stdin().is_terminal(), "add --yes to {change} {total} deliveries without a question");
    let mut output = io::stderr();
    write!(output, "{change} {total} deliveries? [y/N] ")?;
    output.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn report(progress: &Value) -> anyhow::Result<ExitCode> {
    say!("{} changed, {} could not be changed", progress["changed"], progress["rejected"]);
    if let Some(error) = progress["error"].as_str() {
        bail!("{error}");
    }
    if progress["is_stopped"] == true {
        say!("stopped in the console");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
