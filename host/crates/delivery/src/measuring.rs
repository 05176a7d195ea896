//! Access of the benchmark to the queue, without workers.

use std::sync::Arc;
use std::time::Duration;

use frontgate_store::StoreError;
use parking_lot::Mutex;

use super::job::{Kind, State, Transition};
use super::store::Store;
use super::store::queue::{ALL, Next, Wanted};

/// The deliveries of the tenant `demo`, leased as one replica.
pub struct Queue {
    store: Arc<Store>,
    replica: i64,
    fence: i64,
    floor: Mutex<i64>,
}

impl Queue {
    /// Returns the queue, as the replica and in the term of these rows.
    pub fn new(store: Arc<Store>, replica: i64, fence: i64) -> Self {
        Self { store, replica, fence, floor: Mutex::new(ALL) }
    }

    /// Leases up to `most` deliveries and ends them; returns their number.
    ///
    /// # Errors
    ///
    /// Fails if the store fails.
    pub async fn lease_and_end(&self, most: usize) -> Result<usize, StoreError> {
        let wanted = Wanted {
            tenant: "demo".into(),
            kind: Kind::Conversations,
            most,
            longest: Duration::from_secs(300),
            busy: Vec::new(),
            floor: *self.floor.lock(),
            replica: Some(self.replica),
            fence: self.fence,
        };
        let Next::Deliveries { all, floor } = self.store.claim(wanted).await? else { return Ok(0) };
        *self.floor.lock() = floor;
        let ended = all.iter().map(|delivery| self.store.settle("demo", delivery, Transition::new(State::Sent, 0)));
        for settled in futures_util::future::join_all(ended).await {
            settled?;
        }
        Ok(all.len())
    }
}
