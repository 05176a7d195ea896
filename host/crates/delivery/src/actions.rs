//! Accepts actions on conversations: of plugins, together with the state of their calls, and of operators.

use std::sync::Arc;

use frontgate_contract::RequestedAction;
use frontgate_runtime::Caller;
use frontgate_runtime::actions::{ActionQueue, CheckedAction};
use frontgate_state::JointWrites;
use frontgate_twilio::action::{Action, check_conversation};
use frontgate_twilio_callbacks::actions::convert;
use serde::{Deserialize, Serialize};

use crate::job::{Kind, NewDelivery};
use crate::store::Store;

/// The payload of a delivery that changes a conversation.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ActionPayload {
    /// SID of the conversation.
    pub(crate) conversation: String,
    /// What to do.
    #[serde(flatten)]
    pub(crate) action: Action,
}

impl ActionPayload {
    /// Checks an action, and returns its payload.
    pub(crate) fn checked(conversation: &str, action: Action) -> Result<String, String> {
        check_conversation(conversation)?;
        action.check()?;
        let payload = Self { conversation: conversation.to_owned(), action };
        Ok(serde_json::to_string(&payload).expect("names and texts"))
    }
}

/// Accepts the actions of plugins.
pub struct Actions {
    store: Arc<Store>,
}

impl Actions {
    /// Accepts actions into the queue of a store.
    pub fn new(store: &Arc<Store>) -> Self {
        Self { store: Arc::clone(store) }
    }
}

/// Checks an action that a plugin asks for.
///
/// # Errors
///
/// Fails with the reason why Twilio would reject it.
pub fn check(conversation: String, action: RequestedAction) -> Result<CheckedAction, String> {
    let action = convert(action);
    let name = action.name();
    let payload = ActionPayload::checked(&conversation, action)?;
    Ok(CheckedAction { conversation, name, payload })
}

impl ActionQueue for Actions {
    fn check(&self, conversation: String, action: RequestedAction) -> Result<CheckedAction, String> {
        check(conversation, action)
    }

    fn writes(&self, caller: &Caller, plugin: &str, actions: Vec<CheckedAction>) -> Arc<dyn JointWrites> {
        let deliveries = actions.into_iter().map(|action| NewDelivery {
            tenant: Arc::clone(&caller.tenant),
            kind: Kind::Action,
            name: format!("{plugin}: {}", action.name),
            conversation: action.conversation,
            payload: action.payload,
            channel: None,
            message: None,
            request: Arc::clone(&caller.request),
        });
        self.store.new_actions(&caller.tenant, deliveries.collect())
    }

    fn accepted(&self, tenant: &str) {
        self.store.notify_due(tenant);
    }
}
