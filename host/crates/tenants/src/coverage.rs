//! Reports configured roles without a live plugin, as sentences for operators.

use std::collections::BTreeMap;

use frontgate_contract::Role;
use frontgate_runtime::Registry;

use crate::invoker::first_live;
use crate::settings::Settings;

/// Returns one sentence for each configured role without a live plugin.
pub fn unanswered(registry: &Registry, tenants: &BTreeMap<String, Settings>) -> Vec<String> {
    let all = tenants.iter().flat_map(|(tenant, settings)| settings.named().map(move |named| (tenant, named)));
    let unanswered = all.filter(|(_, (role, names, _))| first_live(registry, names, *role).is_err());
    let sentence = |(tenant, (role, names, _)): (&String, (Role, &[String], String))| {
        format!("tenant {tenant}: no live plugin has the role {role} (configured: {})", names.join(", "))
    };
    unanswered.map(sentence).collect()
}

/// Returns one sentence for each role that would lose its live plugin under the new configuration.
pub fn lost(registry: &Registry, old: &BTreeMap<String, Settings>, new: &BTreeMap<String, Settings>) -> Vec<String> {
    let mut reasons = Vec::new();
    for (tenant, settings) in new {
        let Some(before) = old.get(tenant) else { continue };
        for (role, names, key) in settings.named() {
            let mut before = before.named().filter(|(_, _, known)| *known == key);
            let was_answered = before.any(|(_, names, _)| first_live(registry, names, role).is_ok());
            if was_answered && first_live(registry, names, role).is_err() {
                let names = names.join(", ");
                reasons
                    .push(format!("tenant {tenant}: no live plugin would have the role {role} (configured: {names})"));
            }
        }
    }
    reasons
}

/// A plugin that is configured for a role, but is not live in that role.
#[derive(Debug)]
pub struct Missing {
    /// Description of the fault.
    pub reason: String,
    /// Name of the tenant.
    pub tenant: String,
    /// Name of the plugin.
    pub plugin: String,
    /// Whether the plugin is live, but only with other roles.
    pub is_live: bool,
}

/// Returns the plugins that do not have their configured role, if another plugin has that role.
pub fn missing(registry: &Registry, tenants: &BTreeMap<String, Settings>) -> Vec<Missing> {
    let mut found = Vec::new();
    for (tenant, settings) in tenants {
        for (role, names, _) in settings.named().filter(|(role, names, _)| first_live(registry, names, *role).is_ok()) {
            for name in names {
                let live = registry.get(name);
                let is_live = live.is_some();
                let fault = match live {
                    None => format!("plugin `{name}` of role {role} is not live; skipped"),
                    Some(live) if !live.roles().contains(&role) => {
                        let roles: Vec<_> = live.roles().into_iter().map(Role::name).collect();
                        format!("plugin `{name}` configured for role {role} has only the roles {}", roles.join(", "))
                    }
                    Some(_) => continue,
                };
                let reason = format!("tenant {tenant}: {fault}");
                found.push(Missing { reason, tenant: tenant.clone(), plugin: name.clone(), is_live });
            }
        }
    }
    found
}
