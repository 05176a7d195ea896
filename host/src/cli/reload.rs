//! `frontgate reload`: the gateway looks at everything now; this waits and shows the receipts.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use super::{client, say};
use crate::config::Config;
use crate::console::operate::Details;
use crate::plugin::load::reload::Answer;
use crate::plugin::receipt::Receipt;

const NOT_LIVE: u8 = 1;
const COULD_NOT_ASK: u8 = 2;

pub(super) fn reload(config: &Path) -> ExitCode {
    match Config::skim(config) {
        Ok(config) => reload_with(&config),
        Err(faults) => {
            say!("{faults}");
            ExitCode::from(COULD_NOT_ASK)
        }
    }
}

/// The same for a configuration that was read already.
pub(super) fn reload_with(config: &Config) -> ExitCode {
    match client::command(config, "/reload", &Details::default()) {
        Ok(Ok(answer)) => show(&answer),
        Ok(Err(refusal)) => {
            say!("{refusal}");
            ExitCode::from(NOT_LIVE)
        }
        Err(error) => {
            say!("{error:#}");
            ExitCode::from(COULD_NOT_ASK)
        }
    }
}

/// Shows what was done, and what is not as it should be.
pub(super) fn show(answer: &Answer) -> ExitCode {
    for receipt in &answer.receipts {
        print(receipt);
    }
    let known = |receipt: &&Receipt| !answer.receipts.iter().any(|shown| shown.id == receipt.id);
    for receipt in answer.standing.iter().filter(known) {
        print(receipt);
    }
    if answer.receipts.is_empty() && answer.standing.is_empty() {
        say!("nothing has changed; every file in the folder is live");
    }
    if answer.standing.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(NOT_LIVE) }
}

/// One receipt, in a line and what belongs to it.
pub(super) fn print(receipt: &Receipt) {
    let Receipt { id, plugin, outcome, before, after, changes, duration_ms, .. } = receipt;
    let time = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(receipt.time_ms));
    let short = |digest: &Option<_>| {
        digest.as_ref().map_or_else(|| "nothing".to_owned(), crate::plugin::load::cache::Digest::short)
    };
    let now = if before == after { short(after) } else { format!("{} -> {}", short(before), short(after)) };
    say!("{id}  {time}  {plugin}  {}  {now}  {duration_ms} ms", outcome.name());
    if let Some(reason) = outcome.reason() {
        let tried = receipt.digest.filter(|digest| Some(*digest) != *after);
        let tried = tried.map(|digest| format!("{}: ", digest.short())).unwrap_or_default();
        say!("    {}", plain(&format!("{tried}{reason}")));
    }
    let changes = changes.to_string();
    if !changes.is_empty() {
        say!("    {}", plain(&changes));
    }
}

/// A text from outside: it must not act on the terminal.
fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}
