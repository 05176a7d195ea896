//! Operators' view of the rollouts, from another process.

use frontgate_store::{Shared, values};

/// Returns the receipts of all replicas, oldest first: the name of the replica, and the receipt as JSON.
///
/// # Errors
///
/// Fails if the database cannot be read, or if it is a SQLite file.
pub fn receipts(settings: &frontgate_store::Settings) -> anyhow::Result<Vec<(String, String)>> {
    let select = "SELECT replica, receipt FROM plugin_receipts ORDER BY id";
    Ok(Shared::open(settings)?.read(|read| read.rows(select, values![], |row| Ok((row.get(0)?, row.get(1)?))))?)
}
