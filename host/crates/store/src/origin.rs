//! The tenant and purpose of a write, which decide its order and its limits.

use std::sync::Arc;

/// The purpose of a write. Within a tenant's share, earlier variants are served first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Progress of a delivery, or housekeeping. Such writes free space, and the workers limit their number.
    Progress,
    /// A platform's request and its answer.
    Event,
    /// State of a plugin.
    State,
    /// Events of a channel's provider.
    Import {
        /// Row id of the channel.
        channel: i64,
    },
}

impl Purpose {
    pub(super) fn lane(self) -> usize {
        match self {
            Self::Progress => 0,
            Self::Event => 1,
            Self::State => 2,
            Self::Import { .. } => 3,
        }
    }

    pub(super) fn is_bulk(self) -> bool {
        matches!(self, Self::State | Self::Import { .. })
    }
}

/// The tenant and purpose of a write, and the bytes that the write holds in memory while queued.
#[derive(Debug, Clone)]
pub struct Origin {
    pub(super) tenant: Arc<str>,
    pub(super) purpose: Purpose,
    pub(super) bytes: usize,
}

impl Origin {
    /// Returns the origin of the gateway's own housekeeping.
    pub fn internal() -> Self {
        Self::progress("")
    }

    /// Returns the origin of progress: of a delivery, a channel's connection, or an answer to a message.
    ///
    /// Such a write is never rejected; the number of accepted events limits the number of these writes.
    pub fn progress(tenant: impl Into<Arc<str>>) -> Self {
        Self { tenant: tenant.into(), purpose: Purpose::Progress, bytes: 0 }
    }

    /// Returns the origin of a platform's request.
    pub fn event(tenant: impl Into<Arc<str>>, bytes: usize) -> Self {
        Self { tenant: tenant.into(), purpose: Purpose::Event, bytes }
    }

    /// Returns the origin of a write of a plugin's state.
    pub fn state(tenant: impl Into<Arc<str>>, bytes: usize) -> Self {
        Self { tenant: tenant.into(), purpose: Purpose::State, bytes }
    }

    /// Returns the origin of a write of events from a channel's provider.
    pub fn import(tenant: impl Into<Arc<str>>, channel: i64, bytes: usize) -> Self {
        Self { tenant: tenant.into(), purpose: Purpose::Import { channel }, bytes }
    }

    pub(super) fn tenant(&self) -> &Arc<str> {
        &self.tenant
    }
}
