//! `frontgate console`: prints login links and tokens, and lists and ends sessions and tokens.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use frontgate_audit::Actor;
use frontgate_config::Config;
use frontgate_console_access::Role;
use serde::Deserialize as _;
use serde_json::Value;

use super::format::{escaped, plain, short, table, time};
use super::{client, say};
use crate::service::console_api::{EndCommand, Link, LinkCommand, TokenCommand};

/// Arguments of the command.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Name of the person, as it appears in the record of actions; by default this account
    #[arg(long = "for", value_name = "NAME")]
    who: Option<String>,
    /// Role of the person
    #[arg(long, default_value = "operator")]
    role: RoleName,
    /// Tenant that the person sees; may be repeated; by default all
    #[arg(long)]
    tenant: Vec<String>,
    /// Wait up to a minute until the gateway runs
    #[arg(long)]
    wait: bool,
}

/// Longest wait for the gateway, and the pause between two tries.
const WAIT: Duration = Duration::from_secs(60);
const WAIT_PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug, Subcommand)]
enum Command {
    /// List the people who are signed in
    Sessions {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a token with which a script reads the JSON of pages
    ///
    /// The token is printed once. Send it as `Authorization: Bearer TOKEN`. Personal data is masked whatever the role is.
    Token {
        /// Name of the script, as it appears in the record of actions
        #[arg(long = "for", value_name = "NAME")]
        who: String,
        /// Role of the script
        #[arg(long, default_value = "viewer")]
        role: RoleName,
        /// Tenant that the script sees; may be repeated; by default all
        #[arg(long)]
        tenant: Vec<String>,
        /// Days until the token expires
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3_650))]
        days: u32,
    },
    /// List the tokens of scripts
    Tokens {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// End the sessions and tokens whose ids begin with these digits
    End {
        /// First digits of the id
        id: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleName {
    /// Reads pages; personal data is masked
    Viewer,
    /// Also shows personal data
    Support,
    /// Also changes deliveries, channels and plugins
    Operator,
}

impl From<RoleName> for Role {
    fn from(role: RoleName) -> Self {
        match role {
            RoleName::Viewer => Self::Viewer,
            RoleName::Support => Self::Support,
            RoleName::Operator => Self::Operator,
        }
    }
}

pub(super) fn console(config: &Path, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = Config::load_unchecked(config).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    match arguments.command {
        None => link(&config, arguments)?,
        Some(Command::Sessions { json }) => sessions(&config, json)?,
        Some(Command::Token { who, role, tenant, days }) => {
            let tenants = checked(&config, tenant)?;
            let command = TokenCommand { who, role: role.into(), tenants, days };
            let answer = ask(&config, "token", &serde_json::to_value(command)?)?;
            say!("{}", answer["token"].as_str().unwrap_or_default());
        }
        Some(Command::Tokens { json }) => tokens(&config, json)?,
        Some(Command::End { id }) => {
            let answer = ask(&config, "end", &serde_json::to_value(EndCommand { id })?)?;
            say!("{} ended", answer["ended"]);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(config: &Config, name: &str, body: &Value) -> anyhow::Result<Value> {
    match client::console(config, name, body)? {
        Ok(answer) => Ok(answer),
        Err(reason) => bail!("{reason}"),
    }
}

/// Waits until the gateway listens for commands.
fn wait_for_gateway(config: &Config) {
    let begun = Instant::now();
    while UnixStream::connect(&config.admin.socket).is_err() && begun.elapsed() < WAIT {
        std::thread::sleep(WAIT_PAUSE);
    }
}

/// Returns the tenants that a person sees; `None` for all.
fn checked(config: &Config, tenants: Vec<String>) -> anyhow::Result<Option<Vec<String>>> {
    for name in &tenants {
        ensure!(config.tenants.contains_key(name), "tenant `{name}` is not in the configuration");
    }
    Ok((!tenants.is_empty()).then_some(tenants))
}

fn link(config: &Config, Arguments { who, role, tenant, wait, .. }: Arguments) -> anyhow::Result<()> {
    let tenants = checked(config, tenant)?;
    if wait {
        wait_for_gateway(config);
    }
    let who = who.unwrap_or_else(|| Actor::of_command().who);
    let command = LinkCommand { who, role: role.into(), tenants };
    let link = Link::deserialize(ask(config, "link", &serde_json::to_value(command)?)?)?;
    say!("{}", link.url);
    let expires = i64::try_from(link.expires_in_ms).unwrap_or(i64::MAX);
    say!("\nThe link works once, within {}. From another machine: ssh -L 8082:127.0.0.1:8082 HOST", short(expires));
    Ok(())
}

fn sessions(config: &Config, json: bool) -> anyhow::Result<()> {
    let answer = ask(config, "sessions", &Value::Null)?;
    let sessions = answer["sessions"].as_array().cloned().unwrap_or_default();
    if json {
        say!("{}", escaped(&sessions)?);
        return Ok(());
    }
    if sessions.is_empty() {
        say!("no sessions");
        return Ok(());
    }
    let mut table = table(&["ID", "PERSON", "ROLE", "TENANTS", "SIGNED IN", "LAST USED"], &[]);
    for session in &sessions {
        table.add_row(cells(session, &["created_ms", "used_ms"]));
    }
    say!("{table}");
    Ok(())
}

fn tokens(config: &Config, json: bool) -> anyhow::Result<()> {
    let answer = ask(config, "tokens", &Value::Null)?;
    let tokens = answer["tokens"].as_array().cloned().unwrap_or_default();
    if json {
        say!("{}", escaped(&tokens)?);
        return Ok(());
    }
    if tokens.is_empty() {
        say!("no tokens");
        return Ok(());
    }
    let mut table = table(&["ID", "SCRIPT", "ROLE", "TENANTS", "CREATED", "EXPIRES", "LAST USED"], &[]);
    for token in &tokens {
        table.add_row(cells(token, &["created_ms", "expires_ms", "used_ms"]));
    }
    say!("{table}");
    Ok(())
}

/// Returns the cells of a session or a token, with the named times.
fn cells(row: &Value, times: &[&str]) -> Vec<String> {
    let text = |name: &str| plain(row[name].as_str().unwrap_or("-"));
    let at = |name: &&str| row[*name].as_i64().map_or_else(|| "-".to_owned(), time);
    let tenants = match row["tenants"].as_array() {
        Some(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        None => "all".to_owned(),
    };
    [text("id"), text("who"), text("role"), plain(&tenants)].into_iter().chain(times.iter().map(at)).collect()
}
