//! Asks Twilio's API about a tenant: credentials, webhooks and numbers. Changes nothing.

use std::sync::Arc;

use frontgate_config::Config;
use frontgate_gateway::routes::Callback;
use frontgate_net::Client;
use frontgate_tenants::{Tenant, display_url};
use frontgate_twilio_rest::addresses::{Address, AddressChange};
use frontgate_twilio_rest::webhooks::WebhookConfiguration;
use frontgate_twilio_rest::{ApiError, ConversationsApi, describe};
use hyper::StatusCode;

use super::places::callback_url;
use super::{Finding, Verdict, webhooks};

/// The configuration at Twilio.
#[derive(PartialEq)]
pub(crate) struct Found {
    pub(crate) webhooks: WebhookConfiguration,
    pub(crate) addresses: Vec<Address>,
}

impl Found {
    /// Reads the configuration.
    pub(crate) async fn read(api: &ConversationsApi) -> Result<Self, ApiError> {
        Ok(Self { webhooks: api.webhooks().await?, addresses: api.addresses().await? })
    }

    /// Returns the change after which messages to a number create conversations in the tenant's service.
    pub(crate) fn address_change(&self, number: &str) -> Option<AddressChange> {
        let service = self.webhooks.service.as_ref().map(|service| service.sid.as_str());
        let is_default = !self.webhooks.is_service_named;
        AddressChange::to_create_conversations(&self.addresses, number, service, is_default)
    }

    /// Returns a warning for each number of the tenant whose messages go elsewhere. An address without a configuration
    /// may create conversations through its Messaging Service, which this API does not show.
    pub(crate) fn elsewhere(&self, tenant: &Tenant) -> Vec<Finding> {
        let changes = tenant.numbers.iter().filter_map(|number| self.address_change(number));
        let warning = |change: AddressChange| {
            let number = change.address;
            let text = format!(
                "{number} of [tenants.{}.twilio] creates no conversations in the tenant's service",
                tenant.name
            );
            let finding = Finding::new(Verdict::Warning, Some(&tenant.name), &number, text);
            finding.with_fix(format!("run `frontgate setup twilio --tenant {} --number {number}`", tenant.name))
        };
        changes.filter(|change| change.sid.is_some()).map(warning).collect()
    }
}

/// Returns the client of a tenant's account, or a warning if the tenant has no credentials.
pub(crate) fn api(config: &Config, tenant: &Tenant, client: &Arc<Client>) -> Result<ConversationsApi, Finding> {
    let settings = &config.tenants[&*tenant.name].twilio;
    ConversationsApi::new(settings, client).ok_or_else(|| {
        let text = "not checked, no credentials for Twilio's API; add api_key and api_secret";
        Finding::new(Verdict::Warning, Some(&tenant.name), "credentials", text)
    })
}

/// Returns what `frontgate check --online` shows for a tenant.
pub(crate) async fn check(config: &Config, tenant: &Tenant, api: &ConversationsApi) -> Vec<Finding> {
    match api.webhooks().await {
        Ok(configuration) => compared(config, tenant, &configuration),
        Err(failure) => vec![failed(config, tenant, &failure)],
    }
}

/// Compares the webhooks with the need. The URLs of Frontline have no API.
pub(super) fn compared(config: &Config, tenant: &Tenant, configuration: &WebhookConfiguration) -> Vec<Finding> {
    let name = &*tenant.name;
    let address = display_url(&config.tenants[name].twilio.conversations_url);
    let accepted = format!("{address} accepts the credentials");
    let mut findings = vec![Finding::new(Verdict::Good, Some(name), "credentials", accepted)];
    let needed = webhooks::needed(config, tenant, &[]);
    findings.extend(webhooks::findings(name, configuration, &needed).into_iter().map(|finding| {
        let fix = finding.fix.as_ref().map(|fix| format!("{fix}, or run `frontgate setup twilio`"));
        Finding { fix, ..finding }
    }));
    for callback in [Callback::Crm, Callback::Templates, Callback::Outgoing, Callback::Routing] {
        let url = display_url(&callback_url(config, tenant, callback));
        let text = format!("check in Twilio's console that the URL of {} is {url}", callback.name());
        findings.push(Finding::new(Verdict::ByHand, Some(name), callback.name(), text));
    }
    findings
}

pub(super) fn failed(config: &Config, tenant: &Tenant, failure: &ApiError) -> Finding {
    let name = &*tenant.name;
    let text = format!("{}: {}", config.tenants[name].twilio.conversations_url, describe(failure));
    match failure {
        ApiError::Rejected { status, .. } if !is_busy(*status) => {
            let finding = Finding::new(Verdict::Problem, Some(name), "credentials", text);
            finding.with_fix(format!("correct [tenants.{name}.twilio]"))
        }
        _ => Finding::new(Verdict::Unanswered, Some(name), "Twilio's API", text),
    }
}

/// Returns whether a status allows no conclusion about the credentials.
fn is_busy(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}
