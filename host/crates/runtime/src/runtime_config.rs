//! What plugins run under: the configuration as it is now, and the network that it describes.

use std::sync::Arc;

use frontgate_contract::Role;

use super::grants::Grants;
use super::outbound::network::{Network, NetworkOverrides};
use super::settings::{Limits, PluginConfig, Plugins};

/// One configuration, as plugins see it.
pub struct RuntimeConfig {
    config: Arc<dyn PluginConfig>,
    network: Arc<Network>,
}

impl RuntimeConfig {
    /// The terms of a gateway with this overrides it.
    pub fn new(config: &Arc<dyn PluginConfig>, overrides: &NetworkOverrides) -> Self {
        Self { config: Arc::clone(config), network: Arc::new(Network::new(config.plugins(), overrides)) }
    }

    /// For all plugins.
    pub fn plugins(&self) -> &Plugins {
        self.config.plugins()
    }

    /// What one plugin may use; one that the configuration does not name has no grants.
    pub(super) fn grants(&self, plugin: &Arc<str>) -> Grants {
        Grants::new(plugin, self.plugins().named.get(&**plugin), &self.network, &self.plugins().state)
    }

    /// How much of it.
    pub(super) fn limits(&self, plugin: &str) -> Limits {
        match self.plugins().named.get(plugin) {
            Some(named) => self.plugins().limits.with(&named.limits),
            None => self.plugins().limits.clone(),
        }
    }

    /// Whether some tenant names a plugin for a role.
    pub fn is_named(&self, plugin: &str, role: Role) -> bool {
        self.config.roles_of(plugin).contains(&role)
    }

    /// Whether some tenant names a plugin for anything.
    pub fn is_used(&self, plugin: &str) -> bool {
        !self.config.roles_of(plugin).is_empty()
    }
}
