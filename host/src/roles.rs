//! Which plugin answers which role of which tenant.

use std::sync::Arc;

use crate::config::{Config, Role, Roles as Names};
use crate::error::Error;
use crate::plugin::live::Live;
use crate::plugin::registry::Registry;

/// The plugin that answers a role: the first of the named ones that is live and has the role.
pub fn answering(registry: &Registry, names: &Names, role: Role) -> Result<Arc<Live>, Error> {
    let live = names.plugins(role).iter().filter_map(|name| registry.get(name));
    live.into_iter().find(|live| live.roles().contains(&role)).ok_or(Error::NoPlugin(role))
}

/// Roles that the configuration names plugins for and that no plugin answers, as sentences.
pub fn unanswered(registry: &Registry, config: &Config) -> Vec<String> {
    let mut reasons = Vec::new();
    for (tenant, settings) in &config.tenants {
        for role in Role::ALL {
            let names = settings.roles.plugins(role);
            if !names.is_empty() && answering(registry, &settings.roles, role).is_err() {
                reasons
                    .push(format!("tenant {tenant}: no plugin answers the role {role} (named: {})", names.join(", ")));
            }
        }
    }
    reasons
}
