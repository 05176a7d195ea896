//! Loads one file outside a gateway, with the gateway's checks, and without records.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::bytes::Bytes;
use anyhow::{Context as _, anyhow, bail};
use frontgate_contract::digest::Digest;
use frontgate_contract::{Description, Manifest};
use frontgate_runtime::settings::PluginConfig;
use frontgate_runtime::settings::Plugins;
use frontgate_runtime::{Engine, LoadedPlugin, NetworkOverrides};
use frontgate_system::sandbox::Confinement;
use tokio::task::spawn_blocking;

use super::attempt::Loader;
use super::bytes::{Sealed, Source, open_as_is};
use super::compiler_process::{self, Run, RunError, Times};
use super::folder::FileState;
use super::lock::Locked;

/// Reads a file within the gateway's size limit.
pub async fn read(path: &Path, plugins: &Plugins) -> anyhow::Result<Bytes> {
    let (source, max) = (Source::File(FileState::of(path), open_as_is), plugins.file_bytes_max);
    let read = spawn_blocking(move || {
        let (digest, _) = source.digest(max)?;
        source.read_all(max, digest)
    });
    read.await?.map_err(|failure| anyhow!("{}: {failure}", path.display()))
}

/// Describes a component in a child process.
pub async fn describe(wasm: Bytes, plugins: &Plugins) -> anyhow::Result<Description> {
    let max = plugins.file_bytes_max;
    let sealed = spawn_blocking(move || {
        let source = Source::Memory(wasm);
        source.digest(max)?.1?;
        source.seal(max)
    });
    let sealed = sealed.await?.map_err(|failure| anyhow!("{failure}"))?;
    let described = run(&sealed, plugins).await;
    described.map_err(|ended| match ended {
        RunError::Rejected(failure) => anyhow!("{failure}"),
        RunError::NotCompiled(said) | RunError::Crashed(said) => anyhow!("failed to read the component: {said}"),
        RunError::FirstTryTimeout => anyhow!("reading the component timed out"),
        RunError::Failed(error) => error,
    })
}

/// Returns the entry of `plugins.lock` for a file. The file is neither compiled nor run.
pub async fn locked(file: &Path, plugins: &Plugins) -> anyhow::Result<Locked> {
    let wasm = read(file, plugins).await?;
    let sha256 = Digest::of(&wasm);
    let described = describe(wasm, plugins).await.and_then(|described| match described {
        Description { incompatibility: Some(incompatibility), .. } => bail!(incompatibility),
        Description { manifest, .. } => Ok(manifest),
    });
    let Manifest { bytes, sdk, roles, imports, .. } =
        described.with_context(|| format!("{} is not a usable plugin", file.display()))?;
    Ok(Locked { sha256, bytes, sdk, roles, imports })
}

/// Returns the confinement of compiler processes on this machine, or `None` if no process can be started.
pub async fn confinement(plugins: &Plugins) -> Option<Arc<Confinement>> {
    let nothing = spawn_blocking(|| Source::Memory(Bytes::new()).seal(0)).await.ok()?.ok()?;
    // The process is confined before it reads the empty input.
    let _ = run(&nothing, plugins).await;
    compiler_process::confinement()
}

/// Loads a plugin under a name that the configuration may refer to.
pub async fn load(
    engine: &Arc<Engine>,
    config: &Arc<dyn PluginConfig>,
    name: &str,
    wasm: Bytes,
    overrides: NetworkOverrides,
) -> anyhow::Result<LoadedPlugin> {
    let loader = Loader::new(engine, config, overrides, None)?;
    loader.single(name, wasm).await.map_err(|failure| anyhow!("{failure}"))
}

async fn run(sealed: &Sealed, plugins: &Plugins) -> Result<Description, RunError> {
    let limit = Duration::from_millis(plugins.check_timeout_ms);
    // After the report, the process only has to end.
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
