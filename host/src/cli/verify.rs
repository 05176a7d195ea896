//! `frontgate verify`: explains why a signature matches or not, without a running gateway.

mod at;
mod front;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use frontgate_twilio::explain::{Surroundings, explain};
use frontgate_twilio::signature::SignedRequest;

use super::{say, tenant};

#[derive(Debug, Args)]
pub(super) struct Command {
    #[command(flatten)]
    twilio: Option<Twilio>,
    #[command(subcommand)]
    other: Option<Other>,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// Explain the signature of a request of Front to an application channel
    Front(front::Kept),
}

#[derive(Debug, Args)]
struct Twilio {
    /// Path and query of the request, or its whole URL
    target: String,
    /// Value of `X-Twilio-Signature`
    #[arg(long)]
    signature: String,
    /// Value of `X-Twilio-Webhooks-Signature-Settings`, for a SharedKey
    #[arg(long)]
    settings: Option<String>,
    /// Body as received
    #[arg(long, default_value = "", conflicts_with = "body_file")]
    body: String,
    /// File with the body; `-` reads standard input
    #[arg(long)]
    body_file: Option<PathBuf>,
    /// Treat the body as raw bytes, such as JSON, not as a form
    #[arg(long)]
    not_form: bool,
    /// Tenant, if there are several
    #[arg(long)]
    tenant: Option<String>,
}

pub(super) fn verify(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    match (&command.twilio, &command.other) {
        (Some(command), None) => twilio(config, command),
        (None, Some(Other::Front(kept))) => front::verify(config, kept),
        (Some(_), Some(_)) => bail!("arguments before `front` are for requests of Twilio; put them after `front`"),
        (None, None) => bail!("request missing: see `frontgate verify --help`"),
    }
}

fn twilio(config: &Path, command: &Twilio) -> anyhow::Result<ExitCode> {
    let (_, tenant) = tenant::tenant(config, command.tenant.as_deref())?;
    let body = body(&command.body, command.body_file.as_deref())?;
    let (host, target) = split_target(&command.target);
    anyhow::ensure!(target.starts_with('/'), "invalid target: write a path such as /callbacks/crm, or the whole URL");
    let request = SignedRequest {
        target,
        signature: Some(&command.signature),
        settings: command.settings.as_deref(),
        is_form: !command.not_form,
        body: &body,
    };
    say!("tenant {}", tenant.name);
    for url in tenant.keys.urls(target) {
        say!("  candidate URL: {url}");
    }
    for key in tenant.keys.labels(&request) {
        say!("  candidate key: {key}");
    }
    match tenant.keys.verify(&request) {
        Ok(verified) => {
            say!("✓ the signature matches: {} signed for {}", verified.key, verified.url);
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) => {
            let around = Surroundings { host, others: &[] };
            say!("✗ {refusal}\n    {}", explain(&tenant.keys, &request, refusal.clone(), &around));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Returns the bytes of a file, of standard input (`-`), or of `text`.
fn body(text: &str, file: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    match file {
        None => Ok(text.as_bytes().to_vec()),
        Some(file) if file.as_os_str() == "-" => {
            let mut body = Vec::new();
            std::io::stdin().read_to_end(&mut body).context("failed to read standard input")?;
            Ok(body)
        }
        Some(file) => std::fs::read(file).with_context(|| format!("failed to read {}", file.display())),
    }
}

/// Splits a target into its host, if the target is a whole URL, and its path with query.
fn split_target(target: &str) -> (Option<&str>, &str) {
    let Some((_, rest)) = target.split_once("://") else {
        return (None, target);
    };
    match rest.find('/') {
        Some(at) => (Some(&rest[..at]), &rest[at..]),
        None => (Some(rest), "/"),
    }
}
