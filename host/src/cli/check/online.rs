//! `frontgate check --online`: tests the database, and verifies credentials and webhook URLs with Twilio.

use std::sync::Arc;

use anyhow::bail;
use frontgate_config::Config;
use frontgate_gateway::routes::Callback;
use frontgate_net::Client;
use frontgate_store::maintenance::{self, Status};
use frontgate_twilio_rest::{ApiError, ConversationsApi, Webhooks, describe};
use hyper::StatusCode;

use super::super::say;

/// Webhooks that the gateway itself needs, each with its kind.
const NEEDED: [(&str, &str); 2] = [("onConversationAdd", "pre"), ("onParticipantAdded", "post")];

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
            Ok(webhooks) => {
                say!("✓ tenant {name}: {} accepts the credentials", frontgate_tenants::display_url(address));
                let url = |callback: Callback| format!("{}{}", config.public_url(), callback.path(&tenant));
                let roles = &tenant.roles;
                if !roles.crm.is_empty() || !roles.conversations.is_empty() {
                    faults += check_urls(name, &webhooks, &url(Callback::Conversations));
                }
                for callback in [Callback::Crm, Callback::Templates, Callback::Outgoing, Callback::Routing] {
                    say!(
                        "    check in Twilio's console that the URL of {} is {}",
                        callback.name(),
                        frontgate_tenants::display_url(&url(callback))
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

/// Compares the webhooks' URLs with the expected one. Returns the number of problems.
fn check_urls(tenant: &str, webhooks: &Webhooks, expected: &str) -> usize {
    let mut faults = 0;
    let ticked = |event: &str| webhooks.filters.iter().flatten().any(|filter| filter == event);
    for (event, kind) in NEEDED {
        let url = if kind == "pre" { &webhooks.pre_webhook_url } else { &webhooks.post_webhook_url };
        let url = url.as_deref().unwrap_or_default();
        let alias = expected.strip_suffix("conversations").map(|start| format!("{start}twilio-conversations"));
        if url != expected && Some(url) != alias.as_deref() {
            faults += 1;
            let found = if url.is_empty() { "not set".to_owned() } else { frontgate_tenants::display_url(url) };
            let expected = frontgate_tenants::display_url(expected);
            say!("✗ tenant {tenant}: the URL of the {kind}-event webhook is {found}\n    set it to {expected}");
        } else if !ticked(event) {
            faults += 1;
            say!("✗ tenant {tenant}: {event} is not enabled among the {kind}-event webhooks\n    enable it");
        } else {
            say!("✓ tenant {tenant}: {event} is sent to {}", frontgate_tenants::display_url(url));
        }
    }
    if webhooks.method.as_deref().is_some_and(|method| !method.eq_ignore_ascii_case("POST")) {
        say!("! tenant {tenant}: the method of the webhooks is GET, which puts texts into URLs\n    set it to POST");
    }
    faults
}
