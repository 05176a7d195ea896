//! The question of the routing role.

use super::{Call, ask};
use crate::bindings::routing::{Assignment, InboundConversation};
use crate::error::Error;

impl Call<'_> {
    /// Who gets an inbound conversation, if this plugin knows.
    pub async fn route(self, conversation: InboundConversation) -> Result<Option<Assignment>, Error> {
        ask!(self, routing.call_route(&conversation))
    }
}
