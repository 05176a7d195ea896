//! Actions on conversations that a call asks for: collected during the call, and accepted with its state.

use std::sync::Arc;

use frontgate_contract::RequestedAction;
use frontgate_state::JointWrites;

use crate::caller::Caller;

/// An action that was checked.
#[derive(Debug, Clone)]
pub struct CheckedAction {
    /// Key of the conversation.
    pub conversation: String,
    /// Name for the log.
    pub name: &'static str,
    /// The action in the form in which it is stored.
    pub payload: String,
}

/// Accepts the actions of calls into the delivery queue.
pub trait ActionQueue: Send + Sync {
    /// Checks an action.
    ///
    /// # Errors
    ///
    /// Fails with the reason why the platform would reject it.
    fn check(&self, conversation: String, action: RequestedAction) -> Result<CheckedAction, String>;

    /// Returns the writes that accept the actions of a call.
    fn writes(&self, caller: &Caller, plugin: &str, actions: Vec<CheckedAction>) -> Arc<dyn JointWrites>;

    /// Wakes the workers of a tenant after its actions were accepted.
    fn accepted(&self, tenant: &str);
}
