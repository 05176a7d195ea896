//! `frontgate verify front`: a request of Front that somebody has kept.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Args, ValueEnum};
use frontgate_front::explain::{Surroundings, explain};
use frontgate_front::signature::{Content, Refusal, Request, Verified};
use frontgate_store::millis;

use super::super::app::{App, Which};
use super::super::{format, say};
use super::{at, body};

#[derive(Debug, Args)]
pub(super) struct Kept {
    /// `X-Front-Signature`.
    #[arg(long)]
    signature: String,
    /// `X-Front-Request-Timestamp`, letter for letter.
    #[arg(long)]
    timestamp: Option<String>,
    /// The method. A DELETE may be signed over `undefined` in place of its body.
    #[arg(long, value_enum, ignore_case = true, default_value = "POST")]
    method: Method,
    /// The body, as it was received.
    #[arg(long, default_value = "", conflicts_with = "body_file")]
    body: String,
    /// A file with the body; `-` stands for standard input.
    #[arg(long)]
    body_file: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
    /// When it came, as 2026-11-21T16:19:20Z or in seconds or milliseconds since 1970, to see whether it was
    /// within the window; now without.
    #[arg(long, value_name = "TIME", value_parser = at::read, conflicts_with = "any_age")]
    at: Option<u64>,
    /// However long ago it was sent.
    #[arg(long)]
    any_age: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
enum Method {
    Post,
    Delete,
}

pub(super) fn verify(config: &Path, kept: &Kept) -> anyhow::Result<ExitCode> {
    let app = App::find(config, &kept.which)?;
    let (keys, body) = (app.keys(), body(&kept.body, kept.body_file.as_deref())?);
    say!("tenant {}, app {}", app.tenant, app.name);
    for key in keys.labels() {
        say!("  a key that may have signed: {key}");
    }
    let request = Request {
        is_delete: kept.method == Method::Delete,
        timestamp: kept.timestamp.as_deref(),
        signature: Some(&kept.signature),
        body: &body,
    };
    let now_ms = kept.at.unwrap_or_else(|| millis(SystemTime::now()).unsigned_abs());
    // Whoever signed it did so at its own time.
    let own_ms = match keys.verify(&request, now_ms) {
        Err(Refusal::TooOld { age_ms, .. }) => now_ms - age_ms,
        Err(Refusal::TooNew { ahead_ms, .. }) => now_ms.saturating_add(ahead_ms),
        _ => now_ms,
    };
    let verified = match keys.verify(&request, own_ms) {
        Ok(verified) => verified,
        Err(refusal) => {
            let others = app.others();
            let others: Vec<_> = others.iter().map(|(name, keys)| (name.as_str(), keys)).collect();
            say!("✗ {}", explain(&keys, &request, refusal, &Surroundings { others: &others }));
            return Ok(ExitCode::FAILURE);
        }
    };
    say!("✓ the signature matches: {} signed {}", verified.key, what(&verified));
    if kept.any_age {
        say!("  it was sent at {}", time(verified.sent_ms));
        return Ok(ExitCode::SUCCESS);
    }
    let (sent, asked) = (time(verified.sent_ms), time(now_ms));
    let window = app.window_ms() / 1_000;
    match keys.verify(&request, now_ms) {
        Ok(_) => {
            say!("✓ it is within the window of {window} s: sent at {sent}, looked at as of {asked}");
            Ok(ExitCode::SUCCESS)
        }
        Err(_) => {
            let far = format::short(now_ms.abs_diff(verified.sent_ms).cast_signed());
            let side = if verified.sent_ms > now_ms { "ahead of" } else { "before" };
            say!(
                "✗ it is not within the window of {window} s: sent at {sent}, {far} {side} {asked}\n    for one that \
                 was kept, say when it came with --at TIME, or leave its age out with --any-age"
            );
            Ok(ExitCode::FAILURE)
        }
    }
}

fn what(verified: &Verified<'_>) -> &'static str {
    match verified.content() {
        Content::Body(_) => "the body",
        Content::AddressOnly => "`undefined` in place of a body: anybody may have written what stands there",
    }
}

fn time(ms: u64) -> String {
    format::time(ms.cast_signed())
}
