//! Any other event: the tenant's plugin takes note of it.

use frontgate_contract::Role;
use frontgate_contract::bindings::conversations::OtherEvent;

use super::{Settlement, Stop, Workshop, done, unanswered};
use crate::job::Delivery;

impl Workshop {
    pub(super) async fn event(&self, delivery: &Delivery, event: OtherEvent) -> Result<Settlement, Stop> {
        let asking = self.asking(delivery);
        if !asking.has(Role::Conversations) {
            return Ok(done());
        }
        let told = match asking.plugin(Role::Conversations) {
            Ok(plugin) => asking.call(&plugin, Role::Conversations).on_event(event).await,
            Err(error) => Err(error),
        };
        told.map_err(|error| unanswered(&error, Role::Conversations, delivery))?;
        Ok(done())
    }
}
