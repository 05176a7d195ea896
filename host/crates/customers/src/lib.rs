//! The customer index: a tenant's customers as its source reports them, in tables and in memory.
//!
//! The tables are the truth. Each gateway has the order of the list and the searched texts in memory, and follows the
//! tables by the number of their last change. Who sees a customer is decided by audiences: everyone, a worker, a team.
//!
//! - [`Customers`]: all tenants with an index.
//! - [`TenantCustomers`]: answers and changes of one tenant.
//!
//! In reading order: [`settings`], `record` (conversion), `rows` (the tables), `memory`, `follow`, `answers`, `writes`.
//! Runs that ask the plugin are in the crate `customer-sync`.

mod addresses;
mod answers;
mod customers;
mod ends;
mod follow;
mod memory;
mod record;
mod rows;
pub mod settings;
mod status;
mod tenant;
#[cfg(test)]
mod tests;
mod token;
mod triggers;
mod writes;

pub use self::customers::Customers;
pub use self::rows::apply::{Applied, Batch, CursorKind, Fence, Write};
pub use self::rows::read::StoredPage;
pub use self::rows::source::SourceRow;
pub use self::rows::sweep::SweepEnd;
pub use self::settings::Settings;
pub use self::status::Status;
pub use self::tenant::{PageLookup, Readiness, TenantCustomers};
pub use frontgate_store::StoreError;
