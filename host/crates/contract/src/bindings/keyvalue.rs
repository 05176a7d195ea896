//! `wasi:keyvalue` as Rust types, generated from `wit/deps/keyvalue`.

wasmtime::component::bindgen!({
    path: "../../../wit/deps/keyvalue",
    world: "wasi:keyvalue/imports",
    imports: { default: async | trappable },
    with: { "wasi:keyvalue/store.bucket": OpenBucket },
});

pub use self::wasi::keyvalue::{atomics, batch, store};

/// Handle to the only bucket of a plugin.
#[derive(Debug)]
pub struct OpenBucket;
