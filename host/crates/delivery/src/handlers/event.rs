//! Handler of other conversation events: passes them to the tenant's plugin.

use frontgate_contract::Role;
use frontgate_contract::bindings::conversations::OtherEvent;

use super::{DeliveryContext, Outcome, Stop, done, unanswered};
use crate::job::Delivery;

impl DeliveryContext {
    pub(super) async fn event(&self, delivery: &Delivery, event: OtherEvent) -> Result<Outcome, Stop> {
        let asking = self.asking(delivery);
        if !asking.has(Role::Conversations) {
            return Ok(done());
        }
        let called = match asking.answering(Role::Conversations) {
            Ok(plugin) => asking.call(&plugin, Role::Conversations).on_event(event).await,
            Err(error) => Err(error),
        };
        called.map_err(|error| unanswered(&error, Role::Conversations, delivery))?;
        Ok(done())
    }
}
