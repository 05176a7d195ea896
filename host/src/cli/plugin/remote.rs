//! `frontgate plugin` for operators: lists plugins of the running gateway, and rolls back or approves their versions.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use frontgate_config::Config;
use frontgate_loader::lock::Lock;
use frontgate_loader::records::history;
use frontgate_loader::single;
use frontgate_runtime::receipt::Receipt;
use frontgate_runtime::settings::PluginSource;
use hyper::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::admin_pages::status::{Plugin, RolloutStatus, Status};
use crate::cli::format::{escaped, plain};
use crate::cli::{client, reload, runtime, say};
use crate::service::admin_api::CommandBody;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List plugins: the live version of each, and why a newer file is not used
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show receipts: the result of each load, oldest first
    History {
        /// Only this plugin
        name: Option<String>,
        /// Print JSON, one line per receipt
        #[arg(long)]
        json: bool,
    },
    /// Roll back to an earlier version; the version rolled back from is not loaded again
    Rollback {
        /// Plugin
        name: String,
        /// Prefix of the version's digest; by default the previous version
        digest: Option<String>,
    },
    /// Activate a version that waits or was rolled back, or add a file to plugins.lock
    Allow {
        /// Plugin, or .wasm file
        name: String,
        /// Prefix of the version's digest; by default the waiting version
        digest: Option<String>,
    },
    /// Remove a plugin from all replicas, where plugins.source is "store"; otherwise, delete its file
    Remove {
        /// Plugin
        name: String,
    },
    /// Write plugins.lock with every file in the plugins' folder
    Lock,
}

pub(super) fn run(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    let config = Config::load_unchecked(config).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    match command {
        Command::List { json } => list(&config, *json),
        Command::History { name, json } => show_history(&config, name.as_deref(), *json),
        Command::Rollback { name, digest } => decide(&config, name, "rollback", digest.clone()),
        Command::Allow { name, digest } => {
            let file = Path::new(name);
            if file.extension().is_some_and(|ending| ending == "wasm") {
                return allow_file(&config, file);
            }
            decide(&config, name, "allow", digest.clone())
        }
        Command::Remove { name } => decide(&config, name, "remove", None),
        Command::Lock => lock(&config),
    }
}

