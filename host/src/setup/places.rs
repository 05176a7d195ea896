//! The place of each URL in Twilio's console.

use frontgate_config::Config;
use frontgate_gateway::routes::Callback;
use frontgate_tenants::Tenant;

/// Frontline's URLs.
pub(crate) const FRONTLINE: [(Callback, &str); 4] = [
    (Callback::Crm, "Frontline > Manage > Callbacks > CRM"),
    (Callback::Outgoing, "Frontline > Manage > Callbacks > Outgoing Conversations"),
    (Callback::Templates, "Frontline > Manage > Callbacks > Templates"),
    (Callback::Routing, "Frontline > Manage > Routing > Custom routing"),
];

/// URLs of calls, for a tenant with `[tenants.NAME.twilio.voice]`. Twilio gets the other ones with each answer.
pub(crate) const VOICE: [(Callback, &str); 2] = [
    (Callback::Voice, "Phone Numbers > the number > Voice > A call comes in"),
    (Callback::Voice, "Voice > TwiML apps > Frontline's app > Voice request URL"),
];

/// Place of the webhooks of Conversations.
pub(crate) const WEBHOOKS: &str = "Conversations > Manage > Webhooks";

/// Returns the public URL of a callback.
pub(crate) fn callback_url(config: &Config, tenant: &Tenant, callback: Callback) -> String {
    format!("{}{}", config.public_url(), callback.path(tenant))
}
