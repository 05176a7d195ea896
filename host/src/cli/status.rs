//! `frontgate status`: the first page of the console as text.

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use frontgate_config::Config;
use frontgate_console_pages::words;
use serde_json::{Value, json};

use super::format::{escaped, plain, table};
use super::{client, say};

pub(super) fn status(config: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let config = Config::load_unchecked(config).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    let status = match client::console(&config, "status", &json!({}))? {
        Ok(status) => status,
        Err(reason) => bail!("{reason}"),
    };
    if json {
        say!("{}", escaped(&status)?);
        return Ok(ExitCode::SUCCESS);
    }
    let text = |value: &Value| plain(value.as_str().unwrap_or_default());
    say!("{}", text(&status["title"]));
    for item in status["attention"].as_array().into_iter().flatten() {
        say!("  {} {}", text(&item["what"]), text(&item["why"]));
    }
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    say!("\n{} wait or need a decision", words::count(number(&status["open"]), "delivery", "deliveries"));
    let rows = status["callbacks"].as_array().map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let titles = ["TENANT", "CALLBACK", "LAST MINUTE", "LAST HOUR", "FAILED", "50 %", "95 %", "DEADLINE"];
    let mut table = table(&titles, &[2, 3, 4, 5, 6, 7]);
    for row in rows {
        let deadline = i64::try_from(number(&row["deadline_ms"])).unwrap_or(i64::MAX);
        table.add_row([
            text(&row["tenant"]),
            text(&row["callback"]),
            words::number(number(&row["per_minute"])),
            words::number(number(&row["total"])),
            words::number(number(&row["failed"])),
            words::micros(number(&row["p50_us"])),
            words::micros(number(&row["p95_us"])),
            words::duration(deadline),
        ]);
    }
    say!("\n{table}");
    Ok(ExitCode::SUCCESS)
}
