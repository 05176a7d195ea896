//! Operators' view of the rollouts, from another process.

use std::collections::BTreeMap;

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

/// Returns the bytes of each live version by the plugin's name.
///
/// # Errors
///
/// Fails if the database cannot be read, or if it is a SQLite file.
pub fn live_versions(settings: &frontgate_store::Settings) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let select = "SELECT name, bytes FROM plugin_rollouts JOIN plugin_bytes ON digest = live ORDER BY name, part";
    let parts = Shared::open(settings)?
        .read(|read| read.rows(select, values![], |row| Ok((row.get::<String>(0)?, row.get::<Vec<u8>>(1)?))))?;
    let mut versions = BTreeMap::<String, Vec<u8>>::new();
    for (name, part) in parts {
        versions.entry(name).or_default().extend(part);
    }
    Ok(versions)
}
