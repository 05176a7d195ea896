//! Writes of another crate that are committed together with the state of a call.

use std::sync::Arc;

use frontgate_store::sql::{self, Scope, Transaction};
use frontgate_store::{Origin, Overload, StoreError};

use crate::Buckets;
use crate::error::NotCommitted;

/// Writes that are committed together with the state of a call. They may run twice.
pub trait JointWrites: Send + Sync {
    /// Returns the rows that the writes need exclusively.
    fn scopes(&self) -> Vec<Scope>;

    /// Returns the number of bytes that the writes hold while they are queued.
    fn bytes(&self) -> usize;

    /// Writes, unless a limit of the tenant is reached.
    ///
    /// # Errors
    ///
    /// Fails with the error of the database.
    fn write(&self, transaction: &Transaction<'_>) -> sql::Result<Result<(), Overload>>;
}

impl Buckets {
    /// Commits writes of a call that has written no state.
    ///
    /// # Errors
    ///
    /// Fails if a limit of the tenant is reached, or if the database cannot write in time.
    pub async fn commit_alone(&self, tenant: &Arc<str>, writes: Arc<dyn JointWrites>) -> Result<(), NotCommitted> {
        let (origin, scope) = (Origin::state(Arc::clone(tenant), writes.bytes()), Scope::All(writes.scopes()));
        let written = self.database.write_if_awaited(origin, scope, move |transaction| writes.write(transaction));
        written.await?.map_err(|overload| NotCommitted::Store(StoreError::Overload(overload)))
    }
}
