//! Assigns inbound conversations to the customer's owner, else to the owner of the company's number, else to workers
//! round robin.

mod owner;
mod settings;

use frontgate_sdk::{Assignment, InboundConversation, Result, Routing, directory};

use crate::settings::Settings;

/// The plugin.
pub struct OwnerRouting;

frontgate_sdk::export!(OwnerRouting: routing);

impl Routing for OwnerRouting {
    fn route(conversation: InboundConversation) -> Result<Option<Assignment>> {
        let settings = Settings::read()?;
        if let Some(worker) = owner::of_customer(&conversation, &settings, directory::find_customer)? {
            return Ok(Some(Assignment::worker(worker)));
        }
        if let Some(worker) = owner::of_number(&conversation, &settings) {
            return Ok(Some(Assignment::worker(worker)));
        }
        let turns = settings.round_robin();
        Ok((!turns.is_empty()).then(|| Assignment::one_of(turns)))
    }
}
