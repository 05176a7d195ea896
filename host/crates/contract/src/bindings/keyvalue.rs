//! `wasi:keyvalue` as Rust types, generated from `wit/deps/keyvalue`.

wasmtime::component::bindgen!({
    path: "../../../wit/deps/keyvalue",
    world: "wasi:keyvalue/imports",
    imports: { default: async | trappable },
    with: { "wasi:keyvalue/store.bucket": OpenBucket },
});

pub use self::wasi::keyvalue::{atomics, batch, store};

/// A handle to the bucket of the plugin, the only one.
#[derive(Debug)]
pub struct OpenBucket;
