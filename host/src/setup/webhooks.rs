//! The webhooks that a tenant needs at Twilio, and their comparison as findings.

use frontgate_config::Config;
use frontgate_gateway::routes::Callback;
use frontgate_tenants::{Tenant, display_url};
use frontgate_twilio_rest::webhooks;
use frontgate_twilio_rest::webhooks::{Level, Needed, WebhookConfiguration};

use super::places::callback_url;
use super::{Finding, Verdict};

/// Events from which the gateway learns of new conversations and their participants.
const OWN_EVENTS: [&str; 2] = ["onConversationAdd", "onParticipantAdded"];

/// Returns the webhooks that a tenant needs: those of the gateway itself, and more events for its plugins.
pub(crate) fn needed(config: &Config, tenant: &Tenant, more_events: &[String]) -> Needed {
    let url = callback_url(config, tenant, Callback::Conversations);
    let roles = &tenant.roles;
    let own = if roles.crm.is_empty() && roles.conversations.is_empty() { &[][..] } else { &OWN_EVENTS };
    let mut events: Vec<_> = own.iter().map(|event| (*event).to_owned()).collect();
    for event in more_events {
        if !events.contains(event) {
            events.push(event.clone());
        }
    }
    let alias = url.strip_suffix("conversations").map(|start| format!("{start}twilio-conversations"));
    Needed { url, alias, events }
}

/// Compares the webhooks at Twilio with the need.
pub(crate) fn findings(tenant: &str, configuration: &WebhookConfiguration, needed: &Needed) -> Vec<Finding> {
    let finding = |found: &webhooks::Finding| {
        let (text, fix) = text(found, configuration, needed);
        Finding { fix, ..Finding::new(verdict(found), Some(tenant), "webhooks", text) }
    };
    configuration.findings(needed).iter().map(finding).collect()
}

fn verdict(found: &webhooks::Finding) -> Verdict {
    match found {
        webhooks::Finding::Sent { .. } => Verdict::Good,
        webhooks::Finding::SharedMethod { .. } => Verdict::Warning,
        _ => Verdict::Problem,
    }
}

/// Returns a finding as text, and the correction of a problem.
fn text(
    finding: &webhooks::Finding,
    configuration: &WebhookConfiguration,
    needed: &Needed,
) -> (String, Option<String>) {
    use webhooks::Finding;
    let place = |level: &Level| place(level, configuration);
    match finding {
        Finding::Sent { event, level, url } => {
            (format!("{event} is sent to {} by the {}", display_url(url), place(level)), None)
        }
        Finding::Url { kind, level, found } => {
            let found = found.as_deref().map_or_else(|| "not set".to_owned(), display_url);
            let words = format!("the URL of the {} webhook is {found}, in the {}", kind.name(), place(level));
            (words, Some(format!("set it to {}", display_url(&needed.url))))
        }
        Finding::Disabled { event, level } => {
            (format!("{event} is not enabled in the {}", place(level)), Some("enable it".to_owned()))
        }
        Finding::Method(level) => {
            (format!("the method of the webhooks is GET, in the {}", place(level)), Some("set it to POST".to_owned()))
        }
        Finding::SharedMethod { level, url } => {
            let words = format!(
                "the webhooks of the {} are sent by GET, and this is kept: Twilio has one method for both URLs, and {} \
                 belongs to another system; the gateway verifies webhooks by GET too. If that system accepts POST, \
                 change the method in Twilio's console",
                place(level),
                display_url(url)
            );
            (words, None)
        }
        Finding::Target => {
            ("the webhooks of the account go to Flex".to_owned(), Some("set their target to webhook".to_owned()))
        }
    }
}

/// Names a level, and the service that inherits it.
fn place(level: &Level, configuration: &WebhookConfiguration) -> String {
    let inherits = configuration.effective().0 == Level::Account;
    match &configuration.service {
        Some(service) if *level == Level::Account && inherits => {
            format!("account, inherited by service {}", service.sid)
        }
        _ => level.to_string(),
    }
}
