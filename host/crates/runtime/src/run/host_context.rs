//! Services of the gateway that a call can reach outside its instance.

use std::sync::Arc;

use frontgate_state::Buckets;
use tokio::time::Instant;

use super::memory::MemoryPool;
use crate::actions::ActionQueue;
use crate::files::Files;
use crate::imports::directory::Directory;
use crate::outbound::side_effects::SideEffects;

/// Services of the gateway for one call. A trial start has no services.
pub(crate) struct HostContext {
    /// Deadline of the call.
    pub(crate) deadline: Instant,
    /// Key-value state of plugins; `None` in commands that only check plugins.
    pub(crate) buckets: Option<Arc<Buckets>>,
    /// Memory that all running instances share.
    pub(crate) memory: Arc<MemoryPool>,
    /// Accepts actions on conversations; `None` in commands that only check plugins.
    pub(crate) actions: Option<Arc<dyn ActionQueue>>,
    /// `None` in a call of the CRM role, which cannot look up customers in itself.
    pub(crate) directory: Option<Arc<dyn Directory>>,
    /// Files of the message that the call is about.
    pub(crate) files: Option<Arc<dyn Files>>,
    /// Record of the side effects of the call's requests.
    pub(crate) side_effects: Option<Arc<SideEffects>>,
}
