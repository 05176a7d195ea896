//! Another configuration: every live plugin is tried under it, and then it counts for all, or for none.

use std::sync::Arc;

use frontgate_runtime::settings::PluginConfig;
use frontgate_runtime::{LoadedPlugin, RuntimeConfig};
use tokio::sync::oneshot;
use tracing::warn;

use super::command::{self, Answer};
use super::{Finished, Reload};

/// Terms that every live plugin was tried under.
pub(super) struct Configuration {
    tried: Result<Arc<RuntimeConfig>, String>,
    answer: oneshot::Sender<command::Result>,
}

impl Reload {
    /// Tries every live plugin under a configuration.
    pub(super) fn configure(&mut self, config: &Arc<dyn PluginConfig>, answer: oneshot::Sender<command::Result>) {
        let terms = Arc::new(self.loader.terms_of(config));
        let (loader, live) = (Arc::clone(&self.loader), self.registry.live());
        self.attempts.spawn(async move {
            for (name, plugin) in live.iter() {
                if let Err(failure) = loader.try_under(plugin, &terms).await {
                    let tried = Err(format!("plugin `{name}` is not usable with it: {failure}"));
                    return Finished::Configured(Box::new(Configuration { tried, answer }));
                }
            }
            Finished::Configured(Box::new(Configuration { tried: Ok(terms), answer }))
        });
    }

    /// Ends that: every plugin goes on under the new terms, or nothing changes.
    pub(super) fn configured(&mut self, Configuration { tried, answer }: Configuration) {
        let result = tried.map(|terms| {
            self.loader.set_terms(terms);
            for plugin in self.registry.live().values() {
                self.put(Arc::clone(plugin));
            }
            Answer::default()
        });
        let _ = answer.send(result);
    }

    /// A version answers from here on, under the terms that count now, whatever it was linked under.
    pub(super) fn put(&self, live: Arc<LoadedPlugin>) {
        let current = match self.loader.current(&live) {
            Ok(current) => current,
            Err(error) => {
                let name = &*live.name;
                warn!(
                    event = "plugin.kept_earlier_configuration",
                    plugin = name,
                    "failed to link plugin `{name}` under the new configuration; keeping the earlier one: {error:#}"
                );
                live
            }
        };
        self.registry.replace(current);
    }
}
