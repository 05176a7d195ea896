//! Versions of plugins that are not live: reads and loads them for the console.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use frontgate_config::Config;
use frontgate_contract::digest::Digest;
use frontgate_loader::single;
use frontgate_runtime::settings::PluginConfig;
use frontgate_runtime::{Engine, LoadedPlugin, NetworkOverrides};

/// Loads versions that wait for approval.
pub(crate) struct Candidates {
    /// The configuration's path.
    config: PathBuf,
    engine: Arc<Engine>,
    overrides: NetworkOverrides,
}

impl Candidates {
    pub(super) fn new(config: &Path, engine: &Arc<Engine>, overrides: NetworkOverrides) -> Self {
        Self { config: config.to_owned(), engine: Arc::clone(engine), overrides }
    }

    /// Returns the path of the configuration.
    #[cfg(feature = "authoring")]
    pub(crate) fn config_file(&self) -> &Path {
        &self.config
    }

    /// Reads a version from the plugin folder.
    pub(crate) async fn read(&self, config: &Config, name: &str, digest: Digest) -> anyhow::Result<Bytes> {
        let file = config.plugins.directory.join(format!("{name}.wasm"));
        let wasm = single::read(&file, &config.plugins).await?;
        ensure!(Digest::of(&wasm) == digest, "{} has another version by now", file.display());
        Ok(wasm)
    }

    /// Loads a version with the grants of the configuration, without making it live.
    pub(crate) async fn load(&self, config: Arc<Config>, name: &str, digest: Digest) -> anyhow::Result<LoadedPlugin> {
        let wasm = self.read(&config, name, digest).await?;
        let config: Arc<dyn PluginConfig> = config;
        single::load(&self.engine, &config, name, wasm, self.overrides.clone()).await.context("failed to load it")
    }
}
