//! `frontgate channels`: lists, shows and disconnects channels of Front apps.
#![expect(clippy::print_stderr, reason = "a prompt is not output")]

mod create;
mod templates;

use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use frontgate_config::Config;
use frontgate_delivery::store::front::ChannelState;
use frontgate_delivery::store::queue_admin::{ChannelDetails, ChannelFilter, ChannelSummary, QueueAdmin};
use frontgate_store::millis;
use serde::Serialize;
use serde_json::Value;

use super::format::{escaped, plain, short, table, time};
use super::{app, client, say};
use crate::service::channels_api::ChannelCommand;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List channels, without their addresses, which are secret
    List {
        #[command(flatten)]
        only: Only,
        /// Include removed channels
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a channel with its addresses, stored data and pending deliveries
    Show {
        /// `cha_...`, or the key in the channel's address
        channel: String,
        #[command(flatten)]
        only: Only,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the templates of a channel's provider, and whether Front has each as it was listed
    ///
    /// The list is the one that the gateway stored last: it asks the plugin every `templates_interval_ms`.
    Templates {
        /// `cha_...`, or the key in the channel's address
        channel: String,
        #[command(flatten)]
        only: Only,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Create a channel of an app in Front, and wait until it is connected
    Create(create::Arguments),
    /// Replace a channel's credential with one that the provider accepts; ids, addresses and conversations stay
    ///
    /// The running gateway has the plugin connect the channel with the new credential, and checks it. Front keeps the
    /// credential that the admin entered, and uses it when the admin connects the channel again. If the app has a
    /// sign-in (OAuth), an admin signs in again in Front instead.
    Reauthorize {
        /// `cha_...`, or the key in the channel's address
        channel: String,
        #[command(flatten)]
        only: Only,
        /// File with the new credential
        #[arg(long, value_name = "FILE")]
        credential_file: PathBuf,
    },
    /// Ask a channel's provider whether it answers and accepts the credential; exits with 1 if not
    ///
    /// The running gateway asks. It shows the result in Front within seconds.
    Check {
        /// `cha_...`, or the key in the channel's address; all connected channels if absent
        channel: Option<String>,
        #[command(flatten)]
        only: Only,
    },
    /// Remove a channel: disable its addresses, notify its plugin, show the channel as offline in Front
    ///
    /// An admin of Front can connect the channel again; it then gets new addresses.
    Disconnect {
        /// `cha_...`, or the key in the channel's address
        channel: String,
        #[command(flatten)]
        only: Only,
        /// Skip the confirmation
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct Only {
    /// Only channels of this tenant
    #[arg(long)]
    tenant: Option<String>,
    /// Only channels of this app, by its name in the configuration
    #[arg(long)]
    app: Option<String>,
}

pub(super) fn channels(file: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    let config = Config::load_unchecked(file).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    let mut desk = app::desk(&config)?;
    match command {
        Command::List { only, all, json } => {
            let filter = only.filter(&config, &desk)?;
            list(&desk.channels(filter, *all)?, *json)?;
        }
        Command::Show { channel, only, json } => {
            let line = desk.channel(channel, only.filter(&config, &desk)?)?;
            show(&config, desk.channel_details(line)?, *json)?;
        }
        Command::Templates { channel, only, json } => {
            let line = desk.channel(channel, only.filter(&config, &desk)?)?;
            templates::list(&desk.templates(&line)?, *json)?;
        }
        Command::Create(arguments) => return create::create(file, arguments),
        Command::Reauthorize { channel, only, credential_file } => {
            let line = desk.channel(channel, only.filter(&config, &desk)?)?;
            let credential = create::secret(credential_file)?;
            let command = ChannelCommand::of(&line, Some(credential.to_string()));
            return ask(&config, "reauthorize", &[(&line, command)]);
        }
        Command::Check { channel, only } => {
            let filter = only.filter(&config, &desk)?;
            let lines = match channel {
                Some(channel) => vec![desk.channel(channel, filter)?],
                None => desk.channels(filter, false)?,
            };
            let commands: Vec<_> = lines.iter().map(|line| (line, ChannelCommand::of(line, None))).collect();
            return ask(&config, "check", &commands);
        }
        Command::Disconnect { channel, only, yes } => {
            let line = desk.channel(channel, only.filter(&config, &desk)?)?;
            let name = plain(&line.channel);
            if line.state == ChannelState::Removed {
                bail!("channel {name} was already removed at {}", time(line.since_ms));
            }
            confirm(&line, *yes)?;
            let delivery = desk.disconnect(&line)?;
            say!("{name} removed; delivery {delivery} notifies its plugin and Front");
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Only {
    /// Creates the filter. An unknown name is an error, because it would match nothing.
    fn filter(&self, config: &Config, desk: &QueueAdmin) -> anyhow::Result<ChannelFilter<'_>> {
        let stored = desk.channels(ChannelFilter::default(), true)?;
        let mut tenants: Vec<&str> = config.tenants.keys().map(String::as_str).collect();
        tenants.extend(stored.iter().map(|line| line.tenant.as_str()));
        known("tenant", self.tenant.as_deref(), tenants)?;
        let mut apps: Vec<&str> =
            config.tenants.values().flat_map(|tenant| tenant.front.keys()).map(|app| &**app).collect();
        apps.extend(stored.iter().map(|line| line.app.as_str()));
        known("Front app", self.app.as_deref(), apps)?;
        Ok(ChannelFilter { tenant: self.tenant.as_deref(), app: self.app.as_deref() })
    }
}

fn known(what: &str, name: Option<&str>, mut names: Vec<&str>) -> anyhow::Result<()> {
    let Some(name) = name else { return Ok(()) };
    names.sort_unstable();
    names.dedup();
    ensure!(names.contains(&name), "unknown {what} `{name}`; known: {}", names.join(", "));
    Ok(())
}

fn list(lines: &[ChannelSummary], json: bool) -> anyhow::Result<()> {
    if json {
        say!("{}", escaped(&lines)?);
        return Ok(());
    }
    if lines.is_empty() {
        say!("no channels");
        return Ok(());
    }
    let mut table =
        table(&["TENANT", "APP", "CHANNEL", "STATE", "HEALTH", "SINCE", "TO PROVIDER", "TO FRONT"], &[5, 6, 7]);
    for line in lines {
        table.add_row([
            line.tenant.clone(),
            line.app.clone(),
            plain(&line.channel),
            line.state.name().to_owned(),
            health(line).to_owned(),
            short(millis(SystemTime::now()) - line.since_ms),
            line.to_provider.to_string(),
            line.to_front.to_string(),
        ]);
    }
    table.lines().for_each(|line| say!("{}", line.trim_end()));
    Ok(())
}

/// Returns what the last checks of a channel said.
fn health(line: &ChannelSummary) -> &'static str {
    match (line.state, line.is_offline, line.failing_since_ms) {
        (ChannelState::Connected, true, _) => "offline",
        (ChannelState::Connected, false, Some(_)) => "failing",
        (ChannelState::Connected, false, None) => "ok",
        (ChannelState::Connecting | ChannelState::Removed, ..) => "-",
    }
}

/// A channel with its addresses, which are derived from the configuration.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    whole: ChannelDetails,
    /// The address for Front; null if its app is not in the configuration.
    address: Option<String>,
    /// The address for the provider.
    provider_address: Option<String>,
}

fn show(config: &Config, whole: ChannelDetails, json: bool) -> anyhow::Result<()> {
    let address = app::address(config, &whole.summary.tenant, &whole.summary.app, &whole.key);
    let provider_address = address.as_ref().map(|address| format!("{address}/provider"));
    let shown = Shown { whole, address, provider_address };
    if json {
        say!("{}", escaped(&shown)?);
        return Ok(());
    }
    let Shown { whole, address, provider_address } = shown;
    let line = &whole.summary;
    let gone = || format!("none: [tenants.{}.front.{}] is not in the configuration", line.tenant, line.app);
    let facts = [
        ("channel", line.channel.clone()),
        ("tenant", line.tenant.clone()),
        ("app", line.app.clone()),
        ("state", line.state.name().to_owned()),
        ("since", time(line.since_ms)),
        ("created", time(line.created_ms)),
        ("health", health(line).to_owned()),
        ("URL for Front", address.unwrap_or_else(gone)),
        ("URL for provider", provider_address.unwrap_or_else(gone)),
        ("credential", if whole.has_credential { "stored" } else { "none" }.to_owned()),
        ("conversations", whole.conversations.to_string()),
        ("messages", whole.messages.to_string()),
        ("pending to provider", line.to_provider.to_string()),
        ("pending to Front", line.to_front.to_string()),
    ];
    for (name, value) in facts {
        say!("{name:19} {}", plain(&value));
    }
    if let Some(since) = line.failing_since_ms {
        say!("\nchecks fail since {}: {}", time(since), plain(line.reason.as_deref().unwrap_or("-")));
    }
    if line.state == ChannelState::Removed {
        say!("\nremoved: its addresses answer 404");
    }
    if !whole.deliveries.is_empty() {
        say!("\ndeliveries:");
    }
    for (kind, states) in &whole.deliveries {
        let states: Vec<_> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
        say!("  {kind:16} {}", states.join(", "));
    }
    for action in &whole.actions {
        say!("\n{} by {}: {}", time(action.time_ms), plain(&action.who), plain(&action.text()));
    }
    Ok(())
}

/// Has the gateway carry out commands, and prints a line for each channel.
fn ask(config: &Config, name: &str, commands: &[(&ChannelSummary, ChannelCommand)]) -> anyhow::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for (line, command) in commands {
        let answer = client::channels(config, name, command)?.map_err(anyhow::Error::msg)?;
        let name = plain(&line.channel);
        match answer.get("problem").and_then(Value::as_str) {
            None => say!("{name}: the provider answers and accepts the credential"),
            Some(problem) => {
                say!("{name}: {}", plain(problem));
                code = ExitCode::FAILURE;
            }
        }
    }
    if commands.is_empty() {
        say!("no channels");
    }
    Ok(code)
}

/// Asks the operator to enter the channel's name, because the removal cannot be undone.
fn confirm(line: &ChannelSummary, yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    let name = plain(&line.channel);
    ensure!(
        std::io::stdin().is_terminal(),
        "standard input is not a terminal: confirm the removal of {name} with --yes"
    );
    eprintln!("{name} of app {}, tenant {}, and its addresses will be removed.", line.app, line.tenant);
    if line.to_provider + line.to_front > 0 {
        let (out, back) = (line.to_provider, line.to_front);
        eprintln!("Pending messages will fail: {out} to the provider, {back} to Front.");
    }
    eprint!("Type {name} to continue: ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("failed to read the answer")?;
    ensure!(answer.trim() == line.channel, "name does not match {name}; nothing was changed");
    Ok(())
}
