//! Chooses the plugin for a tenant's role, and calls it on behalf of one request or delivery.

mod conversations;

use std::sync::Arc;

use frontgate_contract::Role;
use frontgate_customers::Customers;
use frontgate_runtime::CallError;
use frontgate_runtime::Engine;
use frontgate_runtime::LoadedPlugin;
use frontgate_runtime::Registry;
use frontgate_runtime::{Call, CallRecords, Caller, Deadlines, Directory};

use crate::customers::Refreshes;
use crate::directory::TenantDirectory;
use crate::front_app::FrontApp;
use crate::tenant::Tenant;

/// All live plugins, and the engine that runs them.
pub struct Plugins {
    pub(crate) engine: Arc<Engine>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) customers: Arc<Customers>,
    pub(crate) refreshes: Refreshes,
}

impl Plugins {
    /// Creates the set of a registry's plugins, run by an engine.
    pub fn new(engine: Arc<Engine>, registry: Arc<Registry>, customers: Arc<Customers>) -> Self {
        Self { engine, registry, customers, refreshes: Refreshes::default() }
    }

    /// Returns the same set with another version of a plugin, which answers instead of the live one.
    pub fn with(&self, candidate: Arc<LoadedPlugin>) -> Arc<Self> {
        let registry = Arc::new(self.registry.with(candidate));
        Arc::new(Self::new(Arc::clone(&self.engine), registry, Arc::clone(&self.customers)))
    }

    /// Returns the customers of all tenants with an index.
    pub fn customers(&self) -> &Arc<Customers> {
        &self.customers
    }

    /// Returns an invoker for one request of a tenant. The records of its calls are added to `receipts`.
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
    pub(crate) plugins: Arc<Plugins>,
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) caller: Caller,
    pub(crate) deadlines: Deadlines,
}

impl PluginInvoker {
    /// Gives later calls another time limit.
    pub fn set_deadlines(&mut self, deadlines: Deadlines) {
        self.deadlines = deadlines;
    }

    /// Returns whether the calls change nothing.
    pub(crate) fn is_dry(&self) -> bool {
        self.caller.records.is_dry()
    }

    /// Returns whether the configuration names any plugin for a role of the tenant.
    pub fn has(&self, role: Role) -> bool {
        !self.tenant.roles.plugins(role).is_empty()
    }

    /// Returns the plugin for a role: the first configured one that is live and has the role.
    pub fn plugin(&self, role: Role) -> Result<Arc<LoadedPlugin>, CallError> {
        first_live(&self.plugins.registry, self.tenant.roles.plugins(role), role)
    }

    /// Returns the plugin for a Front app's channels.
    pub fn channel_plugin(&self, app: &FrontApp) -> Result<Arc<LoadedPlugin>, CallError> {
        first_live(&self.plugins.registry, std::slice::from_ref(&app.plugin), Role::Channel)
    }

    /// Returns the plugin for the sign-in of a Front app.
    pub fn login_plugin(&self, app: &FrontApp) -> Result<Arc<LoadedPlugin>, CallError> {
        first_live(&self.plugins.registry, std::slice::from_ref(&app.plugin), Role::ChannelLogin)
    }

    /// Returns all configured plugins for a role, in order. `None` is one that is still loading for the first time.
    pub fn candidates(&self, role: Role) -> Vec<Option<Arc<LoadedPlugin>>> {
        let registry = &self.plugins.registry;
        let (names, loading) = (self.tenant.roles.plugins(role).iter(), registry.loading());
        let known = names.map(|name| (registry.get(name), loading.contains(name)));
        let present = known.filter(|(live, loading)| live.is_some() || *loading).map(|(live, _)| live);
        present.filter(|live| live.as_ref().is_none_or(|live| live.has(role))).collect()
    }

    /// Creates a call of a plugin in a role. Except in the roles `crm` and `crm-source`, the plugin may look up the tenant's customers.
    pub fn call<'c>(&'c self, plugin: &'c Arc<LoadedPlugin>, role: Role) -> Call<'c> {
        let directory = (!matches!(role, Role::Crm | Role::CrmSource))
            .then(|| Arc::new(TenantDirectory::new(&self.plugins, &self.tenant)) as Arc<dyn Directory>);
        Call::new(&self.plugins.engine, plugin, &self.caller, self.deadlines, directory)
    }
}

/// Returns the first of the named plugins that is live and has the role.
pub(crate) fn first_live(registry: &Registry, names: &[String], role: Role) -> Result<Arc<LoadedPlugin>, CallError> {
    let mut live = names.iter().filter_map(|name| registry.get(name));
    live.find(|live| live.has(role)).ok_or(CallError::NoPlugin(role))
}
