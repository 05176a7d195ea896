//! The gateway's plugins as a library, without HTTP around them: what one call costs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use frontgate::config::{Config, Role};
use frontgate::plugin::live::Live;
use frontgate::plugin::load::reload::{Access, Reload};
use frontgate::plugin::outbound::network::Around;
use frontgate::plugin::registry::Registry;
use frontgate::plugin::run::call::{Deadlines, Receipts};
use frontgate::plugin::run::engine::Engine;
use frontgate::roles::{Asking, Plugins};
use frontgate::tenants::{self, Tenant};
use frontgate_tests::Setup;
use tokio::time::Instant;

use crate::servers::Gateway;

/// Longer than any call here takes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Live plugins of one configuration.
pub(crate) struct Library {
    plugins: Arc<Plugins>,
    tenants: Vec<Arc<Tenant>>,
    request: Arc<str>,
}

impl Library {
    /// Loads what a configuration names. Its plugins were compiled by a gateway before: only that can.
    pub(crate) async fn load(setup: Setup) -> anyhow::Result<(Self, Setup)> {
        let gateway = Gateway::start(setup)?;
        let Gateway { process, setup } = gateway;
        drop(process);
        let checked = Config::load(&setup.folder().join("config.toml")).map_err(|faults| anyhow!("{faults}"))?;
        let config = Arc::new(checked.config);
        let engine = Engine::new(&config.plugins, None)?;
        let registry = Arc::new(Registry::default());
        Reload::new(&engine, &registry, &config, Around::default(), Access::Read)?.load_until(|| false).await?;
        let plugins = Arc::new(Plugins::new(engine, registry));
        Ok((Self { plugins, tenants: tenants::all(&config), request: "bench".into() }, setup))
    }

    /// Ready to ask on behalf of a tenant, as a request is.
    pub(crate) fn asking(&self, tenant: &str) -> anyhow::Result<(Asking, Arc<Live>)> {
        let tenant = self.tenants.iter().find(|known| &*known.name == tenant).context("no such tenant")?;
        let until = Instant::now() + PATIENCE;
        let asking =
            self.plugins.asking(tenant, &self.request, Deadlines { queue: until, answer: until }, Receipts::default());
        let plugin = asking.answering(Role::Crm).map_err(|error| anyhow!("{error}"))?;
        Ok((asking, plugin))
    }
}
