//! starter-name: a Frontgate plugin.
//!
//! Every call runs in a fresh instance: what is kept in memory is gone after the answer. What shall stay goes
//! into `frontgate_sdk::state`.

mod channel; // @channel
mod conversations; // @conversations
mod crm; // @crm
pub mod customers;
mod outgoing; // @outgoing
mod routing; // @routing
mod templates; // @templates

/// The plugin. A role is a trait; the file of the same name has its answers.
pub struct Plugin;

frontgate_sdk::export!(Plugin: starter_roles);
