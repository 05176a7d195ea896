//! Converts core modules to components, for languages whose compilers write core modules.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW1, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use super::World;

/// Converts a core module to a component. Embeds the world, unless the linker has embedded it, and adapts WASI
/// preview 1 to preview 2.
pub fn componentize(core: &Path, world: &World, component: &Path) -> anyhow::Result<()> {
    let mut module = fs::read(core).with_context(|| format!("failed to read {}", core.display()))?;
    anyhow::ensure!(module.starts_with(b"\0asm"), "{} is not a WebAssembly module", core.display());
    anyhow::ensure!(
        !wasmparser::Parser::is_component(&module),
        "{} is a component already; use it as it is",
        core.display()
    );
    if !is_described(&module) {
        let (resolve, world) = world.resolve()?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    }
    let mut encoder = ComponentEncoder::default();
    let encoded = encoder.validate(true).module(&module)?.adapter(PREVIEW1, REACTOR)?.encode();
    let bytes = encoded.with_context(|| format!("{} does not match the world", core.display()))?;
    let unfinished = component.with_extension("unfinished");
    let written = fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, component));
    written.with_context(|| format!("failed to write {}", component.display()))
}

/// Returns whether the module already contains its world: C bindings include it in an object file.
fn is_described(module: &[u8]) -> bool {
    let sections = wasmparser::Parser::new(0).parse_all(module).map_while(Result::ok);
    sections.into_iter().any(|section| match section {
        wasmparser::Payload::CustomSection(section) => section.name().starts_with("component-type"),
        _ => false,
    })
}
