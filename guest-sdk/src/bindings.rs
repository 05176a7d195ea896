//! The contract of `wit/` as Rust types, generated. Plugins use what the crate's root re-exports.

wit_bindgen::generate!({
    path: "../wit",
    world: "frontgate:plugin/imports",
    additional_derives: [PartialEq],
});

/// The world of one role: only a plugin that exports the role carries its description.
pub mod crm_world {
    wit_bindgen::generate!({
        path: "../wit",
        world: "frontgate:plugin/crm-plugin",
        with: {
            "frontgate:plugin/plugin-types@0.1.0": super::frontgate::plugin::plugin_types,
            "frontgate:plugin/settings@0.1.0": super::frontgate::plugin::settings,
            "frontgate:plugin/log@0.1.0": super::frontgate::plugin::log,
            "frontgate:plugin/state@0.1.0": super::frontgate::plugin::state,
            "frontgate:plugin/http-client@0.1.0": super::frontgate::plugin::http_client,
            "frontgate:plugin/host-random@0.1.0": super::frontgate::plugin::host_random,
            "frontgate:plugin/directory@0.1.0": super::frontgate::plugin::directory,
        },
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_crm",
    });
}

pub use self::crm_world::exports::frontgate::plugin::crm;
pub use self::frontgate::plugin::{host_random, log, plugin_types, settings};
