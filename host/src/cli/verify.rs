//! `frontgate verify`: says why a signature does or does not match, without a running gateway.

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
    /// The same of a request of Front to an application channel.
    Front(front::Kept),
}

#[derive(Debug, Args)]
struct Twilio {
    /// Path and query of the request, or the whole URL that it came to.
    target: String,
    /// `X-Twilio-Signature`.
    #[arg(long)]
    signature: String,
    /// `X-Twilio-Webhooks-Signature-Settings`, where a SharedKey signed.
    #[arg(long)]
    settings: Option<String>,
    /// The body, as it was received.
    #[arg(long, default_value = "", conflicts_with = "body_file")]
    body: String,
    /// A file with the body; `-` stands for standard input.
    #[arg(long)]
    body_file: Option<PathBuf>,
    /// The body is no form, but JSON or the like.
    #[arg(long)]
    not_form: bool,
    /// Whose callback, where there are several tenants.
    #[arg(long)]
    tenant: Option<String>,
}

pub(super) fn verify(config: &Path, command: &Command) -> anyhow::Result<ExitCode> {
    match (&command.twilio, &command.other) {
        (Some(command), None) => twilio(config, command),
        (None, Some(Other::Front(kept))) => front::verify(config, kept),
        (Some(_), Some(_)) => bail!("what stands before `front` is for a request of Twilio's; put it behind `front`"),
        (None, None) => bail!("name a request: see `frontgate verify --help`"),
    }
}

fn twilio(config: &Path, command: &Twilio) -> anyhow::Result<ExitCode> {
    let (_, tenant) = tenant::tenant(config, command.tenant.as_deref())?;
    let body = body(&command.body, command.body_file.as_deref())?;
    let (host, target) = apart(&command.target);
    anyhow::ensure!(target.starts_with('/'), "name a path such as /callbacks/crm, or the whole URL");
    let request = SignedRequest {
        target,
        signature: Some(&command.signature),
        settings: command.settings.as_deref(),
        is_form: !command.not_form,
        body: &body,
    };
    say!("tenant {}", tenant.name);
    for url in tenant.keys.urls(target) {
        say!("  a URL that means this place: {url}");
    }
    for key in tenant.keys.labels(&request) {
        say!("  a key that may have signed:  {key}");
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

/// The bytes of a file or of standard input, or else this text's.
fn body(text: &str, file: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    match file {
        None => Ok(text.as_bytes().to_vec()),
        Some(file) if file.as_os_str() == "-" => {
            let mut body = Vec::new();
            std::io::stdin().read_to_end(&mut body).context("reading standard input")?;
            Ok(body)
        }
        Some(file) => std::fs::read(file).with_context(|| format!("reading {}", file.display())),
    }
}

/// Host, if it is a whole URL, and path with query.
fn apart(target: &str) -> (Option<&str>, &str) {
    let Some((_, rest)) = target.split_once("://") else {
        return (None, target);
    };
    match rest.find('/') {
        Some(at) => (Some(&rest[..at]), &rest[at..]),
        None => (Some(rest), "/"),
    }
}
