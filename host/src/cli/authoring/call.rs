//! `frontgate plugin call`: calls one function of a plugin, in the gateway's sandbox.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use frontgate_plugin_test::invoke::{CallReport, invoke};
use frontgate_plugin_test::{Harness, Network};
use frontgate_telemetry::capture;
use serde_json::Value;

use crate::cli::{runtime, say};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// .wasm file, or folder with plugin.toml
    file: PathBuf,
    /// Function to call, such as `crm.list-customers`
    function: String,
    /// Arguments as JSON: the value of the only parameter, or an object with one field for each; `-` reads standard
    /// input
    #[arg(long, default_value = "null")]
    json: String,
    /// Customers of the import `directory`, as a JSON list
    #[arg(long)]
    customers: Option<String>,
    /// Use the section [test] of plugin.toml: placeholder secrets, upstreams and the program that serves them
    #[arg(long)]
    test: bool,
    /// Print answer, log and receipt as JSON
    #[arg(long)]
    raw: bool,
}

/// Calls the function. The exit status is 0 if the plugin answered, even with an error of the contract; otherwise 1.
pub(super) fn call(config: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let text = match arguments.json.as_str() {
        "-" => std::io::read_to_string(std::io::stdin()).context("failed to read standard input")?,
        text => text.to_owned(),
    };
    let with = json("--json", &text)?;
    let customers = arguments.customers.as_deref().map(|text| json("--customers", text)).transpose()?;
    let lines = capture::capture()?;
    let network = if arguments.test { Network::Mocked } else { Network::Real };
    let report = runtime()?.block_on(async {
        let harness = Harness::open(&arguments.file, config, network, &lines).await?;
        invoke(&harness, &arguments.function, &with, customers).await
    })?;
    if arguments.raw {
        say!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report)?;
    }
    Ok(if report.answer.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn json(option: &str, text: &str) -> anyhow::Result<Value> {
    serde_json::from_str(text).with_context(|| format!("{option}: invalid JSON `{text}`"))
}

fn print(report: &CallReport) -> anyhow::Result<()> {
    match (&report.answer, &report.ended) {
        (Some(answer), _) => say!("{}", serde_json::to_string_pretty(answer)?),
        (None, ended) => say!("✗ {}", ended.as_deref().unwrap_or_default()),
    }
    for line in &report.log {
        say!("log, {}: {}", line.level, line.text);
    }
    if let Some(receipt) = &report.receipt {
        say!("receipt: {receipt}");
    }
    Ok(())
}
