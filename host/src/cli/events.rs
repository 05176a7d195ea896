//! `frontgate events`: follows the requests of the running gateway, without personal data.

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use frontgate_config::Config;
use frontgate_console_pages::words;
use serde_json::{Value, json};

use super::format::plain;
use super::{client, say};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print requests as they are answered, until interrupted
    Tail {
        /// Filter, such as `tenant:acme callback:crm status:>=400 took:>1s`
        #[arg(default_value = "")]
        filter: String,
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
        /// End after this number of requests
        #[arg(long)]
        most: Option<u64>,
    },
}

pub(super) fn events(config: &Path, command: Command) -> anyhow::Result<ExitCode> {
    let config = Config::load_unchecked(config).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    let Command::Tail { filter, json, most } = command;
    let (mut after, mut printed) = (None, 0);
    loop {
        let answer = match client::console(&config, "rows", &json!({ "filter": filter, "after": after }))? {
            Ok(answer) => answer,
            Err(reason) => bail!("{reason}"),
        };
        after = answer["next"].as_u64();
        for row in answer["rows"].as_array().into_iter().flatten() {
            if json {
                say!("{row}");
            } else {
                say!("{}", line(row));
            }
            printed += 1;
            if most.is_some_and(|most| printed >= most) {
                return Ok(ExitCode::SUCCESS);
            }
        }
        if let Some(skipped) = answer["skipped"].as_u64().filter(|skipped| *skipped > 0 && !json) {
            say!("-- {} went by, too many to show", words::count(skipped, "request", "requests"));
        }
    }
}

/// Returns a request as one line.
fn line(row: &Value) -> String {
    let text = |name: &str| plain(row[name].as_str().unwrap_or("-"));
    let status = row["status"].as_u64().map_or_else(|| "-".to_owned(), |status| status.to_string());
    let took = words::micros(row["took_us"].as_u64().unwrap_or_default());
    let clock = words::clock(row["time_ms"].as_i64().unwrap_or_default());
    let event = row["event"].as_str().map(|event| format!(" {}", plain(event))).unwrap_or_default();
    let mut line = format!(
        "{clock}  {:12} {:24} {status:>3}  {took:>8}  {}",
        text("tenant"),
        format!("{}{event}", text("callback")),
        text("by"),
    );
    for (name, before) in [("conversation", "  "), ("code", "  "), ("detail", ": ")] {
        if let Some(value) = row[name].as_str().filter(|value| *value != "ok") {
            line += &format!("{before}{}", plain(value));
        }
    }
    for delivery in row["deliveries"].as_array().into_iter().flatten() {
        line += &format!("  delivery {delivery}");
    }
    line
}
