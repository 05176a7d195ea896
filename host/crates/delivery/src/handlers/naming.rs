//! Names a conversation that has no name, because no plugin answered when it was created: the CRM was late, or the
//! gateway did not run.
//!
//! Every step is idempotent. A conversation that has a name keeps it.

use frontgate_contract::bindings::conversations::{ConversationAdd, ConversationVerdict};
use frontgate_store::crash;
use frontgate_twilio_callbacks::conversations;
use frontgate_twilio_rest::{Conversation, Participant};

use super::{DeliveryContext, Stop, unanswered};
use crate::job::Delivery;

/// Extent of a repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repair {
    /// Names a conversation without any name.
    Missing,
    /// Also replaces an address by a name.
    MissingOrAddress,
}

impl DeliveryContext {
    /// Asks the tenant's plugin for the name of a conversation, if the conversation has none.
    pub(super) async fn name_conversation(&self, delivery: &Delivery, sid: &str, repair: Repair) -> Result<(), Stop> {
        let Some(role) = self.asking(delivery).conversations_role() else {
            return Ok(());
        };
        let found = self.turn(delivery).await?.conversation(sid).await.map_err(|failure| self.repeat(&failure))?;
        let present = found.friendly_name.clone().unwrap_or_default();
        if conversations::is_named(Some(&present)) || (repair == Repair::Missing && !present.trim().is_empty()) {
            return Ok(());
        }
        let participants = self.turn(delivery).await?.participants(sid).await;
        let participants = participants.map_err(|failure| self.repeat(&failure))?;
        let event = conversation_add(found, &participants);
        if event.addresses.is_empty() {
            return Ok(());
        }
        // The requests above took time, and the plugin gets the full timeout.
        let verdict = self.asking(delivery).conversation_add(event).await;
        let verdict = verdict.map_err(|error| unanswered(&error, role, delivery))?;
        let ConversationVerdict::Change(changes) = verdict else {
            return Ok(());
        };
        // The plugin took time, in which a worker may have named the conversation.
        let found = self.turn(delivery).await?.conversation(sid).await.map_err(|failure| self.repeat(&failure))?;
        if found.friendly_name.unwrap_or_default() != present {
            return Ok(());
        }
        let attributes = found.attributes.unwrap_or_else(|| "{}".to_owned());
        let named = conversations::named_conversation(&changes, &attributes);
        let Some((name, attributes)) = named.filter(|(name, _)| *name != present) else {
            return Ok(());
        };
        crash::point("before-send");
        let written = self.turn(delivery).await?.name_conversation(sid, &name, attributes.as_deref()).await;
        crash::point("after-send");
        written.map_err(|failure| self.repeat(&failure))?;
        Ok(())
    }
}

/// Returns the event that a plugin would have answered when the conversation was created, without its first message.
fn conversation_add(conversation: Conversation, participants: &[Participant]) -> ConversationAdd {
    let bindings = || participants.iter().filter_map(|participant| participant.messaging_binding.as_ref());
    let own = bindings().find_map(|binding| binding.projected_address.as_ref().or(binding.proxy_address.as_ref()));
    ConversationAdd {
        addresses: bindings().filter_map(|binding| binding.address.clone()).collect(),
        proxy_address: own.cloned(),
        author: None,
        message_body: None,
        media: Vec::new(),
        attributes: conversation.attributes.unwrap_or_else(|| "{}".to_owned()),
        friendly_name: conversation.friendly_name,
        unique_name: conversation.unique_name,
        state: conversation.state,
        messaging_service_sid: conversation.messaging_service_sid,
        chat_service_sid: conversation.chat_service_sid,
        account_sid: conversation.account_sid,
        source: None,
        client_identity: None,
        more: Vec::new(),
    }
}
