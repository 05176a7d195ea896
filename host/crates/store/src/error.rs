//! Errors of the store, and the limits that reject a write.

use std::sync::Arc;

use frontgate_telemetry::metrics::{METRICS, labels};

use super::sql;

/// The reason why a write or a read failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Rejected: a share is used up, or the disk is nearly full.
    #[error("{0}")]
    Overload(#[from] Overload),
    /// The timeout passed; the write may still succeed.
    #[error("timed out after store.timeout_ms")]
    Timeout,
    /// The write rejected what it was asked for.
    #[error("{0}")]
    Rejected(Arc<str>),
    /// An error of a statement or of the engine.
    #[error("database error: {0}")]
    Database(Arc<sql::Error>),
    /// Another write rolled back the commit that this write shared.
    #[error("commit rolled back: {0}")]
    RolledBack(Arc<Self>),
    /// The writer thread has ended.
    #[error("store closed")]
    Closed,
}

impl From<sql::Error> for StoreError {
    fn from(error: sql::Error) -> Self {
        match error {
            sql::Error::Rejected(reason) => Self::Rejected(reason.into()),
            error => Self::Database(Arc::new(error)),
        }
    }
}

/// The limit that rejects a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Overload {
    /// Limit of queued writes of all tenants.
    #[error("store.queue_max reached: too many writes wait for the disk")]
    Queue,
    /// Limit of queued writes of the tenant, or of the tenant's imports and state.
    #[error("the tenant's share of the store's queue is used up (store.queue_per_tenant_max)")]
    Tenant,
    /// Limit of queued imports of the channel.
    #[error("the channel's share of the store's queue is used up (store.queue_per_channel_max)")]
    Channel,
    /// Limit of open imports of the channel.
    #[error("front.APP.waiting_max or waiting_bytes_max of the channel is reached")]
    ChannelWaiting,
    /// Limit of open deliveries of the tenant.
    #[error("store.waiting_per_tenant_max or waiting_bytes_per_tenant_max is reached")]
    TenantWaiting,
    /// Limit of stored events of the tenant.
    #[error("store.events_bytes_per_tenant_max is reached")]
    TenantEvents,
    /// Minimum free space for imports.
    #[error("free disk space below store.free_bytes_imports_min")]
    DiskForImports,
    /// Minimum free space for events and state.
    #[error("free disk space below store.free_bytes_events_min")]
    DiskForEvents,
}

impl Overload {
    /// Returns the name used in the metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Tenant => "tenant-queue",
            Self::Channel => "channel-queue",
            Self::ChannelWaiting => "channel-waiting",
            Self::TenantWaiting => "tenant-waiting",
            Self::TenantEvents => "tenant-events",
            Self::DiskForImports => "disk-imports",
            Self::DiskForEvents => "disk-events",
        }
    }

    /// Counts a rejected write of a tenant in the metrics.
    pub fn count(self, tenant: &str) {
        METRICS.store_refused.get_or_create(&labels::Refused { tenant: tenant.into(), limit: self.name() }).inc();
    }
}
