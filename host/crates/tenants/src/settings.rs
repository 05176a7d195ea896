//! `[tenants.NAME]`: the keys, Front apps and plugins of a tenant.

use std::collections::BTreeMap;
use std::slice;

use frontgate_contract::Role;
use serde::Deserialize;

/// The settings of a company whose callbacks are answered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The prefix of the tenant's paths: `/` for the only tenant, `/acme` for one of many.
    pub path: String,
    /// Keys and timeouts of Twilio.
    pub twilio: frontgate_twilio::Settings,
    /// Front apps, by the name in their addresses.
    pub front: BTreeMap<String, frontgate_front::Settings>,
    /// The plugins for each role.
    pub roles: Roles,
}

impl Default for Settings {
    fn default() -> Self {
        let (path, front) = ("/".to_owned(), BTreeMap::new());
        Self { path, twilio: frontgate_twilio::Settings::default(), front, roles: Roles::default() }
    }
}

impl Settings {
    /// Every list of plugins of which one must answer, with its role and its key.
    pub fn named(&self) -> impl Iterator<Item = (Role, &[String], String)> {
        let roles = Role::ALL.into_iter().map(|role| (role, self.roles.plugins(role), format!("roles.{role}")));
        let apps = self.front.iter();
        let apps =
            apps.map(|(name, app)| (Role::Channel, slice::from_ref(&app.plugin), format!("front.{name}.plugin")));
        roles.filter(|(_, names, _)| !names.is_empty()).chain(apps)
    }
}

/// Plugins for each role, in the order in which they are tried.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Roles {
    /// The first live one answers.
    pub crm: Vec<String>,
    /// The first live one answers.
    pub templates: Vec<String>,
    /// The first live one answers.
    pub outgoing: Vec<String>,
    /// The first one that names a worker decides.
    pub routing: Vec<String>,
    /// The first live one answers.
    pub conversations: Vec<String>,
}

impl Roles {
    /// The plugins of one role. The plugin of channels is a setting of their Front app.
    pub fn plugins(&self, role: Role) -> &[String] {
        match role {
            Role::Crm => &self.crm,
            Role::Templates => &self.templates,
            Role::Outgoing => &self.outgoing,
            Role::Routing => &self.routing,
            Role::Conversations => &self.conversations,
            Role::Channel => &[],
        }
    }
}
