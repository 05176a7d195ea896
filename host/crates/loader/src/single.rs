//! One file outside a gateway: checked, compiled, linked and tried as a gateway would, and nothing remembered.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::bytes::Bytes;
use anyhow::anyhow;
use frontgate_contract::Description;
use frontgate_runtime::settings::PluginConfig;
use frontgate_runtime::settings::Plugins;
use frontgate_runtime::{Engine, LoadedPlugin, NetworkOverrides};
use frontgate_system::sandbox::Confinement;
use tokio::task::spawn_blocking;

use super::attempt::Loader;
use super::bytes::{Sealed, Source, open_as_is};
use super::compile::{self, Ended, Run, Times};
use super::folder::Seen;

/// The bytes of a file, within the size that a gateway takes.
pub async fn read(path: &Path, plugins: &Plugins) -> anyhow::Result<Bytes> {
    let (source, max) = (Source::File(Seen::of(path), open_as_is), plugins.file_bytes_max);
    let read = spawn_blocking(move || {
        let (digest, _) = source.digest(max)?;
        source.hold(max, digest)
    });
    read.await?.map_err(|failure| anyhow!("{}: {failure}", path.display()))
}

/// What a file says of itself, as a process of its own reads it.
pub async fn describe(wasm: Bytes, plugins: &Plugins) -> anyhow::Result<Description> {
    let max = plugins.file_bytes_max;
    let sealed = spawn_blocking(move || {
        let source = Source::Held(wasm);
        source.digest(max)?.1?;
        source.seal(max)
    });
    let sealed = sealed.await?.map_err(|failure| anyhow!("{failure}"))?;
    let described = run(&sealed, plugins).await;
    described.map_err(|ended| match ended {
        Ended::Refused(failure) => anyhow!("{failure}"),
        Ended::NotCompiled(said) | Ended::Died(said) => anyhow!("it cannot be read: {said}"),
        Ended::Slow => anyhow!("it cannot be read in time"),
        Ended::Failed(error) => error,
    })
}

/// What confines the process that reads and compiles files on this machine; none if it cannot be started.
pub async fn confinement(plugins: &Plugins) -> Option<Arc<Confinement>> {
    let nothing = spawn_blocking(|| Source::Held(Bytes::new()).seal(0)).await.ok()?.ok()?;
    // It is confined before it finds that there is nothing to read.
    let _ = run(&nothing, plugins).await;
    compile::confinement()
}

/// A plugin that can be called, under its name in the configuration.
pub async fn load(
    engine: &Arc<Engine>,
    config: &Arc<dyn PluginConfig>,
    name: &str,
    wasm: Bytes,
    overrides: NetworkOverrides,
) -> anyhow::Result<LoadedPlugin> {
    let loader = Loader::new(engine, config, overrides)?;
    loader.single(name, wasm).await.map_err(|failure| anyhow!("{failure}"))
}

async fn run(sealed: &Sealed, plugins: &Plugins) -> Result<Description, Ended> {
    let limit = Duration::from_millis(plugins.check_timeout_ms);
    // After its report the process only has to end.
    let times = Times { check: limit, compile: limit, first_try: None };
    let run = Run {
        name: "-",
        sealed,
        compile: None,
        times,
        memory_bytes_max: plugins.compile_memory_bytes_max,
        code_bytes_max: 0,
    };
    run.run(&|_| Ok(())).await
}
