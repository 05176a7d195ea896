//! `frontgate verify`: says why a signature does or does not match, without a running gateway.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::{say, tenant};
use crate::twilio::explain::{Surroundings, explain};
use crate::twilio::signature::Request;

#[derive(Debug, Args)]
pub(super) struct Command {
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
    let (_, tenant) = tenant::tenant(config, command.tenant.as_deref())?;
    let body = match &command.body_file {
        None => command.body.clone().into_bytes(),
        Some(file) if file.as_os_str() == "-" => {
            let mut body = Vec::new();
            std::io::stdin().read_to_end(&mut body).context("reading standard input")?;
            body
        }
        Some(file) => std::fs::read(file).with_context(|| format!("reading {}", file.display()))?,
    };
    let (host, target) = apart(&command.target);
    anyhow::ensure!(target.starts_with('/'), "name a path such as /callbacks/crm, or the whole URL");
    let request = Request {
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
