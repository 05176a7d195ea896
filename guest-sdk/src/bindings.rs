//! Generated Rust types of the contract in `wit/`. Plugins use the re-exports of the crate's root.

wit_bindgen::generate!({
    path: "../wit",
    world: "frontgate:plugin/imports",
    additional_derives: [PartialEq],
});

/// Generates the bindings of one role. Only a plugin that exports the role contains the role's type information.
macro_rules! role {
    ($module:ident, $world:literal, $export:literal) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "../wit",
                world: $world,
                with: {
                    "frontgate:plugin/plugin-types@0.1.0": super::frontgate::plugin::plugin_types,
                    "frontgate:plugin/settings@0.1.0": super::frontgate::plugin::settings,
                    "frontgate:plugin/log@0.1.0": super::frontgate::plugin::log,
                    "frontgate:plugin/state@0.1.0": super::frontgate::plugin::state,
                    "frontgate:plugin/http-client@0.1.0": super::frontgate::plugin::http_client,
                    "frontgate:plugin/attachments@0.1.0": super::frontgate::plugin::attachments,
                    "frontgate:plugin/host-random@0.1.0": super::frontgate::plugin::host_random,
                    "frontgate:plugin/directory@0.1.0": super::frontgate::plugin::directory,
                    "frontgate:plugin/actions@0.1.0": super::frontgate::plugin::actions,
                    "frontgate:plugin/webhook-signatures@0.1.0": super::frontgate::plugin::webhook_signatures,
                },
                additional_derives: [PartialEq],
                pub_export_macro: true,
                export_macro_name: $export,
            });
        }
    };
}

role!(crm_world, "frontgate:plugin/crm-plugin", "export_crm");
role!(templates_world, "frontgate:plugin/templates-plugin", "export_templates");
role!(outgoing_world, "frontgate:plugin/outgoing-plugin", "export_outgoing");
role!(routing_world, "frontgate:plugin/routing-plugin", "export_routing");
role!(conversations_world, "frontgate:plugin/conversations-plugin", "export_conversations");
role!(calls_world, "frontgate:plugin/calls-plugin", "export_calls");
role!(crm_source_world, "frontgate:plugin/crm-source-plugin", "export_crm_source");
role!(channel_login_world, "frontgate:plugin/channel-login-plugin", "export_channel_login");
role!(channel_world, "frontgate:plugin/channel-plugin", "export_channel");

pub use self::calls_world::exports::frontgate::plugin::calls;
pub use self::channel_login_world::exports::frontgate::plugin::channel_login;
pub use self::channel_world::exports::frontgate::plugin::channel;
pub use self::conversations_world::exports::frontgate::plugin::conversations;
pub use self::crm_source_world::exports::frontgate::plugin::crm_source;
pub use self::crm_world::exports::frontgate::plugin::crm;
pub use self::frontgate::plugin::{
    actions, attachments, directory, host_random, http_client, log, plugin_types, settings, state, webhook_signatures,
};
pub use self::outgoing_world::exports::frontgate::plugin::outgoing;
pub use self::routing_world::exports::frontgate::plugin::routing;
pub use self::templates_world::exports::frontgate::plugin::templates;
