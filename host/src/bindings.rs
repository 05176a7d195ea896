//! The contract of `wit/` as Rust types, generated. Everyone may name them; nobody else parses WIT.
#![expect(missing_docs, reason = "generated; the documentation is in wit/")]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "frontgate:plugin/crm-plugin",
    exports: { default: async },
});

pub use self::exports::frontgate::plugin::crm;
pub use self::frontgate::plugin::{directory, host_random, http_client, log, plugin_types, settings, state};
