//! `frontgate check --online`: asks Twilio whether the credentials work, and where its webhooks point.

use std::sync::Arc;

use anyhow::bail;
use frontgate_config::Config;
use frontgate_gateway::routes::Callback;
use frontgate_net::Client;
use frontgate_twilio_rest::{ApiError, ConversationsApi, Webhooks, describe};
use hyper::StatusCode;

use super::super::say;

/// What the gateway answers by itself needs these.
const NEEDED: [(&str, &str); 2] = [("onConversationAdd", "pre"), ("onParticipantAdded", "post")];

/// Says what Twilio said; how many faults there are.
pub(super) fn online(config: &Config) -> anyhow::Result<usize> {
    let client = Arc::new(Client::new(&config.delivery.client()));
    let runtime = super::super::runtime()?;
    let (mut faults, mut unasked) = (0, Vec::new());
    for tenant in config.all_tenants() {
        let settings = &config.tenants[&*tenant.name].twilio;
        let (name, address) = (&tenant.name, &settings.conversations_url);
        let Some(rest) = ConversationsApi::new(settings, &client) else {
            say!("! tenant {name}: there are no credentials to ask Twilio with");
            continue;
        };
        match runtime.block_on(rest.webhooks()) {
            Ok(webhooks) => {
                say!("✓ tenant {name}: {} takes the credentials", frontgate_tenants::display_url(address));
                let url = |callback: Callback| format!("{}{}", config.public_url(), callback.path(&tenant));
                let roles = &tenant.roles;
                if !roles.crm.is_empty() || !roles.conversations.is_empty() {
                    faults += point(name, &webhooks, &url(Callback::Conversations));
                }
                for callback in [Callback::Crm, Callback::Templates, Callback::Outgoing, Callback::Routing] {
                    say!(
                        "    Twilio's console alone shows where it calls {}: {}",
                        callback.name(),
                        frontgate_tenants::display_url(&url(callback))
                    );
                }
            }
            Err(failure @ ApiError::Rejected { status, .. }) if !is_busy(status) => {
                faults += 1;
                say!("✗ tenant {name}: {address}: {}\n    mend [tenants.{name}.twilio]", describe(&failure));
            }
            Err(failure) => {
                say!("! tenant {name}: {address}: {}", describe(&failure));
                unasked.push(name.to_string());
            }
        }
    }
    match unasked.as_slice() {
        [] => Ok(faults),
        tenants => bail!("Twilio could not be asked about {}; try again, or see conversations_url", tenants.join(", ")),
    }
}

/// Whether an answer says nothing about who asked.
fn is_busy(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// Compares where the webhooks point with where they should.
fn point(tenant: &str, webhooks: &Webhooks, expected: &str) -> usize {
    let mut faults = 0;
    let ticked = |event: &str| webhooks.filters.iter().flatten().any(|filter| filter == event);
    for (event, kind) in NEEDED {
        let url = if kind == "pre" { &webhooks.pre_webhook_url } else { &webhooks.post_webhook_url };
        let url = url.as_deref().unwrap_or_default();
        let alias = expected.strip_suffix("conversations").map(|start| format!("{start}twilio-conversations"));
        if url != expected && Some(url) != alias.as_deref() {
            faults += 1;
            let there = if url.is_empty() { "nowhere".to_owned() } else { frontgate_tenants::display_url(url) };
            let expected = frontgate_tenants::display_url(expected);
            say!("✗ tenant {tenant}: the {kind}-event webhook points {there}\n    set it to {expected}");
        } else if !ticked(event) {
            faults += 1;
            say!("✗ tenant {tenant}: {event} is not ticked among the {kind}-event webhooks\n    tick it");
        } else {
            say!("✓ tenant {tenant}: {event} comes to {}", frontgate_tenants::display_url(url));
        }
    }
    if webhooks.method.as_deref().is_some_and(|method| !method.eq_ignore_ascii_case("POST")) {
        faults += 1;
        say!("✗ tenant {tenant}: the webhooks are sent by GET\n    choose POST");
    }
    faults
}
