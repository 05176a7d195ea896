//! `[tenants.NAME]`: whose callbacks are answered, with which keys, by which plugins.

use std::collections::BTreeMap;
use std::slice;

use frontgate_contract::Role;
use serde::Deserialize;

/// A company whose callbacks this gateway answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What the tenant's addresses begin with: `/` for the only tenant, `/acme` for one of many.
    pub path: String,
    /// How Twilio signs, and how long it waits.
    pub twilio: frontgate_twilio::Settings,
    /// Front apps whose channels are served, by the name that stands in their addresses.
    pub front: BTreeMap<String, frontgate_front::Settings>,
    /// Which plugins answer.
    pub roles: Roles,
}

impl Default for Settings {
    fn default() -> Self {
        let (path, front) = ("/".to_owned(), BTreeMap::new());
        Self { path, twilio: frontgate_twilio::Settings::default(), front, roles: Roles::default() }
    }
}

impl Settings {
    /// Every list of plugins of which one is to answer, with the role and the key under which it stands.
    pub fn named(&self) -> impl Iterator<Item = (Role, &[String], String)> {
        let roles = Role::ALL.into_iter().map(|role| (role, self.roles.plugins(role), format!("roles.{role}")));
        let apps = self.front.iter();
        let apps =
            apps.map(|(name, app)| (Role::Channel, slice::from_ref(&app.plugin), format!("front.{name}.plugin")));
        roles.filter(|(_, names, _)| !names.is_empty()).chain(apps)
    }
}

/// Plugins for each role, in the order in which they are asked.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Roles {
    /// The first one that is live answers.
    pub crm: Vec<String>,
    /// The first one that is live answers.
    pub templates: Vec<String>,
    /// The first one that is live answers.
    pub outgoing: Vec<String>,
    /// The first one that names a worker wins.
    pub routing: Vec<String>,
    /// The first one that is live answers.
    pub conversations: Vec<String>,
}

impl Roles {
    /// The plugins of one role. That of a Front app's channels stands with the app.
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
