//! starter-name: a Frontgate plugin.
//!
//! A call runs in a fresh instance, or in one that has served earlier calls. Use `frontgate_sdk::state` to store data.

mod calls; // @calls
mod channel; // @channel
mod conversations; // @conversations
mod crm; // @crm
mod crm_source; // @crm-source
pub mod customers;
mod outgoing; // @outgoing
mod routing; // @routing
mod templates; // @templates

/// The plugin. Each role is a trait, implemented in the file of the same name.
pub struct Plugin;

frontgate_sdk::export!(Plugin: starter_exports);
