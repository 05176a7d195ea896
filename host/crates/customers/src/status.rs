//! What operators see of a tenant's index.

use std::sync::atomic::Ordering;

use frontgate_store::StoreError;
use serde::{Deserialize, Serialize};

use crate::tenant::{Readiness, TenantCustomers};

/// Ids of customers with unusable numbers that a status names.
const IDS_MAX: u32 = 20;

/// The state of a tenant's index.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// The tenant.
    pub tenant: String,
    /// `ready`, `too-old` or `loading`.
    pub state: String,
    /// The plugin that reports the customers.
    pub plugin: Option<String>,
    /// Number of customers.
    pub customers: i64,
    /// Number of all customers according to the source, if it said so.
    pub total: Option<i64>,
    /// Whether all customers are being enumerated.
    pub is_enumerating: bool,
    /// Time since the last successful run, in milliseconds.
    pub age_ms: Option<u64>,
    /// Time since the last complete enumeration, in milliseconds.
    pub enumerated_ms: Option<u64>,
    /// Customers that the source no longer reports, and whose removal an operator has to accept.
    pub held: i64,
    /// Failed runs since the last successful one.
    pub failures: i64,
    /// The last failure.
    pub failure: Option<String>,
    /// Memory of the index in bytes.
    pub bytes: usize,
    /// Customers with a number that cannot be understood, so that it does not lead to them.
    pub unknown_numbers: i64,
    /// Ids of some of them.
    pub unknown_number_ids: Vec<String>,
    /// Questions that found two customers with the same number, since the start.
    pub ambiguous: u64,
}

impl TenantCustomers {
    /// Returns the state of the index. `count_numbers`: also unusable numbers, which reads all customers.
    ///
    /// # Errors
    ///
    /// Fails if the tables cannot be read.
    pub async fn status(&self, count_numbers: bool) -> Result<Status, StoreError> {
        let source = self.stored_source().await?;
        let (unknown_numbers, unknown_number_ids) =
            if count_numbers { self.unknown_numbers(IDS_MAX).await? } else { (0, Vec::new()) };
        let state = match self.readiness() {
            Readiness::Ready => "ready",
            Readiness::TooOld => "too-old",
            Readiness::NotReady => "loading",
        };
        let age = |time: Option<i64>| time.map(|time| self.age_ms(time));
        let source = source.as_ref();
        Ok(Status {
            tenant: self.tenant().to_string(),
            state: state.to_owned(),
            plugin: source.map(|source| source.plugin.clone()),
            customers: source.map_or(0, |source| source.live),
            total: source.and_then(|source| source.total),
            is_enumerating: source.is_none_or(|source| source.sweeping > 0),
            age_ms: age(source.and_then(|source| source.synced_ms)),
            enumerated_ms: age(source.and_then(|source| source.swept_ms)),
            held: source.map_or(0, |source| source.held),
            failures: source.map_or(0, |source| source.failures),
            failure: source.and_then(|source| source.failure.clone()),
            bytes: self.size().1,
            unknown_numbers,
            unknown_number_ids,
            ambiguous: self.answers.ambiguous.load(Ordering::Relaxed),
        })
    }
}
