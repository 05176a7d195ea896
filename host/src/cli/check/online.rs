//! `frontgate check --online`: tests the database, and verifies credentials and webhook URLs with Twilio.

use std::sync::Arc;

use anyhow::bail;
use frontgate_config::Config;
use frontgate_gateway::routes::Callback;
use frontgate_net::Client;
use frontgate_store::maintenance::{self, Status};
use frontgate_twilio_rest::webhooks::{Needed, WebhookConfiguration};
use frontgate_twilio_rest::{ApiError, ConversationsApi, describe};
use hyper::StatusCode;

use super::super::{say, webhooks};

/// Connects to the database on Postgres, and prints what it guarantees. Returns the number of problems.
fn database(config: &Config) -> usize {
    if !config.store.is_shared() {
        return 0;
    }
    match maintenance::status(&config.store) {
        Ok(Status::Postgres(status)) => {
            say!("✓ Postgres {} at {} can be used", status.version, status.address);
            if status.standbys > 0 && status.synchronous_standbys.is_empty() {
                say!("! its standbys do not confirm commits: a failover loses the last acknowledged events");
            }
            0
        }
        Ok(Status::Sqlite { .. }) => 0,
        Err(error) => {
            say!("✗ {error:#}\n    correct [store], or the server");
            1
        }
    }
}

/// Prints the results of Twilio's checks. Returns the number of problems.
pub(super) fn online(config: &Config) -> anyhow::Result<usize> {
    let client = Arc::new(Client::new(&config.delivery.client()));
    let runtime = super::super::runtime()?;
    let (mut faults, mut unasked) = (database(config), Vec::new());
    for tenant in config.all_tenants() {
        let settings = &config.tenants[&*tenant.name].twilio;
        let (name, address) = (&tenant.name, &settings.conversations_url);
        let Some(rest) = ConversationsApi::new(settings, &client) else {
            say!("! tenant {name}: not checked, no credentials for Twilio's API; add api_key and api_secret");
            continue;
        };
        match runtime.block_on(rest.webhooks()) {
            Ok(configuration) => {
                say!("✓ tenant {name}: {} accepts the credentials", frontgate_tenants::display_url(address));
                faults += compare(name, &configuration, &webhooks::needed(config, &tenant, &[]));
                for callback in [Callback::Crm, Callback::Templates, Callback::Outgoing, Callback::Routing] {
                    say!(
                        "    check in Twilio's console that the URL of {} is {}",
                        callback.name(),
                        frontgate_tenants::display_url(&webhooks::callback_url(config, &tenant, callback))
                    );
                }
            }
            Err(failure @ ApiError::Rejected { status, .. }) if !is_busy(status) => {
                faults += 1;
                say!("✗ tenant {name}: {address}: {}\n    correct [tenants.{name}.twilio]", describe(&failure));
            }
            Err(failure) => {
                say!("! tenant {name}: {address}: {}", describe(&failure));
                unasked.push(name.to_string());
            }
        }
    }
    match unasked.as_slice() {
        [] => Ok(faults),
        tenants => {
            bail!("no answer from Twilio for tenant {}; retry, or check conversations_url", tenants.join(", "))
        }
    }
}

/// Returns whether a status allows no conclusion about the credentials.
fn is_busy(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// Compares the webhooks with the need, and prints the findings. Returns the number of problems.
fn compare(tenant: &str, configuration: &WebhookConfiguration, needed: &Needed) -> usize {
    let findings = configuration.findings(needed);
    for finding in &findings {
        let (words, fix) = webhooks::text(finding, configuration, needed);
        say!("{} tenant {tenant}: {words}", webhooks::mark(finding));
        if let Some(fix) = fix {
            say!("    {fix}, or run `frontgate setup twilio`");
        }
    }
    findings.iter().filter(|finding| finding.is_problem()).count()
}
