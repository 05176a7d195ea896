//! `frontgate verify front`: explains the signature of a recorded request from Front.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Args, ValueEnum};
use frontgate_front::explain::{Surroundings, explain};
use frontgate_front::signature::{Content, Refusal, SignedRequest, Verified};
use frontgate_store::millis;

use super::super::app::{App, AppArguments};
use super::super::{format, say};
use super::{at, body};

#[derive(Debug, Args)]
pub(super) struct Kept {
    /// Value of `X-Front-Signature`
    #[arg(long)]
    signature: String,
    /// Value of `X-Front-Request-Timestamp`, unchanged
    #[arg(long)]
    timestamp: Option<String>,
    /// Method; a DELETE may be signed over `undefined` instead of its body
    #[arg(long, value_enum, ignore_case = true, default_value = "POST")]
    method: Method,
    /// Body as received
    #[arg(long, default_value = "", conflicts_with = "body_file")]
    body: String,
    /// File with the body; `-` reads standard input
    #[arg(long)]
    body_file: Option<PathBuf>,
    #[command(flatten)]
    which: AppArguments,
    /// Arrival time to check against signature_window_ms, as 2026-11-21T16:19:20Z or in seconds or milliseconds since
    /// 1970; by default, now
    #[arg(long, value_name = "TIME", value_parser = at::read, conflicts_with = "any_age")]
    at: Option<u64>,
    /// Skip the check of the window
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
        say!("  candidate key: {key}");
    }
    let request = SignedRequest {
        is_delete: kept.method == Method::Delete,
        timestamp: kept.timestamp.as_deref(),
        signature: Some(&kept.signature),
        body: &body,
    };
    let now_ms = kept.at.unwrap_or_else(|| millis(SystemTime::now()).unsigned_abs());
    // Verify the signature at the request's own time; the window is checked below.
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
            let mismatch = if refusal == Refusal::Mismatch { "the signature does not match: " } else { "" };
            say!("✗ {mismatch}{}", explain(&keys, &request, refusal, &Surroundings { others: &others }));
            return Ok(ExitCode::FAILURE);
        }
    };
    say!("✓ the signature matches: {} signed {}", verified.key, what(&verified));
    if kept.any_age {
        say!("  sent at {}", time(verified.sent_ms));
        return Ok(ExitCode::SUCCESS);
    }
    let (sent, asked) = (time(verified.sent_ms), time(now_ms));
    let window = app.window_ms() / 1_000;
    match keys.verify(&request, now_ms) {
        Ok(_) => {
            say!("✓ within the window of {window} s: sent at {sent}, checked for {asked}");
            Ok(ExitCode::SUCCESS)
        }
        Err(_) => {
            let far = format::short(now_ms.abs_diff(verified.sent_ms).cast_signed());
            let side = if verified.sent_ms > now_ms { "ahead of" } else { "before" };
            say!(
                "✗ outside the window of {window} s: sent at {sent}, {far} {side} {asked}\n    for a recorded request, \
                 give its time of arrival with --at TIME, or skip this check with --any-age"
            );
            Ok(ExitCode::FAILURE)
        }
    }
}

fn what(verified: &Verified<'_>) -> &'static str {
    match verified.content() {
        Content::Body(_) => "the body",
        Content::AddressOnly => "`undefined` instead of the body: the body is not protected by the signature",
    }
}

fn time(ms: u64) -> String {
    format::time(ms.cast_signed())
}
