//! Chooses the plugin for a role of a tenant, and calls it on behalf of one request or delivery.

mod conversations;

use std::sync::Arc;

use frontgate_contract::Role;
use frontgate_runtime::CallError;
use frontgate_runtime::Engine;
use frontgate_runtime::LoadedPlugin;
use frontgate_runtime::Registry;
use frontgate_runtime::{Call, CallRecords, Caller, Deadlines, Directory};

use crate::directory::TenantDirectory;
use crate::front_app::FrontApp;
use crate::tenant::Tenant;

/// All live plugins, and the engine that runs them.
pub struct Plugins {
    pub(crate) engine: Arc<Engine>,
    pub(crate) registry: Arc<Registry>,
}

impl Plugins {
    /// The plugins of a registry, run by an engine.
    pub fn new(engine: Arc<Engine>, registry: Arc<Registry>) -> Self {
        Self { engine, registry }
    }

    /// Returns an invoker for one request of a tenant. `receipts` collects the records of its calls.
    pub fn invoker(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        request: &Arc<str>,
        deadlines: Deadlines,
        receipts: CallRecords,
    ) -> PluginInvoker {
        let caller = Caller {
            tenant: Arc::clone(&tenant.name),
            request: Arc::clone(request),
            share: Some(Arc::clone(&tenant.share)),
            records: receipts,
        };
        PluginInvoker { plugins: Arc::clone(self), tenant: Arc::clone(tenant), caller, deadlines }
    }
}

/// Calls plugins on behalf of one request.
pub struct PluginInvoker {
    plugins: Arc<Plugins>,
    tenant: Arc<Tenant>,
    caller: Caller,
    deadlines: Deadlines,
}

impl PluginInvoker {
    /// Whether the tenant names any plugin for a role.
    pub fn has(&self, role: Role) -> bool {
        !self.tenant.roles.plugins(role).is_empty()
    }

    /// The plugin for a role: the first of the named ones that is live and has the role.
    pub fn plugin(&self, role: Role) -> Result<Arc<LoadedPlugin>, CallError> {
        first_live(&self.plugins.registry, self.tenant.roles.plugins(role), role)
    }

    /// The plugin of a Front app's channels.
    pub fn channel_plugin(&self, app: &FrontApp) -> Result<Arc<LoadedPlugin>, CallError> {
        first_live(&self.plugins.registry, std::slice::from_ref(&app.plugin), Role::Channel)
    }

    /// All plugins for a role, in order, with `None` for each one that is being loaded for the first time.
    pub fn candidates(&self, role: Role) -> Vec<Option<Arc<LoadedPlugin>>> {
        let registry = &self.plugins.registry;
        let (names, loading) = (self.tenant.roles.plugins(role).iter(), registry.loading());
        let known = names.map(|name| (registry.get(name), loading.contains(name)));
        let present = known.filter(|(live, loading)| live.is_some() || *loading).map(|(live, _)| live);
        present.filter(|live| live.as_ref().is_none_or(|live| live.has(role))).collect()
    }

    /// A call of a plugin in a role. The plugin may ask for the tenant's customers, unless it is the CRM itself.
    pub fn call<'c>(&'c self, plugin: &'c Arc<LoadedPlugin>, role: Role) -> Call<'c> {
        let directory = (role != Role::Crm)
            .then(|| Arc::new(TenantDirectory::new(&self.plugins, &self.tenant)) as Arc<dyn Directory>);
        Call::new(&self.plugins.engine, plugin, &self.caller, self.deadlines, directory)
    }
}

/// The first of the named plugins that is live and has the role.
pub(crate) fn first_live(registry: &Registry, names: &[String], role: Role) -> Result<Arc<LoadedPlugin>, CallError> {
    let mut live = names.iter().filter_map(|name| registry.get(name));
    live.find(|live| live.has(role)).ok_or(CallError::NoPlugin(role))
}
