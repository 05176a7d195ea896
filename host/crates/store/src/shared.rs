//! An operator's access to the database, whether or not a gateway is running.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::schema;
use super::sql::{self, Scope, Transaction};

/// A separate connection, which waits for the gateway's writes.
pub struct Shared(Connection);

impl Shared {
    /// Opens an existing database.
    ///
    /// # Errors
    ///
    /// Fails if the file does not exist or is of another version.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        schema::open_shared(path).map(Self)
    }

    /// Runs a read.
    pub fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> T) -> T {
        work(&Transaction::new(&self.0))
    }

    /// Runs a write and waits until it is on disk. A failed write changes nothing.
    ///
    /// # Errors
    ///
    /// Returns the error of `work`, or of the commit.
    pub fn write<T, E: From<sql::Error>>(
        &mut self,
        _scope: Scope,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let open = self.0.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql::Error::from)?;
        let value = work(&Transaction::new(&open))?;
        open.commit().map_err(sql::Error::from)?;
        Ok(value)
    }
}
