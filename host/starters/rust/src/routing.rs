//! Role `routing`: which worker gets a conversation that a customer began.

use frontgate_sdk::{Assignment, InboundConversation, Result, Routing};

use crate::{Plugin, customers};

impl Routing for Plugin {
    fn route(conversation: InboundConversation) -> Result<Option<Assignment>> {
        // Where another plugin is the CRM, `frontgate_sdk::directory` asks it.
        let known = conversation.addresses.iter().find_map(|address| customers::by_address(address));
        if let Some(owner) = known.and_then(|customer| customer.worker) {
            return Ok(Some(Assignment::worker(owner)));
        }
        // New customers go round. `Ok(None)` would leave it to the gateway's default worker.
        Ok(Some(Assignment::one_of(["ana@example.org", "ben@example.org"])))
    }
}
