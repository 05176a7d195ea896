//! The contract of `wit/` as Rust types, generated. Everyone may name them; nobody else parses WIT.
#![expect(missing_docs, reason = "generated; the documentation is in wit/")]

pub mod keyvalue;

wasmtime::component::bindgen!({
    path: "../../../wit",
    inline: "
        package frontgate:host;

        world every-role {
          include frontgate:plugin/imports@0.1.0;
          export frontgate:plugin/crm@0.1.0;
          export frontgate:plugin/templates@0.1.0;
          export frontgate:plugin/outgoing@0.1.0;
          export frontgate:plugin/routing@0.1.0;
          export frontgate:plugin/conversations@0.1.0;
          export frontgate:plugin/channel@0.1.0;
        }
    ",
    world: "frontgate:host/every-role",
    include_component_type: true,
    imports: { "frontgate:plugin/attachments": async, "frontgate:plugin/directory": async, "frontgate:plugin/http-client": async, "frontgate:plugin/state": async },
    exports: { default: async },
});

pub use self::exports::frontgate::plugin::{channel, conversations, crm, outgoing, routing, templates};
pub use self::frontgate::plugin::{
    attachments, directory, host_random, http_client, log, plugin_types, settings, state, webhook_signatures,
};
