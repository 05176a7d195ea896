//! The page of the gateways that share the database.

use std::sync::Arc;

use frontgate_console_pages::pages::{Replica, Replicas};
use frontgate_replicas::admin::ReplicaSummary;

use super::answers::{Answer, Refusal};
use super::{Call, Console, page};

impl Console {
    pub(super) async fn replicas(self: &Arc<Self>, call: Call) -> Result<Answer, Refusal> {
        call.needs_all_tenants()?;
        let super::Sources { store, generations, .. } = &self.sources;
        let config = generations.config();
        let is_shared = config.store.is_shared();
        let all = if is_shared { store.replicas().await? } else { Vec::new() };
        let this = all.iter().find(|replica| Some(replica.id) == store.replica().id());
        let own = (config.shared_digest(), this.map(|replica| replica.plugins.clone()).unwrap_or_default());
        let suspect_ms = i64::try_from(config.replica.suspect_ms).unwrap_or(i64::MAX);
        let row = |replica: &ReplicaSummary| Replica {
            id: replica.id,
            name: replica.name.clone(),
            state: replica.state.clone(),
            beat_age_ms: replica.beat_age_ms,
            is_late: replica.beat_age_ms > suspect_ms,
            uptime_ms: replica.uptime_ms,
            version: replica.program.clone(),
            config: replica.config.clone(),
            config_differs: replica.config != own.0,
            plugins: u64::try_from(replica.plugins.len()).unwrap_or(u64::MAX),
            plugins_differ: replica.plugins != own.1,
            leases: replica.leases,
            keeps: replica.keeps.clone(),
            is_this: Some(replica.id) == store.replica().id(),
        };
        Ok(page(call, "/replicas", Replicas { is_shared, replicas: all.iter().map(row).collect() }))
    }
}
