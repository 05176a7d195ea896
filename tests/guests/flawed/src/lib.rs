//! A plugin for tests that conforms to the contract in every role, except for the flaw named in its settings.

mod customers;
mod messaging;
mod source;

use frontgate_sdk::settings;

struct Flawed;

frontgate_sdk::export!(Flawed: crm, templates, outgoing, routing, conversations, channel, calls, crm_source);

/// Returns whether the plugin has this flaw.
fn has(flaw: &str) -> bool {
    settings::get("flaw").is_some_and(|own| own == flaw)
}
