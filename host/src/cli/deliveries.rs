//! `frontgate deliveries`: lists, shows, retries, resolves and cancels deliveries.

use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use frontgate_config::Config;
use frontgate_delivery::job::State;
use frontgate_delivery::store::queue_admin::{
    Change, DeliveryDetails, DeliveryFilter, DeliveryGroup, DeliverySummary, Resolution,
};
use frontgate_store::millis;

use super::format::{escaped, plain, short, table, time};
use super::{app, bulk, say};

/// The reason of deliveries without one, in the list of groups.
pub(super) const NOT_TRIED: &str = "not tried yet";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List deliveries, newest first
    List {
        /// Only this state: ready, leased, unknown, sent, failed, dead or cancelled
        #[arg(long, value_parser = state)]
        state: Option<State>,
        /// Only deliveries of this tenant
        #[arg(long)]
        tenant: Option<String>,
        /// Maximum number of deliveries
        #[arg(long, default_value_t = 50)]
        most: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Group open deliveries, and those that need a decision, by their reason
    Groups {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a delivery with its payload, including personal data
    Show {
        /// Id of the delivery
        id: i64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Retry a delivery at once, or all of a group
    ///
    /// If the message may have been sent, the provider is asked first. A finished delivery starts again from the
    /// beginning. A group is changed by the running gateway, after a preview.
    Retry {
        /// Id of the delivery
        #[arg(required_unless_present_any = ["why", "state"], conflicts_with_all = ["why", "state", "tenant", "yes"])]
        id: Option<i64>,
        #[command(flatten)]
        group: bulk::Group,
    },
    /// Set the outcome of a delivery in state unknown
    Resolve {
        /// Id of the delivery
        id: i64,
        /// Actual outcome
        outcome: Outcome,
    },
    /// Cancel a delivery, or all of a group; a message accepted from Front is reported to it as failed
    ///
    /// A group is changed by the running gateway, after a preview.
    Cancel {
        /// Id of the delivery
        #[arg(required_unless_present_any = ["why", "state"], conflicts_with_all = ["why", "state", "tenant", "yes"])]
        id: Option<i64>,
        #[command(flatten)]
        group: bulk::Group,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Outcome {
    /// The message was sent
    Sent,
    /// The message was not sent, and is sent again
    NotSent,
}

pub(super) fn state(name: &str) -> Result<State, String> {
    let names = || State::ALL.map(State::name).join(", ");
    State::named(name).ok_or_else(|| format!("unknown state; use one of {}", names()))
}

pub(super) fn deliveries(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    let config = Config::load_unchecked(config).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    match command {
        Command::Retry { id: None, group } => return bulk::change(&config, "retry", group),
        Command::Cancel { id: None, group } => return bulk::change(&config, "cancel", group),
        _ => {}
    }
    let mut desk = app::desk(&config)?;
    let (id, now) = match command {
        Command::List { state, tenant, most, json } => {
            let filter = DeliveryFilter {
                states: state.iter().copied().collect(),
                tenant: tenant.clone(),
                ..Default::default()
            };
            let lines = desk.list(&filter, *most)?;
            list(&lines, *json)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Groups { json } => {
            groups(&desk.groups()?, *json)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Show { id, json } => {
            show(&desk.show(*id)?, *json)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Retry { id, .. } => {
            let id = id.as_ref().context("give an id")?;
            (id, desk.change(*id, Change::Retry)?)
        }
        Command::Resolve { id, outcome } => {
            let fact = match outcome {
                Outcome::Sent => Resolution::Sent,
                Outcome::NotSent => Resolution::NotSent,
            };
            (id, desk.change(*id, Change::Resolve(fact))?)
        }
        Command::Cancel { id, .. } => {
            let id = id.as_ref().context("give an id")?;
            (id, desk.change(*id, Change::Cancel)?)
        }
    };
    say!("delivery {id}: {now}");
    Ok(ExitCode::SUCCESS)
}

fn list(lines: &[DeliverySummary], json: bool) -> anyhow::Result<()> {
    if json {
        say!("{}", escaped(&lines)?);
        return Ok(());
    }
    if lines.is_empty() {
        say!("no deliveries");
        return Ok(());
    }
    let mut table = table(&["ID", "STATE", "TENANT", "EVENT", "CONVERSATION", "AGE", "WAITS"], &[0, 5]);
    for line in lines {
        let DeliverySummary { id, state, tenant, event, conversation, .. } = line;
        let age = short(millis(SystemTime::now()) - line.created_ms);
        let waits = match (state, line.due_in_ms) {
            (State::Ready | State::Unknown, Some(0)) => "now".to_owned(),
            (State::Ready | State::Unknown, Some(ms)) => short(ms),
            (State::Ready, None) => "for an earlier delivery".to_owned(),
            _ => "-".to_owned(),
        };
        let (event, conversation) = (plain(event), plain(conversation));
        table.add_row([id.to_string(), state.to_string(), tenant.clone(), event, conversation, age, waits]);
    }
    // The first line contains the titles. Each reason is printed below the line of its delivery.
    for (number, text) in table.lines().enumerate() {
        say!("{}", text.trim_end());
        let line = number.checked_sub(1).and_then(|index| lines.get(index)).filter(|line| line.state != State::Sent);
        if let Some(reason) = line.and_then(|line| line.reason.as_deref()) {
            say!("{:>8}  {}", "", plain(reason));
        }
    }
    Ok(())
}

fn groups(groups: &[DeliveryGroup], json: bool) -> anyhow::Result<()> {
    if json {
        say!("{}", escaped(&groups)?);
        return Ok(());
    }
    if groups.is_empty() {
        say!("no delivery waits");
        return Ok(());
    }
    let mut table = table(&["DELIVERIES", "STATE", "TENANT", "OLDEST", "REASON"], &[0]);
    for group in groups {
        let age = short(millis(SystemTime::now()) - group.oldest_ms);
        let reason = plain(group.reason_group.as_deref().unwrap_or(NOT_TRIED));
        table.add_row([group.count.to_string(), group.state.to_string(), group.tenant.clone(), age, reason]);
    }
    say!("{table}");
    Ok(())
}

fn show(whole: &DeliveryDetails, json: bool) -> anyhow::Result<()> {
    if json {
        say!("{}", escaped(whole)?);
        return Ok(());
    }
    let line = &whole.summary;
    let none = "-".to_owned();
    let facts = [
        ("delivery", line.id.to_string()),
        ("state", line.state.to_string()),
        ("reason", line.reason.clone().unwrap_or_else(|| none.clone())),
        ("tenant", line.tenant.clone()),
        ("callback", line.callback.clone()),
        ("event", line.event.clone()),
        ("conversation", line.conversation.clone()),
        ("plan", line.plan.clone().unwrap_or_else(|| none.clone())),
        ("result", line.result.clone().unwrap_or(none)),
        ("attempts", line.attempts.to_string()),
        ("request", line.request.clone()),
        ("accepted", time(line.created_ms)),
        ("changed", time(line.changed_ms)),
    ];
    for (name, value) in facts {
        say!("{name:13} {}", plain(&value));
    }
    say!("\npayload:");
    match serde_json::from_value::<Vec<(String, String)>>(whole.payload.clone()) {
        Ok(fields) => fields.iter().for_each(|(name, value)| say!("  {} = {}", plain(name), plain(value))),
        Err(_) => say!("{}", escaped(&whole.payload)?),
    }
    if !whole.history.is_empty() {
        say!("\nattempts:");
    }
    for attempt in &whole.history {
        let reason = attempt.reason.as_deref().map(|reason| format!(": {}", plain(reason))).unwrap_or_default();
        say!("  {} {}, {} ms, {}{reason}", attempt.number, time(attempt.begun_ms), attempt.took_ms, attempt.state);
    }
    for action in &whole.actions {
        say!("\n{} by {}: {}", time(action.time_ms), plain(&action.who), plain(&action.text()));
    }
    Ok(())
}
