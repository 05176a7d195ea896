//! Values that CRMs write in their own ways: phone numbers, and workers. For the plugins that read a CRM or a file.

pub mod phone;
mod workers;

pub use workers::{Workers, is_same};
