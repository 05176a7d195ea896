//! Handler of other conversation events: passes them to the tenant's plugin, and names new conversations that have no
//! name.

use frontgate_contract::Role;
use frontgate_contract::bindings::conversations::OtherEvent;

use super::naming::Repair;
use super::{DeliveryContext, Outcome, Stop, done, unanswered};
use crate::job::Delivery;

impl DeliveryContext {
    /// Handles an event. `unnamed`: whether it reports a new conversation without a name.
    pub(super) async fn event(&self, delivery: &Delivery, event: OtherEvent, unnamed: bool) -> Result<Outcome, Stop> {
        if unnamed && self.rest.is_some() {
            let named = self.name_conversation(delivery, &delivery.conversation, Repair::MissingOrAddress).await;
            match named {
                // The plugin gets the event although the conversation keeps no name.
                Err(Stop::Settle(Outcome::Failed { reason })) => tracing::warn!(
                    event = "delivery.naming_failed",
                    request = &*delivery.request,
                    tenant = &*self.tenant.name,
                    delivery = delivery.id,
                    "failed to name the conversation of delivery {}: {reason}",
                    delivery.id
                ),
                named => drop(named?),
            }
        }
        let asking = self.asking(delivery);
        if !asking.has(Role::Conversations) {
            return Ok(done());
        }
        let called = match asking.plugin(Role::Conversations) {
            Ok(plugin) => asking.call(&plugin, Role::Conversations).on_event(event).await,
            Err(error) => Err(error),
        };
        called.map_err(|error| unanswered(&error, Role::Conversations, delivery))?;
        Ok(done())
    }
}
