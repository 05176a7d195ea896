//! `frontgate deliveries`: what is to be done, what was done, and what needs an operator.

use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Subcommand, ValueEnum};
use frontgate_config::Config;
use frontgate_delivery::job::State;
use frontgate_delivery::store::desk::{Fact, Line, Whole};
use frontgate_store::millis;

use super::format::{escaped, plain, short, time};
use super::{app, say};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists deliveries, the newest first.
    List {
        /// Only these: ready, leased, unknown, sent, failed, dead or cancelled.
        #[arg(long, value_parser = state)]
        state: Option<State>,
        /// Only this tenant's.
        #[arg(long)]
        tenant: Option<String>,
        /// How many.
        #[arg(long, default_value_t = 50)]
        most: u32,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Shows one delivery with what the platform sent, personal data included.
    Show {
        /// As in the list.
        id: i64,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Lets a delivery go on at once. One that may have been sent is asked after first; for one that had
    /// come to its end, everything is decided anew.
    Retry {
        /// As in the list.
        id: i64,
    },
    /// Says what became of a delivery that is unknown.
    Resolve {
        /// As in the list.
        id: i64,
        /// What you found out.
        outcome: Outcome,
    },
    /// Takes a delivery out. A message that Front was promised is reported to it as failed.
    Cancel {
        /// As in the list.
        id: i64,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Outcome {
    /// It has had its effect.
    Sent,
    /// It has not, and is to be sent again.
    NotSent,
}

fn state(name: &str) -> Result<State, String> {
    let names = || State::ALL.map(State::name).join(", ");
    State::named(name).ok_or_else(|| format!("there are {}", names()))
}

pub(super) fn deliveries(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    let config = Config::skim(config).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    let mut desk = app::desk(&config)?;
    let (id, now) = match command {
        Command::List { state, tenant, most, json } => {
            let lines = desk.list(*state, tenant.as_deref(), *most)?;
            list(&lines, *json)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Show { id, json } => {
            show(&desk.show(*id)?, *json)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Retry { id } => (id, desk.retry(*id)?),
        Command::Resolve { id, outcome } => {
            let fact = match outcome {
                Outcome::Sent => Fact::Sent,
                Outcome::NotSent => Fact::NotSent,
            };
            (id, desk.resolve(*id, fact)?)
        }
        Command::Cancel { id } => (id, desk.cancel(*id)?),
    };
    say!("delivery {id} is {now} now");
    Ok(ExitCode::SUCCESS)
}

fn list(lines: &[Line], json: bool) -> anyhow::Result<()> {
    if json {
        say!("{}", escaped(&lines)?);
        return Ok(());
    }
    if lines.is_empty() {
        say!("no deliveries");
        return Ok(());
    }
    let width = lines.iter().map(|line| line.tenant.len()).max().unwrap_or_default().max("TENANT".len());
    let events = lines.iter().map(|line| line.event.len()).max().unwrap_or_default().max("EVENT".len());
    say!(
        "{:>8}  {:9}  {:width$}  {:events$}  {:34}  {:>6}  WAITS",
        "ID",
        "STATE",
        "TENANT",
        "EVENT",
        "CONVERSATION",
        "AGE"
    );
    for line in lines {
        let Line { id, state, tenant, event, conversation, .. } = line;
        let age = short(millis(SystemTime::now()) - line.created_ms);
        let waits = match (state, line.due_in_ms) {
            (State::Ready | State::Unknown, Some(0)) => "now".to_owned(),
            (State::Ready | State::Unknown, Some(ms)) => short(ms),
            (State::Ready, None) => "for an earlier one".to_owned(),
            _ => "-".to_owned(),
        };
        let (event, conversation) = (plain(event), plain(conversation));
        say!("{id:>8}  {state:9}  {tenant:width$}  {event:events$}  {conversation:34}  {age:>6}  {waits}");
        if let Some(reason) = line.reason.as_deref().filter(|_| *state != State::Sent) {
            say!("{:>8}  {}", "", plain(reason));
        }
    }
    Ok(())
}

fn show(whole: &Whole, json: bool) -> anyhow::Result<()> {
    if json {
        say!("{}", escaped(whole)?);
        return Ok(());
    }
    let line = &whole.line;
    let none = "-".to_owned();
    let facts = [
        ("delivery", line.id.to_string()),
        ("state", line.state.to_string()),
        ("why", line.reason.clone().unwrap_or_else(|| none.clone())),
        ("tenant", line.tenant.clone()),
        ("callback", line.callback.clone()),
        ("event", line.event.clone()),
        ("conversation", line.conversation.clone()),
        ("decided", line.plan.clone().unwrap_or_else(|| none.clone())),
        ("result", line.result.clone().unwrap_or(none)),
        ("attempts", line.attempts.to_string()),
        ("request", line.request.clone()),
        ("accepted", time(line.created_ms)),
        ("changed", time(line.changed_ms)),
    ];
    for (name, value) in facts {
        say!("{name:13} {}", plain(&value));
    }
    say!("\nwhat was received:");
    match serde_json::from_value::<Vec<(String, String)>>(whole.payload.clone()) {
        Ok(fields) => fields.iter().for_each(|(name, value)| say!("  {} = {}", plain(name), plain(value))),
        Err(_) => say!("{}", escaped(&whole.payload)?),
    }
    for (at, who, what) in &whole.audit {
        say!("\n{} by {who}: {what}", time(*at));
    }
    Ok(())
}
