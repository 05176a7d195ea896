//! The question of the routing role.

use frontgate_contract::bindings::routing::{Assignment, InboundConversation};

use super::{Call, ask};
use crate::error::CallError;

impl Call<'_> {
    /// Who gets an inbound conversation, if this plugin knows.
    pub async fn route(self, conversation: InboundConversation) -> Result<Option<Assignment>, CallError> {
        ask!(self, routing.call_route(&conversation))
    }
}
