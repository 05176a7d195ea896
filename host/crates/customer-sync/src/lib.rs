//! Runs that read customers from the plugin with the role `crm-source` into the index of a tenant.
//!
//! A run reads changes since the stored cursor. An enumeration reads all customers, and finds removed ones; it runs at
//! first, at long intervals, and whenever the source cannot say what changed. Both write each batch together with its
//! cursor, so a run continues where the previous one ended, however that ended.
//!
//! In reading order: `schedule` (when), `run` (changes and enumerations), `source` (calls of the plugin, their pace and
//! their limits). Of several gateways on one database, the keeper of the tenant's customers runs.

mod failure;
mod folder;
mod run;
mod schedule;
mod source;

pub use self::schedule::work;
