//! What a platform was told is done, and still has to be: written down before the answer, worked off
//! afterwards, never lost, and never done twice blindly.
//!
//! In reading order: [`job`] is one delivery and what becomes of it, [`store`] keeps it, [`worker`]
//! takes one after the other, `work/` makes it, and `verdict` says when it goes on.

mod rate_limit;
mod concurrency;
mod front_client;
pub mod provider_event;
pub mod job;
pub mod settings;
pub mod store;
mod retry_policy;
mod handlers;
pub mod worker;

pub use self::settings::Settings;
