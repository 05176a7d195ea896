//! A plugin for tests: conforms to the contract in every role, except for the one flaw that its settings name.

mod customers;
mod messaging;

use frontgate_sdk::settings;

struct Flawed;

frontgate_sdk::export!(Flawed: crm, templates, outgoing, routing, conversations, channel);

/// Whether the plugin has this flaw.
fn has(flaw: &str) -> bool {
    settings::get("flaw").is_some_and(|own| own == flaw)
}
