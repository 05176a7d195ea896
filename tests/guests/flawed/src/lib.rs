//! A plugin for tests: it answers every role as the contract wants, but for one flaw, which its settings name.

mod customers;
mod messaging;

use frontgate_sdk::settings;

struct Flawed;

frontgate_sdk::export!(Flawed: crm, templates, outgoing, routing, conversations, channel);

/// Whether it has this flaw.
fn has(flaw: &str) -> bool {
    settings::get("flaw").is_some_and(|own| own == flaw)
}
