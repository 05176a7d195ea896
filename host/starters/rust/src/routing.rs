//! Role `routing`: assigns new conversations of customers to workers.

use frontgate_sdk::{Assignment, InboundConversation, Result, Routing};

use crate::{Plugin, customers};

impl Routing for Plugin {
    fn route(conversation: InboundConversation) -> Result<Option<Assignment>> {
        // If another plugin has the role `crm`, call `frontgate_sdk::directory` instead.
        let known = conversation.addresses.iter().find_map(|address| customers::by_address(address));
        if let Some(owner) = known.and_then(|customer| customer.worker) {
            return Ok(Some(Assignment::worker(owner)));
        }
        // New customers are assigned round robin. `Ok(None)` would assign the gateway's default worker.
        Ok(Some(Assignment::one_of(["ana@example.org", "ben@example.org"])))
    }
}
