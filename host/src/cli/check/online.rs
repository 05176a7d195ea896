//! `frontgate check --online`: tests the database, and verifies credentials and webhook URLs with Twilio.

use std::sync::Arc;

use anyhow::bail;
use frontgate_config::Config;
use frontgate_net::Client;
use frontgate_store::maintenance::{self, Status};

use super::super::say;
use crate::setup::{Finding, Verdict, twilio};

/// Connects to the database on Postgres, and returns what it guarantees.
fn database(config: &Config) -> Vec<Finding> {
    let finding = |verdict, text: String| Finding::new(verdict, None, "database", text);
    if !config.store.is_shared() {
        return Vec::new();
    }
    match maintenance::status(&config.store) {
        Ok(Status::Postgres(status)) => {
            let usable = format!("Postgres {} at {} can be used", status.version, status.address);
            let mut findings = vec![finding(Verdict::Good, usable)];
            if status.standbys > 0 && status.synchronous_standbys.is_empty() {
                let text = "its standbys do not confirm commits: a failover loses the last acknowledged events";
                findings.push(finding(Verdict::Warning, text.to_owned()));
            }
            findings
        }
        Ok(Status::Sqlite { .. }) => Vec::new(),
        Err(error) => {
            vec![finding(Verdict::Problem, format!("{error:#}")).with_fix("correct [store], or the server")]
        }
    }
}

/// Prints the results of Twilio's checks. Returns the number of problems.
pub(super) fn online(config: &Config) -> anyhow::Result<usize> {
    let client = Arc::new(Client::new(&config.delivery.client()));
    let runtime = super::super::runtime()?;
    let mut all = database(config);
    all.iter().for_each(show);
    for tenant in config.all_tenants() {
        let findings = match twilio::api(config, &tenant, &client) {
            Ok(api) => runtime.block_on(twilio::check(config, &tenant, &api)),
            Err(finding) => vec![finding],
        };
        findings.iter().for_each(show);
        all.extend(findings);
    }
    let unanswered = all.iter().filter(|finding| finding.verdict == Verdict::Unanswered);
    match unanswered.filter_map(|finding| finding.tenant.as_deref()).collect::<Vec<_>>().as_slice() {
        [] => Ok(all.iter().filter(|finding| finding.is_problem()).count()),
        tenants => {
            bail!("no answer from Twilio for tenant {}; retry, or check conversations_url", tenants.join(", "))
        }
    }
}

/// Prints a finding.
fn show(finding: &Finding) {
    let Finding { tenant, verdict, text, fix, .. } = finding;
    if *verdict == Verdict::ByHand {
        say!("    {text}");
        return;
    }
    let of = tenant.as_ref().map(|tenant| format!("tenant {tenant}: ")).unwrap_or_default();
    say!("{} {of}{text}", verdict.mark());
    if let Some(fix) = fix {
        say!("    {fix}");
    }
}
