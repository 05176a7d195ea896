//! The configuration that plugins are linked under.
//!
//! A change of the configuration links every plugin again.

use std::sync::Arc;

use frontgate_contract::Role;

use crate::grants::Grants;
use crate::outbound::network::{Network, NetworkOverrides};
use crate::settings::{Limits, PluginConfig, Plugins};

/// The configuration of plugins, and the network that it describes.
pub struct RuntimeConfig {
    config: Arc<dyn PluginConfig>,
    network: Arc<Network>,
}

impl RuntimeConfig {
    /// Reads the configuration of a gateway.
    pub fn new(config: &Arc<dyn PluginConfig>, overrides: &NetworkOverrides) -> Self {
        Self { config: Arc::clone(config), network: Arc::new(Network::new(config.plugins(), overrides)) }
    }

    /// Returns the section `[plugins]`.
    pub fn plugins(&self) -> &Plugins {
        self.config.plugins()
    }

    /// Returns the grants of one plugin. A plugin that the configuration does not name has no grants.
    pub(crate) fn grants(&self, plugin: &Arc<str>) -> Grants {
        Grants::new(plugin, self.plugins().named.get(&**plugin), &self.network, &self.plugins().state)
    }

    /// Returns the limits of one plugin's calls.
    pub(crate) fn limits(&self, plugin: &str) -> Limits {
        match self.plugins().named.get(plugin) {
            Some(named) => self.plugins().limits.with(&named.limits),
            None => self.plugins().limits.clone(),
        }
    }

    /// Checks whether a tenant names a plugin for a role.
    pub fn is_named(&self, plugin: &str, role: Role) -> bool {
        self.config.roles_of(plugin).contains(&role)
    }

    /// Checks whether a tenant names a plugin for any role.
    pub fn is_used(&self, plugin: &str) -> bool {
        !self.config.roles_of(plugin).is_empty()
    }
}
