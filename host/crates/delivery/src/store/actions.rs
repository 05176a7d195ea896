//! Actions that plugins ask for: stored together with the state of the call.

use std::sync::Arc;

use frontgate_state::JointWrites;
use frontgate_store::sql::{self, Scope, Transaction};
use frontgate_store::{Overload, values};
use uuid::Uuid;

use super::{Store, events, queue, quotas, rows};
use crate::job::NewDelivery;

impl Store {
    /// Returns the writes that accept the actions of a call.
    pub(crate) fn new_actions(&self, tenant: &Arc<str>, deliveries: Vec<NewDelivery>) -> Arc<dyn JointWrites> {
        Arc::new(NewActions {
            tenant: Arc::clone(tenant),
            identity: format!("actions {}", Uuid::now_v7()),
            deliveries,
            limits: self.limits,
        })
    }
}

/// The actions of one call.
struct NewActions {
    tenant: Arc<str>,
    /// Recognizes the second run of a write whose first answer was lost.
    identity: String,
    deliveries: Vec<NewDelivery>,
    limits: quotas::Limits,
}

impl JointWrites for NewActions {
    fn scopes(&self) -> Vec<Scope> {
        let scope = |delivery: &NewDelivery| queue::scope(&self.tenant, &delivery.conversation, None);
        self.deliveries.iter().map(scope).collect()
    }

    fn bytes(&self) -> usize {
        self.deliveries.iter().map(|delivery| delivery.payload.len()).sum()
    }

    fn write(&self, transaction: &Transaction<'_>) -> sql::Result<Result<(), Overload>> {
        // An earlier run of this write may have used up the limits.
        if events::find(transaction, &self.tenant, &self.identity)?.is_some() {
            return Ok(Ok(()));
        }
        let room = self.limits.event(transaction, &self.tenant)?;
        let room = room.and(self.limits.delivery(transaction, &self.tenant)?);
        if room.is_err() {
            return Ok(room);
        }
        let insert = "INSERT INTO events (tenant, identity, answer, rejected, time_ms) VALUES (?1, ?2, ?3, FALSE, ?4)";
        let none: &[u8] = &[];
        transaction.execute(insert, values![self.tenant, self.identity, none, transaction.now_ms()])?;
        for delivery in &self.deliveries {
            rows::insert(transaction, delivery)?;
        }
        Ok(Ok(()))
    }
}
