//! `frontgate channels`: which channels of Front apps there are, what is known of one, and its end.
#![expect(clippy::print_stderr, reason = "a question is no output")]

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use frontgate_config::Config;
use frontgate_delivery::store::desk::{ChannelLine, ChannelWhole, Desk, Filter};
use frontgate_delivery::store::front::ChannelState;
use frontgate_store::millis;
use serde::Serialize;

use super::format::{escaped, plain, short, time};
use super::{app, say};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists channels, without their addresses: whoever knows one can call it.
    List {
        #[command(flatten)]
        only: Only,
        /// Those that were removed, too.
        #[arg(long)]
        all: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Shows one channel with its addresses, and what is kept and under way.
    Show {
        /// `cha_...`, or the key in its address.
        channel: String,
        #[command(flatten)]
        only: Only,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Takes a channel out: its addresses are no more, its plugin is told, and Front shows it as offline. An
    /// admin of Front can connect it again, which gives it other addresses.
    Disconnect {
        /// `cha_...`, or the key in its address.
        channel: String,
        #[command(flatten)]
        only: Only,
        /// Does not ask.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct Only {
    /// Only this tenant's.
    #[arg(long)]
    tenant: Option<String>,
    /// Only those of this app, by its name in the configuration.
    #[arg(long)]
    app: Option<String>,
}

pub(super) fn channels(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    let config = Config::skim(config).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    let mut desk = app::desk(&config)?;
    match command {
        Command::List { only, all, json } => {
            let filter = only.filter(&config, &desk)?;
            list(&desk.channels(filter, *all)?, *json)?;
        }
        Command::Show { channel, only, json } => {
            let line = desk.channel(channel, only.filter(&config, &desk)?)?;
            show(&config, desk.whole_channel(line)?, *json)?;
        }
        Command::Disconnect { channel, only, yes } => {
            let line = desk.channel(channel, only.filter(&config, &desk)?)?;
            let name = plain(&line.channel);
            if line.state == ChannelState::Removed {
                bail!("the channel {name} was removed before, at {}", time(line.since_ms));
            }
            confirm(&line, *yes)?;
            let delivery = desk.disconnect(&line)?;
            say!("{name} is removed; delivery {delivery} tells its plugin and Front");
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Only {
    /// Names that nobody knows are a mistake: nothing would be found.
    fn filter(&self, config: &Config, desk: &Desk) -> anyhow::Result<Filter<'_>> {
        let stored = desk.channels(Filter::default(), true)?;
        let mut tenants: Vec<&str> = config.tenants.keys().map(String::as_str).collect();
        tenants.extend(stored.iter().map(|line| line.tenant.as_str()));
        known("tenant", self.tenant.as_deref(), tenants)?;
        let mut apps: Vec<&str> =
            config.tenants.values().flat_map(|tenant| tenant.front.keys()).map(|app| &**app).collect();
        apps.extend(stored.iter().map(|line| line.app.as_str()));
        known("Front app", self.app.as_deref(), apps)?;
        Ok(Filter { tenant: self.tenant.as_deref(), app: self.app.as_deref() })
    }
}

fn known(what: &str, name: Option<&str>, mut names: Vec<&str>) -> anyhow::Result<()> {
    let Some(name) = name else { return Ok(()) };
    names.sort_unstable();
    names.dedup();
    ensure!(names.contains(&name), "there is no {what} `{name}`; there are: {}", names.join(", "));
    Ok(())
}

fn list(lines: &[ChannelLine], json: bool) -> anyhow::Result<()> {
    if json {
        say!("{}", escaped(&lines)?);
        return Ok(());
    }
    if lines.is_empty() {
        say!("no channels");
        return Ok(());
    }
    let width = |title: &str, text: fn(&ChannelLine) -> &str| {
        lines.iter().map(|line| text(line).chars().count()).max().unwrap_or_default().max(title.len())
    };
    let tenants = width("TENANT", |line| &line.tenant);
    let apps = width("APP", |line| &line.app);
    let channels = width("CHANNEL", |line| &line.channel);
    say!(
        "{:tenants$}  {:apps$}  {:channels$}  {:10}  {:>6}  {:>11}  {:>8}",
        "TENANT",
        "APP",
        "CHANNEL",
        "STATE",
        "SINCE",
        "TO PROVIDER",
        "TO FRONT"
    );
    for line in lines {
        let ChannelLine { tenant, app, state, to_provider, to_front, .. } = line;
        let (channel, state) = (plain(&line.channel), state.name());
        let since = short(millis(SystemTime::now()) - line.since_ms);
        say!(
            "{tenant:tenants$}  {app:apps$}  {channel:channels$}  {state:10}  {since:>6}  {to_provider:>11}  {to_front:>8}"
        );
    }
    Ok(())
}

/// A channel with what follows from the configuration.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    whole: ChannelWhole,
    /// What Front calls; none, if its app is not in the configuration any more.
    address: Option<String>,
    /// What its provider calls.
    provider_address: Option<String>,
}

fn show(config: &Config, whole: ChannelWhole, json: bool) -> anyhow::Result<()> {
    let address = app::address(config, &whole.line.tenant, &whole.line.app, &whole.key);
    let provider_address = address.as_ref().map(|address| format!("{address}/provider"));
    let shown = Shown { whole, address, provider_address };
    if json {
        say!("{}", escaped(&shown)?);
        return Ok(());
    }
    let Shown { whole, address, provider_address } = shown;
    let line = &whole.line;
    let gone = || format!("none: [tenants.{}.front.{}] is not in the configuration", line.tenant, line.app);
    let facts = [
        ("channel", line.channel.clone()),
        ("tenant", line.tenant.clone()),
        ("app", line.app.clone()),
        ("state", line.state.name().to_owned()),
        ("since", time(line.since_ms)),
        ("begun", time(line.created_ms)),
        ("Front calls", address.unwrap_or_else(gone)),
        ("provider calls", provider_address.unwrap_or_else(gone)),
        ("credential", if whole.has_credential { "kept" } else { "none" }.to_owned()),
        ("conversations", whole.conversations.to_string()),
        ("messages", whole.messages.to_string()),
        ("to provider", line.to_provider.to_string()),
        ("to Front", line.to_front.to_string()),
    ];
    for (name, value) in facts {
        say!("{name:14} {}", plain(&value));
    }
    if line.state == ChannelState::Removed {
        say!("\nits addresses answer 404, since it was removed");
    }
    if !whole.deliveries.is_empty() {
        say!("\ndeliveries:");
    }
    for (kind, states) in &whole.deliveries {
        let states: Vec<_> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
        say!("  {kind:16} {}", states.join(", "));
    }
    for (at, who, what) in &whole.audit {
        say!("\n{} by {who}: {}", time(*at), plain(what));
    }
    Ok(())
}

/// What is done cannot be taken back: somebody says the channel's name.
fn confirm(line: &ChannelLine, yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    let name = plain(&line.channel);
    ensure!(std::io::stdin().is_terminal(), "nobody can be asked here whether {name} shall go; add --yes");
    eprintln!(
        "{name} of the app {} of the tenant {} will be removed, and its addresses with it.",
        line.app, line.tenant
    );
    if line.to_provider + line.to_front > 0 {
        let (out, back) = (line.to_provider, line.to_front);
        eprintln!("{out} messages to its provider and {back} to Front are under way; those that wait will fail.");
    }
    eprint!("Type {name} to go on: ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("reading the answer")?;
    ensure!(answer.trim() == line.channel, "that is not {name}; nothing was changed");
    Ok(())
}
