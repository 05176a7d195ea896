//! Handler of a participant who joined: writes the attributes that link the customer to the CRM, and names the
//! conversation if it has no name.
//!
//! Every step is idempotent.

use frontgate_contract::bindings::conversations::{ParticipantAdded, ParticipantChanges};
use frontgate_store::crash;
use frontgate_twilio_callbacks::conversations::participant_attributes;

use super::naming::Repair;
use super::{DeliveryContext, Outcome, Stop, done, unanswered};
use crate::job::Delivery;

impl DeliveryContext {
    pub(super) async fn participant_added(
        &self,
        delivery: &Delivery,
        event: ParticipantAdded,
    ) -> Result<Outcome, Stop> {
        let (conversation, sid) = (event.conversation_sid.clone(), event.participant_sid.clone());
        let asking = self.asking(delivery);
        let Some(role) = asking.conversations_role() else {
            return Ok(done());
        };
        let is_customer = event.address.is_some();
        let changes = asking.participant_added(event).await.map_err(|error| unanswered(&error, role, delivery))?;
        let repair = if changes.is_some() { Repair::MissingOrAddress } else { Repair::Missing };
        let outcome = match changes {
            Some(changes) => self.link_participant(delivery, &conversation, sid, &changes).await?,
            None => done(),
        };
        // Without credentials the plugin can still observe who joins.
        if is_customer && self.rest.is_some() {
            self.name_conversation(delivery, &conversation, repair).await?;
        }
        Ok(outcome)
    }

    /// Writes the attributes, unless the participant has them.
    async fn link_participant(
        &self,
        delivery: &Delivery,
        conversation: &str,
        sid: String,
        changes: &ParticipantChanges,
    ) -> Result<Outcome, Stop> {
        let participant = self.turn(delivery).await?.participant(conversation, &sid).await;
        let participant = participant.map_err(|failure| self.repeat(&failure))?;
        let present = participant.attributes.as_deref().unwrap_or_default();
        let attributes = participant_attributes(present, changes)
            .map_err(|problem| Outcome::Failed { reason: format!("the participant's attributes {problem}") })?;
        let Some(attributes) = attributes else {
            return Ok(Outcome::Sent { result: Some(sid) });
        };
        crash::point("before-send");
        let written = self.turn(delivery).await?.set_attributes(conversation, &sid, &attributes).await;
        crash::point("after-send");
        written.map_err(|failure| self.repeat(&failure))?;
        Ok(Outcome::Sent { result: Some(sid) })
    }
}
