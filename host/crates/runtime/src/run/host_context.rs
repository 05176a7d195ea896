//! What a call reaches outside its own instance.

use std::sync::Arc;

use frontgate_state::Buckets;
use tokio::time::Instant;

use super::memory::MemoryPool;
use crate::files::Files;
use crate::imports::directory::Directory;
use crate::outbound::side_effects::SideEffects;

/// Services of the gateway for one call. A trial start has none.
pub(crate) struct HostContext {
    /// When the call must have ended.
    pub(crate) deadline: Instant,
    /// Key-value state of plugins; none in commands that only check plugins.
    pub(crate) buckets: Option<Arc<Buckets>>,
    /// Memory that all running instances share.
    pub(crate) memory: Arc<MemoryPool>,
    /// None while the CRM role itself is being answered.
    pub(crate) directory: Option<Arc<dyn Directory>>,
    /// Files of the message that the call is about.
    pub(crate) files: Option<Arc<dyn Files>>,
    /// Where requests of the call record their effects.
    pub(crate) side_effects: Option<Arc<SideEffects>>,
}
