//! One file outside a gateway: checked, compiled, linked and tried as a gateway would, and nothing remembered.

use std::path::Path;
use std::sync::Arc;

use ::bytes::Bytes;
use anyhow::anyhow;
use tokio::task::spawn_blocking;

use super::attempt::{self, Loader};
use super::bytes;
use super::folder::Seen;
use crate::config::Config;
use crate::plugin::contract::{self, Manifest};
use crate::plugin::live::Live;
use crate::plugin::outbound::network::Around;
use crate::plugin::run::engine::Engine;

/// The bytes of a file, within the size that a gateway takes.
pub(crate) async fn read(path: &Path, config: &Config) -> anyhow::Result<Bytes> {
    let (seen, max) = (Seen::of(path), config.plugins.file_bytes_max);
    let read = spawn_blocking(move || bytes::read(&seen, max, bytes::open_as_is)).await?;
    read.map(|(wasm, _)| wasm).map_err(|failure| anyhow!("{}: {failure}", path.display()))
}

/// What a file says of itself, the version of the contract that it was built with, and why that does not fit.
pub(crate) async fn describe(wasm: Bytes) -> anyhow::Result<(Manifest, Option<String>, Option<String>)> {
    spawn_blocking(move || {
        attempt::check(&wasm)?;
        let component = contract::Component::parse(&wasm)?;
        let misfit = component.misfit();
        Ok((component.manifest, component.version, misfit))
    })
    .await?
}

/// A plugin that can be called, under its name in the configuration.
pub(crate) async fn load(
    engine: &Arc<Engine>,
    config: &Arc<Config>,
    name: &str,
    wasm: Bytes,
    around: Around,
) -> anyhow::Result<Live> {
    let loader = Loader::new(engine, config, around)?;
    loader.single(name, wasm).await.map_err(|failure| anyhow!("{failure}"))
}
