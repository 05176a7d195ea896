//! Which plugin answers which role of which tenant, and how it is asked.

mod conversations;

use std::collections::BTreeMap;
use std::sync::Arc;

use frontgate_contract::Role;
use frontgate_runtime::{Call, CallError, CallRecords, Caller, Deadlines, Directory, Engine, LoadedPlugin, Registry};

use crate::directory::TenantDirectory;
use crate::{App, Settings, Tenant};

/// All live plugins, and where they run.
pub struct Plugins {
    pub(crate) engine: Arc<Engine>,
    pub(crate) registry: Arc<Registry>,
}

impl Plugins {
    /// What the registry holds, run by the engine.
    pub fn new(engine: Arc<Engine>, registry: Arc<Registry>) -> Self {
        Self { engine, registry }
    }

    /// Ready to ask on behalf of one request of a tenant.
    pub fn asking(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        request: &Arc<str>,
        deadlines: Deadlines,
        receipts: CallRecords,
    ) -> Asking {
        let caller = Caller {
            tenant: Arc::clone(&tenant.name),
            request: Arc::clone(request),
            share: Some(Arc::clone(&tenant.share)),
            records: receipts,
        };
        Asking { plugins: Arc::clone(self), tenant: Arc::clone(tenant), caller, deadlines }
    }
}

/// Asks plugins on behalf of one request.
pub struct Asking {
    plugins: Arc<Plugins>,
    tenant: Arc<Tenant>,
    caller: Caller,
    /// Until when the plugins must have answered.
    deadlines: Deadlines,
}

impl Asking {
    /// Whether any plugin is named for a role.
    pub fn has(&self, role: Role) -> bool {
        !self.tenant.roles.plugins(role).is_empty()
    }

    /// The plugin that answers a role: the first of the named ones that is live and has the role.
    pub fn answering(&self, role: Role) -> Result<Arc<LoadedPlugin>, CallError> {
        answering(&self.plugins.registry, self.tenant.roles.plugins(role), role)
    }

    /// The plugin of a Front app's channels.
    pub fn channel(&self, app: &App) -> Result<Arc<LoadedPlugin>, CallError> {
        answering(&self.plugins.registry, std::slice::from_ref(&app.plugin), Role::Channel)
    }

    /// Every plugin that answers a role, in order; none in the place of one that is being loaded for
    /// the first time.
    pub fn chain(&self, role: Role) -> Vec<Option<Arc<LoadedPlugin>>> {
        let registry = &self.plugins.registry;
        let (names, loading) = (self.tenant.roles.plugins(role).iter(), registry.loading());
        let known = names.map(|name| (registry.get(name), loading.contains(name)));
        let there = known.filter(|(live, loading)| live.is_some() || *loading).map(|(live, _)| live);
        there.filter(|live| live.as_ref().is_none_or(|live| live.has(role))).collect()
    }

    /// A call of a plugin in a role.
    pub fn call<'c>(&'c self, plugin: &'c Arc<LoadedPlugin>, role: Role) -> Call<'c> {
        let directory = (role != Role::Crm)
            .then(|| Arc::new(TenantDirectory::new(&self.plugins, &self.tenant)) as Arc<dyn Directory>);
        Call::new(&self.plugins.engine, plugin, &self.caller, self.deadlines, directory)
    }
}

/// Finds the first plugin that is live and has the role.
pub(crate) fn answering(registry: &Registry, names: &[String], role: Role) -> Result<Arc<LoadedPlugin>, CallError> {
    let mut live = names.iter().filter_map(|name| registry.get(name));
    live.find(|live| live.has(role)).ok_or(CallError::NoPlugin(role))
}

/// Roles that the configuration names plugins for and that no plugin answers, as sentences.
pub fn unanswered(registry: &Registry, tenants: &BTreeMap<String, Settings>) -> Vec<String> {
    let all = tenants.iter().flat_map(|(tenant, settings)| settings.named().map(move |named| (tenant, named)));
    let unanswered = all.filter(|(_, (role, names, _))| answering(registry, names, *role).is_err());
    let sentence = |(tenant, (role, names, _)): (&String, (Role, &[String], String))| {
        format!("tenant {tenant}: no plugin answers the role {role} (named: {})", names.join(", "))
    };
    unanswered.map(sentence).collect()
}

/// Roles that plugins answer under one configuration, and none would under another that names some, as
/// sentences.
pub fn lost(registry: &Registry, old: &BTreeMap<String, Settings>, new: &BTreeMap<String, Settings>) -> Vec<String> {
    let mut reasons = Vec::new();
    for (tenant, settings) in new {
        let Some(before) = old.get(tenant) else { continue };
        for (role, names, key) in settings.named() {
            let mut before = before.named().filter(|(_, _, known)| *known == key);
            let was_answered = before.any(|(_, names, _)| answering(registry, names, role).is_ok());
            if was_answered && answering(registry, names, role).is_err() {
                let names = names.join(", ");
                reasons
                    .push(format!("tenant {tenant}: no plugin would answer the role {role} any more (named: {names})"));
            }
        }
    }
    reasons
}

/// Plugins that are named for a role and do not answer it, though another does, as sentences.
pub fn missing(registry: &Registry, tenants: &BTreeMap<String, Settings>) -> Vec<String> {
    let mut reasons = Vec::new();
    for (tenant, settings) in tenants {
        for (role, names, _) in settings.named().filter(|(role, names, _)| answering(registry, names, *role).is_ok()) {
            for name in names {
                match registry.get(name) {
                    None => {
                        reasons.push(format!("tenant {tenant}: the role {role} names `{name}`, which is not there"))
                    }
                    Some(live) if !live.has(role) => {
                        let roles: Vec<_> = live.roles().into_iter().map(Role::name).collect();
                        let roles = roles.join(", ");
                        reasons.push(format!("tenant {tenant}: the role {role} names `{name}`, which answers {roles}"));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    reasons
}
