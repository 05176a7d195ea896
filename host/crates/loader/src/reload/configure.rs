//! Applies another configuration, either to all live plugins or to no plugin.

use std::sync::Arc;

use frontgate_runtime::LoadedPlugin;
use frontgate_runtime::settings::PluginConfig;
use tokio::sync::oneshot;
use tracing::warn;

use super::Reload;
use super::command::{self, Answer};
use super::task::{Configuration, TaskResult};

impl Reload {
    /// Starts a task that starts every live plugin once under a configuration.
    pub(super) fn configure(&mut self, config: &Arc<dyn PluginConfig>, answer: oneshot::Sender<command::Result>) {
        let config = Arc::new(self.loader.config_for(config));
        let (loader, live) = (Arc::clone(&self.loader), self.registry.live());
        self.attempts.spawn(async move {
            for (name, plugin) in live.iter() {
                if let Err(failure) = loader.try_under(plugin, &config).await {
                    let tried = Err(format!("plugin `{name}` cannot start under the new configuration: {failure}"));
                    return TaskResult::Configured(Box::new(Configuration { tried, answer }));
                }
            }
            TaskResult::Configured(Box::new(Configuration { tried: Ok(config), answer }))
        });
    }

    /// Handles the result of that task: activates every plugin under the configuration, or changes nothing.
    pub(super) fn configured(&mut self, Configuration { tried, answer }: Configuration) {
        let result = tried.map(|config| {
            self.loader.set_config(config);
            for plugin in self.registry.live().values() {
                self.activate(Arc::clone(plugin));
            }
            Answer::default()
        });
        let _ = answer.send(result);
    }

    /// Makes a version live, linked under the configuration in effect.
    pub(super) fn activate(&self, live: Arc<LoadedPlugin>) {
        let current = match self.loader.current(&live) {
            Ok(current) => current,
            Err(error) => {
                let name = &*live.name;
                warn!(
                    event = "plugin.kept_earlier_configuration",
                    plugin = name,
                    "failed to link plugin `{name}` under the new configuration, its earlier grants stay in effect: \
                     {error:#}"
                );
                live
            }
        };
        self.registry.replace(current);
    }
}
