//! The durable queue of deliveries, and its workers.
//!
//! A delivery is work that remains after a platform's request was answered. It is stored before the answer, executed
//! afterwards, and retried until it ends or an operator decides. A request that may have had its effect is never
//! repeated before the platform was asked about it, unless repeating it is harmless.
//!
//! - [`Store`]: the tables, and the hints of other gateways on the same database; [`store::queue_admin::QueueAdmin`] for operators.
//! - [`worker::work`]: leases deliveries, executes them with the `handlers`, and stores the outcome.
//! - [`job::NewDelivery`]: a delivery to be enqueued.
//!
//! In reading order: [`job`], [`store`], [`worker`], `handlers`, `retry_policy`. This crate implements the flow of a
//! delivery and the second half of the flow of a channel's message (see ARCHITECTURE.md). The crate serves no HTTP.

pub mod actions;
pub mod channel_upkeep;
mod concurrency;
mod front_client;
mod handlers;
pub mod job;
mod listed_template;
pub mod measuring;
pub mod provider_event;
mod rate_limit;
pub mod rate_limits;
mod reason_group;
mod retry_policy;
pub mod settings;
pub mod store;
pub mod worker;

pub use self::actions::Actions;
pub use self::rate_limits::RateLimits;
pub use self::settings::Settings;
pub use self::store::Store;