fn list(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let request = Request::get("/statusz").header("host", config.admin.listen.to_string());
    let (_, body) = client::request(config.admin.listen, request.body(Default::default())?)?;
    let status: Status = serde_json::from_slice(&body).context("failed to read the gateway's answer")?;
    if json {
        say!("{}", escaped(&status.plugins)?);
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(file) = &status.plugin_records_damaged {
        say!(
            "plugin records are corrupt: new files need `frontgate plugin allow NAME`; move {file} away to load all of \
             them again"
        );
    }
    if status.plugins.is_empty() {
        say!("no plugins; put a .wasm file into {}", config.plugins.directory.display());
    }
    let width = status.plugins.keys().map(String::len).max().unwrap_or_default();
    for (name, plugin) in &status.plugins {
        say!("{name:width$}  {}", line(plugin));
        let attempt = plugin.last_attempt.as_ref();
        if let Some(reason) = attempt.and_then(|attempt| attempt.reason.as_deref()) {
            say!("{:width$}  newest file not used: {reason}", "");
        }
        let live = plugin.live.as_ref().map(|live| live.digest.as_str()).unwrap_or_default();
        let others = plugin.versions.iter().map(|version| version.digest).filter(|digest| digest.to_string() != live);
        let others: Vec<String> = others.map(|digest| digest.short()).collect();
        if !others.is_empty() {
            say!("{:width$}  earlier versions: {}", "", others.join(", "));
        }
        if let Some(rollout) = &plugin.rollout {
            rollout_lines(rollout).iter().for_each(|line| say!("{:width$}  {line}", ""));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns what is not the same at all replicas.
fn rollout_lines(rollout: &RolloutStatus) -> Vec<String> {
    let short = |digest: &String| digest.chars().take(12).collect::<String>();
    let mut lines = Vec::new();
    if let (Some(digest), Some(replica)) = (&rollout.trial, &rollout.trial_replica) {
        lines.push(format!("on trial at replica `{}`: {}", plain(replica), short(digest)));
    }
    if let Some(digest) = &rollout.waiting {
        lines.push(format!("waits for approval: {}", short(digest)));
    }
    if !rollout.behind.is_empty() {
        let behind = plain(&rollout.behind.join(", "));
        lines.push(match &rollout.live {
            Some(live) => format!("replicas that do not run {} yet: {behind}", short(live)),
            None => format!("replicas that still run it: {behind}"),
        });
    }
    lines
}

fn line(plugin: &Plugin) -> String {
    let newer = match plugin {
        Plugin { loading: true, .. } => "  (a newer file is being loaded)",
        Plugin { probation: true, .. } => "  (on probation)",
        _ => "",
    };
    match &plugin.live {
        Some(live) => {
            let sdk = live.sdk.as_ref().map(|sdk| format!("  SDK {sdk}")).unwrap_or_default();
            format!("live  {}  {} KiB  {}{sdk}{newer}", &live.digest[..12], live.bytes / 1024, live.roles.join(", "))
        }
        None if plugin.loading => "being loaded".to_owned(),
        None if plugin.last_attempt.as_ref().is_some_and(|last| last.outcome == "removed") => {
            "not live: removed".to_owned()
        }
        None => "not live".to_owned(),
    }
}

fn show_history(config: &Config, name: Option<&str>, json: bool) -> anyhow::Result<ExitCode> {
    let mut receipts = match config.plugin_source() {
        PluginSource::Store => shared_history(config)?,
        PluginSource::Folder => history::read(&config.plugins.records)?.into_iter().map(ReplicaReceipt::from).collect(),
    };
    receipts.retain(|ReplicaReceipt { receipt, .. }| name.is_none_or(|name| receipt.plugin == name));
    // The file may contain more receipts until the gateway truncates it.
    for entry in &receipts[receipts.len().saturating_sub(config.plugins.receipts_max)..] {
        if json {
            say!("{}", serde_json::to_string(entry)?);
        } else {
            reload::print_of(entry.replica.as_deref(), &entry.receipt);
        }
    }
    if receipts.is_empty() && !json {
        say!("no receipts");
    }
    Ok(ExitCode::SUCCESS)
}

/// A receipt and the replica that wrote it.
#[derive(Serialize)]
struct ReplicaReceipt {
    #[serde(flatten)]
    receipt: Receipt,
    #[serde(skip_serializing_if = "Option::is_none")]
    replica: Option<String>,
}

impl From<Receipt> for ReplicaReceipt {
    fn from(receipt: Receipt) -> Self {
        Self { receipt, replica: None }
    }
}

/// Returns the receipts of all replicas.
fn shared_history(config: &Config) -> anyhow::Result<Vec<ReplicaReceipt>> {
    let stored = frontgate_rollouts::admin::receipts(&config.store)?;
    // A newer program may have written a receipt that this one cannot read.
    let read = |(replica, receipt): (String, String)| {
        Some(ReplicaReceipt { receipt: serde_json::from_str(&receipt).ok()?, replica: Some(replica) })
    };
    Ok(stored.into_iter().filter_map(read).collect())
}

/// Sends a command about a plugin's version to the running gateway.
fn decide(config: &Config, name: &str, what: &str, digest: Option<String>) -> anyhow::Result<ExitCode> {
    let path = format!("/plugins/{}/{what}", utf8_percent_encode(name, NON_ALPHANUMERIC));
    match client::command(config, &path, &CommandBody { digest })? {
        Ok(answer) => {
            answer.plugins.receipts.iter().for_each(reload::print);
            let last = answer.plugins.receipts.iter().rev().find(|receipt| receipt.plugin == name);
            let rejected = what == "allow" && last.is_some_and(|last| last.outcome.reason().is_some());
            Ok(if rejected { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        Err(refusal) => bail!(refusal),
    }
}

/// Adds one file to plugins.lock, and reloads a running gateway.
fn allow_file(config: &Config, file: &Path) -> anyhow::Result<ExitCode> {
    let path = &config.plugins.lock;
    let mut lock = Lock::read_as_is(path)?;
    let name = name(file)?;
    let locked = runtime()?.block_on(single::locked(file, &config.plugins))?;
    say!("{name}  {}  added to {}", locked.sha256.short(), path.display());
    lock.plugins.insert(name, locked);
    lock.write(path)?;
    if config.admin.socket.exists() {
        return Ok(reload::reload_with(config));
    }
    Ok(ExitCode::SUCCESS)
}

fn lock(config: &Config) -> anyhow::Result<ExitCode> {
    let folder = &config.plugins.directory;
    let entries = std::fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "wasm"));
    files.sort();
    let (mut lock, runtime) = (Lock::default(), runtime()?);
    for file in &files {
        let (name, locked) = (name(file)?, runtime.block_on(single::locked(file, &config.plugins))?);
        say!("{name}  {}", locked.sha256.short());
        lock.plugins.insert(name, locked);
    }
    lock.write(&config.plugins.lock)?;
    let count = lock.plugins.len();
    say!("{count} plugin{} in {}", if count == 1 { "" } else { "s" }, config.plugins.lock.display());
    Ok(ExitCode::SUCCESS)
}

fn name(file: &Path) -> anyhow::Result<String> {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).filter(|stem| !stem.starts_with('.'));
    stem.map(str::to_owned).with_context(|| format!("invalid plugin file name: {}", file.display()))
}
