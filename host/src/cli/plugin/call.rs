//! `frontgate plugin call`: one question to one plugin, in the gateway's sandbox.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use frontgate_plugin_test::bench::{Bench, Outside};
use frontgate_plugin_test::one;
use frontgate_plugin_test::one::Asked;
use frontgate_telemetry::capture;
use serde_json::Value;

use crate::cli::{runtime, say};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A .wasm file, or the folder of a plugin.toml.
    file: PathBuf,
    /// What is asked, such as `crm.list-customers`.
    function: String,
    /// What it is given: the value of its parameter, or an object with one field for each. `-` reads it from
    /// standard input.
    #[arg(long, default_value = "null")]
    json: String,
    /// The customers that `directory` knows, a list in JSON.
    #[arg(long)]
    customers: Option<String>,
    /// With what stands under [test] in plugin.toml: made-up secrets, upstreams, the program that plays them.
    #[arg(long)]
    test: bool,
    /// All of it as JSON.
    #[arg(long)]
    raw: bool,
}

/// Ends with 0 if the plugin answered, and be it with one of the contract's errors; with 1 if it did not.
pub(super) fn call(config: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let text = match arguments.json.as_str() {
        "-" => std::io::read_to_string(std::io::stdin()).context("reading standard input")?,
        text => text.to_owned(),
    };
    let with = json("--json", &text)?;
    let customers = arguments.customers.as_deref().map(|text| json("--customers", text)).transpose()?;
    let lines = capture::capture()?;
    let outside = if arguments.test { Outside::Staged } else { Outside::Real };
    let asked = runtime()?.block_on(async {
        let bench = Bench::open(&arguments.file, config, outside, &lines).await?;
        one::ask(&bench, &arguments.function, &with, customers).await
    })?;
    if arguments.raw {
        say!("{}", serde_json::to_string_pretty(&asked)?);
    } else {
        print(&asked)?;
    }
    Ok(if asked.answer.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn json(option: &str, text: &str) -> anyhow::Result<Value> {
    serde_json::from_str(text).with_context(|| format!("{option}: `{text}` is no JSON"))
}

fn print(asked: &Asked) -> anyhow::Result<()> {
    match (&asked.answer, &asked.ended) {
        (Some(answer), _) => say!("{}", serde_json::to_string_pretty(answer)?),
        (None, ended) => say!("✗ {}", ended.as_deref().unwrap_or_default()),
    }
    for line in &asked.log {
        say!("log, {}: {}", line.level, line.text);
    }
    if let Some(receipt) = &asked.receipt {
        say!("receipt: {receipt}");
    }
    Ok(())
}
