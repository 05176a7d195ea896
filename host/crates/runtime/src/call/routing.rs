//! The function of the routing role.

use frontgate_contract::bindings::routing::{Assignment, InboundConversation};

use super::{Call, invoke};
use crate::error::CallError;

impl Call<'_> {
    /// Assigns an inbound conversation; `None` leaves the decision to the next plugin.
    pub async fn route(self, conversation: InboundConversation) -> Result<Option<Assignment>, CallError> {
        invoke!(self, routing.call_route(&conversation))
    }
}
