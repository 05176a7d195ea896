//! The last step for languages whose compilers make core modules: the component around one.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW1, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use super::World;

/// Makes a component of a core module: describes it with a world, unless its linker has done so, and adapts WASI
/// preview 1 to the WASI that the gateway has.
pub fn componentize(core: &Path, world: &World, component: &Path) -> anyhow::Result<()> {
    let mut module = fs::read(core).with_context(|| format!("reading {}", core.display()))?;
    anyhow::ensure!(module.starts_with(b"\0asm"), "{} is no WebAssembly module", core.display());
    anyhow::ensure!(
        !wasmparser::Parser::is_component(&module),
        "{} is a component already; a plugin can be just that file",
        core.display()
    );
    if !is_described(&module) {
        let (resolve, world) = world.resolve()?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    }
    let mut encoder = ComponentEncoder::default();
    let encoded = encoder.validate(true).module(&module)?.adapter(PREVIEW1, REACTOR)?.encode();
    let made = encoded.with_context(|| format!("{} does not fit the world", core.display()))?;
    let unfinished = component.with_extension("unfinished");
    let written = fs::write(&unfinished, made).and_then(|()| fs::rename(&unfinished, component));
    written.with_context(|| format!("writing {}", component.display()))
}

/// Whether the module carries a description: that of C's bindings is an object file of theirs.
fn is_described(module: &[u8]) -> bool {
    let sections = wasmparser::Parser::new(0).parse_all(module).map_while(Result::ok);
    sections.into_iter().any(|section| match section {
        wasmparser::Payload::CustomSection(section) => section.name().starts_with("component-type"),
        _ => false,
    })
}
