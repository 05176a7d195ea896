//! Prints the configuration at Twilio, the planned changes, and the checklist of Frontline's URLs.

use frontgate_config::Config;
use frontgate_tenants::{Tenant, display_url};
use frontgate_twilio_rest::ConversationWebhook;
use frontgate_twilio_rest::addresses::{Address, AutoCreation};
use frontgate_twilio_rest::webhooks::{Level, Needed, WebhookKind, Webhooks};

use super::super::format::plain;
use super::super::say;
use super::twilio::Plan;
use crate::setup::twilio::Found;
use crate::setup::{Finding, places, webhooks};

/// Prints the webhooks of account and service, the findings, and the addresses.
pub(super) fn found(tenant: &Tenant, found: &Found, needed: &Needed) {
    let configuration = &found.webhooks;
    level("account", &configuration.account);
    if let Some(service) = &configuration.service {
        let name = plain(&service.sid);
        match service.webhooks.has_url() {
            true => level(&format!("service {name}, in place of the account's"), &service.webhooks),
            false => say!("webhooks of the service {name}\n  no URL: inherits the account's webhooks"),
        }
    }
    say!("addresses");
    found.addresses.iter().for_each(address);
    if found.addresses.is_empty() {
        say!("  none configured");
    }
    say!();
    for finding in webhooks::findings(&tenant.name, configuration, needed) {
        say!("{} {}", finding.verdict.mark(), finding.text);
    }
    if needed.events.is_empty() {
        say!("! the tenant needs no webhooks of Conversations: it has no plugin with the role crm or conversations");
    }
}

fn level(name: &str, webhooks: &Webhooks) {
    say!("webhooks of the {name}");
    for kind in [WebhookKind::PreEvent, WebhookKind::PostEvent] {
        say!("  {:10}  {}", kind.name(), webhooks.url(kind).map_or_else(|| "not set".to_owned(), value));
    }
    let events = webhooks.filters.as_deref().unwrap_or_default().join(", ");
    say!("  {:10}  {}", "events", if events.is_empty() { "none".to_owned() } else { plain(&events) });
    for (name, text) in [("method", &webhooks.method), ("target", &webhooks.target)] {
        if let Some(text) = text {
            say!("  {name:10}  {}", plain(text));
        }
    }
}

fn address(address: &Address) {
    let AutoCreation { enabled, kind, conversation_service_sid, webhook_url, studio_flow_sid } = &address.auto_creation;
    if !enabled {
        say!("  {}  creates no conversations", plain(&address.address));
        return;
    }
    let service = conversation_service_sid.as_deref().map_or_else(|| "the default service".to_owned(), plain);
    let end = match kind.as_deref() {
        Some("webhook") => format!(", with webhook {}", webhook_url.as_deref().map_or_else(String::new, value)),
        Some("studio") => format!(", with Studio flow {}", studio_flow_sid.as_deref().map_or_else(String::new, plain)),
        _ => String::new(),
    };
    say!("  {}  creates conversations in {service}{end}", plain(&address.address));
}

/// Prints the tenant's own numbers whose messages create no conversations in the tenant's service.
pub(super) fn numbers(tenant: &Tenant, found: &Found) {
    for Finding { verdict, subject, text, .. } in found.elsewhere(tenant) {
        say!("{} {text}; to change it, add --number {subject}", verdict.mark());
    }
}

/// Prints the webhooks of one conversation.
pub(super) fn conversation(sid: &str, hooks: &[ConversationWebhook]) {
    say!("\nwebhooks of the conversation {sid}");
    for hook in hooks {
        let target = plain(hook.target.as_deref().unwrap_or_default());
        let url = hook.configuration.url.as_deref().map_or_else(String::new, value);
        let events = plain(&hook.configuration.filters.as_deref().unwrap_or_default().join(", "));
        say!("  {target}  {url}  {events}");
    }
    if hooks.is_empty() {
        say!("  none");
    }
}

/// Prints the URLs of Frontline as a checklist. Only the last one can be read.
pub(super) fn checklist(config: &Config, tenant: &Tenant, found: &Found, needed: &Needed) {
    say!("\nFrontline's URLs have no API, except the last one: compare them in Twilio's console");
    let calls = places::VOICE.iter().filter(|_| tenant.voice.is_some());
    for (callback, place) in places::FRONTLINE.iter().chain(calls).copied() {
        say!("  [ ] {place}: {}", display_url(&places::callback_url(config, tenant, callback)));
    }
    let findings = webhooks::findings(&tenant.name, &found.webhooks, needed);
    let is_set = !findings.is_empty() && !findings.iter().any(Finding::is_problem);
    let mark = if is_set { "x" } else { " " };
    say!("  [{mark}] {}, pre-event and post-event: {}", places::WEBHOOKS, display_url(&needed.url));
}

/// Prints the changes, with each field of the requests.
pub(super) fn plan(plan: &Plan) {
    say!("\nchanges");
    for change in &plan.webhooks {
        let scope = match change.level {
            Level::Account => ", for every service without a URL of its own",
            Level::Service(_) => "",
        };
        say!("  webhooks of the {}{scope}", plain(&change.level.to_string()));
        fields(&change.form, &change.replaced);
    }
    for change in &plan.addresses {
        say!("  address {}", change.address);
        fields(&change.form, &change.replaced);
    }
}

fn fields(form: &[(&'static str, String)], replaced: &[String]) {
    let mut last = "";
    for (name, _) in form {
        if *name != last {
            let values: Vec<_> = form.iter().filter(|(known, _)| known == name).map(|(_, text)| value(text)).collect();
            say!("    {name} = {}", values.join(", "));
        }
        last = name;
    }
    for replaced in replaced {
        say!("    replaces {}", value(replaced));
    }
}

/// Formats a value for a terminal: a URL without user and password, other texts without control characters.
pub(super) fn value(text: &str) -> String {
    if text.contains("://") { display_url(text) } else { plain(text) }
}
