//! The gateway's plugin engine as a library, without HTTP, to measure one call.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use frontgate_config::Config;
use frontgate_contract::Role;
use frontgate_loader::reload::{Access, Reload};
use frontgate_runtime::settings::PluginConfig;
use frontgate_runtime::{CallRecords, Deadlines, Engine, LoadedPlugin, NetworkOverrides, Registry, Services};
use frontgate_tenants::Tenant;
use frontgate_tenants::{PluginInvoker, Plugins};
use frontgate_tests::Setup;
use tokio::time::Instant;

use crate::servers::Gateway;

/// Time limit of a call; longer than any measured call takes.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The live plugins of a configuration.
pub(crate) struct Library {
    plugins: Arc<Plugins>,
    tenants: Vec<Arc<Tenant>>,
    request: Arc<str>,
}

impl Library {
    /// Loads the plugins of a configuration. Starts a gateway first to compile them, because the library cannot.
    pub(crate) async fn load(setup: Setup) -> anyhow::Result<(Self, Setup)> {
        let gateway = Gateway::start(setup)?;
        let Gateway { process, setup } = gateway;
        drop(process);
        let checked = Config::load(&setup.folder().join("config.toml")).map_err(|faults| anyhow!("{faults}"))?;
        let config = Arc::new(checked.config);
        let engine = Engine::new(&config.plugins, Services::default())?;
        let registry = Arc::new(Registry::default());
        let plugins_config: Arc<dyn PluginConfig> = Arc::clone(&config) as _;
        Reload::new(&engine, &registry, &plugins_config, NetworkOverrides::default(), Access::Read, None)?
            .load_until(|| false)
            .await?;
        let plugins = Arc::new(Plugins::new(engine, registry, Arc::default()));
        Ok((Self { plugins, tenants: config.all_tenants(), request: "bench".into() }, setup))
    }

    /// Prepares a call for a tenant, as the gateway does for a request.
    pub(crate) fn asking(&self, tenant: &str) -> anyhow::Result<(PluginInvoker, Arc<LoadedPlugin>)> {
        let tenant = self.tenants.iter().find(|known| &*known.name == tenant).context("no such tenant")?;
        let until = Instant::now() + TIMEOUT;
        let asking = self.plugins.invoker(
            tenant,
            &self.request,
            Deadlines { queue: until, answer: until },
            CallRecords::default(),
        );
        let plugin = asking.plugin(Role::Crm).map_err(|error| anyhow!("{error}"))?;
        Ok((asking, plugin))
    }
}
