//! Handler of a participant who joined: writes the attributes that link the customer to the CRM.
//!
//! Every step is idempotent.

use frontgate_contract::bindings::conversations::ParticipantAdded;
use frontgate_store::crash;
use frontgate_twilio_callbacks::conversations::participant_attributes;
use frontgate_twilio_rest::{ApiError, Repeatable};

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
        self.account()?;
        let changes = asking.participant_added(event).await.map_err(|error| unanswered(&error, role, delivery))?;
        let Some(changes) = changes else {
            return Ok(done());
        };
        let participant = self.turn(delivery).await?.participant(&conversation, &sid).await;
        let participant = participant.map_err(|failure| self.stop(&failure))?;
        let present = participant.attributes.as_deref().unwrap_or_default();
        let attributes = participant_attributes(present, &changes)
            .map_err(|problem| Outcome::Failed { reason: format!("the participant's attributes {problem}") })?;
        let Some(attributes) = attributes else {
            return Ok(Outcome::Sent { result: Some(sid) });
        };
        crash::point("before-send");
        let written = self.turn(delivery).await?.set_attributes(&conversation, &sid, &attributes).await;
        crash::point("after-send");
        written.map_err(|failure| self.stop(&failure))?;
        Ok(Outcome::Sent { result: Some(sid) })
    }

    fn stop(&self, failure: &ApiError) -> Outcome {
        self.react(failure, Repeatable::Yes).unwrap_or_else(done)
    }
}
