//! `[tenants.NAME]`: a company, the keys that verify its callbacks, and the plugins that answer them.

use std::collections::BTreeMap;
use std::slice;

use frontgate_contract::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

/// A company whose callbacks this gateway answers. `NAME` is free to choose.
#[derive(Debug, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Path before the tenant's callbacks: `/` for a single tenant, `/acme` for one of many.
    #[default = "/"]
    pub path: String,
    /// The tenant's Twilio account: keys of its callbacks, credentials for its API, and timeouts.
    pub twilio: frontgate_twilio::Settings,
    /// Front apps whose channels are served, by the name in their URLs.
    pub front: BTreeMap<String, frontgate_front::Settings>,
    /// Plugins for each role, in the order in which they are asked.
    pub roles: Roles,
    /// The gateway's own index of the customers.
    pub customers: frontgate_customers::Settings,
}

impl Settings {
    /// Returns each list of plugins with its role and its key below `[tenants.NAME]`.
    pub fn named(&self) -> impl Iterator<Item = (Role, &[String], String)> {
        let roles = Role::ALL.into_iter().map(|role| (role, self.roles.plugins(role), format!("roles.{role}")));
        let apps = self.front.iter();
        let apps = apps.flat_map(|(name, app)| {
            let login = app.oauth.as_ref().map(|_| Role::ChannelLogin);
            let roles = [Some(Role::Channel), login].into_iter().flatten();
            roles.map(move |role| (role, slice::from_ref(&app.plugin), format!("front.{name}.plugin")))
        });
        roles.filter(|(_, names, _)| !names.is_empty()).chain(apps)
    }
}

/// Plugins for each role, in the order in which they are asked.
#[derive(Debug, Default, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Roles {
    /// Plugins for customers of the CRM. The first loaded plugin answers.
    pub crm: Vec<String>,
    /// Plugins for message templates. The first loaded plugin answers.
    pub templates: Vec<String>,
    /// Plugins for the number of an outgoing conversation. The first loaded plugin answers.
    pub outgoing: Vec<String>,
    /// Plugins that assign inbound conversations. The first plugin that names a worker decides.
    pub routing: Vec<String>,
    /// Plugins for Conversations webhooks. The first loaded plugin answers. Without one, the gateway names
    /// conversations and participants after the CRM's customer.
    pub conversations: Vec<String>,
    /// Plugins that log calls, such as in the CRM. The first loaded plugin logs a call.
    pub calls: Vec<String>,
    /// Plugins that report customers for the index. The first loaded plugin is the source.
    #[serde(rename = "crm-source")]
    pub crm_source: Vec<String>,
}

impl Roles {
    /// Returns the plugins of a role. The plugin for channels belongs to its Front app.
    pub fn plugins(&self, role: Role) -> &[String] {
        match role {
            Role::Crm => &self.crm,
            Role::Templates => &self.templates,
            Role::Outgoing => &self.outgoing,
            Role::Routing => &self.routing,
            Role::Conversations => &self.conversations,
            Role::Calls => &self.calls,
            Role::CrmSource => &self.crm_source,
            Role::Channel | Role::ChannelLogin => &[],
        }
    }
}
