//! Writes of several transactions, of which only the first ones are made: the process ends behind them.

use std::sync::Arc;

use frontgate_store::sql::Transaction;

use crate::rows::{forget as rows_forget, sweep};
use crate::{SweepEnd, TenantCustomers};

/// Ends an enumeration, and removes `chunks` parts of what it did not find.
pub(super) async fn finish(customers: &TenantCustomers, sweeping: i64, cursor: Vec<u8>, chunks: u8) -> SweepEnd {
    let tenant = Arc::clone(&customers.tenant);
    let finish = move |transaction: &Transaction<'_>| sweep::finish(transaction, &tenant, sweeping, &cursor);
    let end = customers.write(finish).await.expect("a write");
    for _ in 0..chunks {
        let tenant = Arc::clone(&customers.tenant);
        let remove = move |transaction: &Transaction<'_>| sweep::remove_missing(transaction, &tenant, 0, false);
        customers.write(remove).await.expect("a write");
    }
    end
}

/// Removes a customer as erased, and leaves id and sort key.
pub(super) async fn forget(customers: &TenantCustomers, id: &str) {
    let (tenant, id) = (Arc::clone(&customers.tenant), id.to_owned());
    customers.write(move |transaction| rows_forget::forget(transaction, &tenant, &id)).await.expect("a write");
}
