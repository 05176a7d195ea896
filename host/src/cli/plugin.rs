//! `frontgate plugin`: what the running gateway has loaded.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use hyper::Request;

use super::{client, say};
use crate::config::Config;
use crate::console::status::{Plugin, Status};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists plugins: what answers, and why a newer file does not.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn plugin(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    let Command::List { json } = command;
    let config = Config::skim(config).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    let request = Request::get("/statusz").header("host", config.admin.listen.to_string());
    let (_, body) = client::request(config.admin.listen, request.body(Default::default())?)?;
    let status: Status = serde_json::from_slice(&body).context("reading the gateway's answer")?;
    if *json {
        say!("{}", serde_json::to_string_pretty(&status.plugins)?);
        return Ok(ExitCode::SUCCESS);
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
    }
    Ok(ExitCode::SUCCESS)
}

fn line(plugin: &Plugin) -> String {
    let newer = if plugin.loading { "  (a newer file is being loaded)" } else { "" };
    match &plugin.live {
        Some(live) => {
            format!("live  {}  {} KiB  {}{newer}", &live.digest[..12], live.bytes / 1024, live.roles.join(", "))
        }
        None if plugin.loading => "being loaded".to_owned(),
        None if plugin.last_attempt.as_ref().is_some_and(|last| last.outcome == "removed") => {
            "not live: its file was removed".to_owned()
        }
        None => "not live".to_owned(),
    }
}
