//! Actions on conversations in a check: recorded with the call, and never made.

use std::collections::HashMap;
use std::sync::Arc;

use frontgate_contract::RequestedAction;
use frontgate_delivery::actions::check;
use frontgate_runtime::Caller;
use frontgate_runtime::actions::{ActionQueue, CheckedAction};
use frontgate_state::JointWrites;
use frontgate_store::Overload;
use frontgate_store::sql::{self, Scope, Transaction};
use parking_lot::Mutex;
use serde_json::Value;

/// Accepted actions by the request of their call.
type Accepted = Arc<Mutex<HashMap<Arc<str>, Vec<Value>>>>;

/// Records the actions of all calls.
#[derive(Default)]
pub(super) struct RecordedActions(Accepted);

impl RecordedActions {
    /// Returns the actions of a call that has ended, as JSON.
    pub(super) fn take(&self, request: &str) -> Vec<Value> {
        self.0.lock().remove(request).unwrap_or_default()
    }
}

impl ActionQueue for RecordedActions {
    fn check(&self, conversation: String, action: RequestedAction) -> Result<CheckedAction, String> {
        check(conversation, action)
    }

    fn writes(&self, caller: &Caller, _: &str, actions: Vec<CheckedAction>) -> Arc<dyn JointWrites> {
        let json = |action: &CheckedAction| serde_json::from_str(&action.payload).unwrap_or_default();
        let actions = actions.iter().map(json).collect();
        Arc::new(Call { accepted: Arc::clone(&self.0), request: Arc::clone(&caller.request), actions })
    }

    fn accepted(&self, _: &str) {}
}

/// The actions of one call.
struct Call {
    accepted: Accepted,
    request: Arc<str>,
    actions: Vec<Value>,
}

impl JointWrites for Call {
    fn scopes(&self) -> Vec<Scope> {
        Vec::new()
    }

    fn bytes(&self) -> usize {
        0
    }

    fn write(&self, _: &Transaction<'_>) -> sql::Result<Result<(), Overload>> {
        self.accepted.lock().insert(Arc::clone(&self.request), self.actions.clone());
        Ok(Ok(()))
    }
}
