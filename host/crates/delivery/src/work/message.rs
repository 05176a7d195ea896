//! A teammate's message goes to the provider of a channel: the plugin sends it, and where nobody knows
//! whether it did, it is asked before it sends again.

use std::sync::Arc;

use frontgate_contract::Role;
use frontgate_contract::bindings::channel::{Attachment, Fate, OutboundKind, OutboundMessage, Party, Receipt as Given};
use frontgate_front::requests;
use frontgate_front::requests::{ChannelRequest, Kind, Message};
use frontgate_runtime::error::CallError;
use frontgate_runtime::outbound::traces::{Left, Traces};
use frontgate_store::crash;

use super::channel::Subject;
use super::{Settlement, Stop, Workshop, again, sentence, unread};
use crate::front::Front;
use crate::front::files::MessageFiles;
use crate::import::{Happened, ID_BYTES_MAX, unusable};
use crate::job::{Delivery, Receipt};

/// What is written down before a plugin is asked to send.
const PLAN: &str = "send";

impl Workshop {
    pub(super) async fn message(&self, delivery: &Delivery) -> Result<Settlement, Stop> {
        let Subject { front, channel } = self.subject(delivery).await?;
        let Ok(requests::Decoded { request: ChannelRequest::Message(message), .. }) =
            requests::decode_stored(delivery.payload.as_bytes())
        else {
            return Ok(Settlement::Failed { reason: "what is kept is no message".to_owned() });
        };
        let message = Arc::new(*message);
        let ids = message.conversation_ids.clone();
        let names = self.store.conversation_names(channel.id, delivery.message.unwrap_or_default(), ids).await;
        let names = names.map_err(unread)?;
        let outbound = outbound(&message, message.idempotency_key(&channel.channel_id), names);
        let connection = front.app.connection(&channel.channel_id, &channel.key, channel.credential.clone());
        let asking = self.asking(delivery);
        let plugin = asking.channel_plugin(&front.app).map_err(|error| again(sentence(&error), true))?;
        let call = || {
            let files =
                MessageFiles { front: Arc::clone(&front), channel: channel.clone(), message: Arc::clone(&message) };
            asking.call(&plugin, Role::Channel).with_files(Arc::new(files))
        };
        if delivery.unknown {
            match call().find_sent(connection.clone(), outbound.clone()).await {
                Ok(Fate::Sent(receipt)) => return Ok(self.delivered(delivery, &front, receipt)),
                Ok(Fate::NotSent) => {}
                Ok(Fate::Unclear) => {
                    let reason = "the plugin cannot tell whether the provider has it".to_owned();
                    return Ok(Settlement::Lost { reason });
                }
                Err(error) => {
                    let reason = format!("asking the plugin about it: {}", sentence(&error));
                    // One that crashes over the question will not find out.
                    let asked = matches!(error, CallError::Trap { .. });
                    return Ok(Settlement::Unknown { reason, asked, after: None });
                }
            }
            crash::point("asked");
        }
        if !self.store.plan(&self.tenant.name, delivery, PLAN).await.map_err(Stop::Unwritten)? {
            return Ok(again("it was taken out of this worker's hands", false));
        }
        crash::point("before-send");
        let traces = Arc::new(Traces::default());
        let sent = call().traced(&traces).send(connection, outbound).await;
        crash::point("after-send");
        Ok(match sent {
            Ok(receipt) => self.delivered(delivery, &front, receipt),
            Err(error) => unsent(&error, traces.close()),
        })
    }

    /// It is sent, whatever else the plugin tells: what cannot be told to Front is dropped, and said.
    fn delivered(&self, delivery: &Delivery, front: &Front, given: Given) -> Settlement {
        let (events, dropped): (Vec<_>, Vec<_>) = given.events.into_iter().partition(|event| unusable(event).is_none());
        let most = front.app.events_max;
        if !dropped.is_empty() || events.len() > most {
            tracing::warn!(
                request = &*delivery.request,
                tenant = &*self.tenant.name,
                "a receipt of the plugin `{}` tells what Front cannot be told, or more than events_max = {most} events",
                front.app.plugin
            );
        }
        let events = events.into_iter().take(most).map(Happened::from).collect();
        let [name, conversation] = [given.external_id, given.external_conversation_id]
            .map(|id: Option<String>| id.filter(|id| id.len() <= ID_BYTES_MAX));
        let receipt = Receipt { name, conversation, events };
        Settlement::Delivered { receipt }
    }
}

/// The plugin has not said that it was sent. Its word counts where it had an answer to every request that
/// changes something; where it has crashed, or ran out of time, what left counts.
fn unsent(error: &CallError, left: Left) -> Settlement {
    let reason = format!("the plugin has not sent it: {}", sentence(error));
    let told = |text: &str| format!("It could not be sent: {text}");
    match error {
        CallError::NotFound => Settlement::Refused { reason, told: told("the provider does not know the recipient") },
        CallError::Forbidden(text) | CallError::Invalid(text) | CallError::Failed(text) => {
            Settlement::Refused { reason, told: told(text) }
        }
        CallError::Unavailable(_) if left != Left::Unclear => again(reason, true),
        _ if left != Left::Nothing => Settlement::Unknown { reason, asked: false, after: None },
        CallError::Trap { .. } => Settlement::Crashed { reason },
        _ => again(reason, true),
    }
}

fn outbound(message: &Message, idempotency_key: String, conversation_ids: Vec<String>) -> OutboundMessage {
    OutboundMessage {
        kind: match message.kind {
            Kind::Message => OutboundKind::Message,
            Kind::Autoreply => OutboundKind::Autoreply,
        },
        idempotency_key,
        message_id: message.id.clone(),
        conversation_ids,
        to: message.to.iter().map(party).collect(),
        author: message.author.as_ref().map(|author| party(&author.party)),
        subject: message.subject.clone(),
        text: message.text.clone(),
        html: message.html.clone(),
        attachments: message.attachments.iter().map(attachment).collect(),
    }
}

fn party(party: &requests::Party) -> Party {
    Party { handle: party.handle.clone(), name: party.name.clone(), email: party.email.clone() }
}

fn attachment(attachment: &requests::Attachment) -> Attachment {
    Attachment {
        id: attachment.id.clone(),
        filename: attachment.filename.clone(),
        content_type: attachment.content_type.clone(),
        size: attachment.size,
        is_inline: attachment.is_inline,
        content_id: attachment.cid.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugins_word_counts_as_far_as_its_requests_do_not_say_otherwise() {
        let crash = || CallError::Trap { text: "unreachable".to_owned(), limit: None };
        let unwritten = || CallError::NotCommitted { text: "full".to_owned(), passes: false };
        let down = || CallError::Unavailable("503".to_owned());
        let is = |settlement: Settlement| match settlement {
            Settlement::Again { .. } => "again",
            Settlement::Unknown { .. } => "unknown",
            Settlement::Crashed { .. } => "crashed",
            Settlement::Refused { .. } => "refused",
            other => panic!("{other:?}"),
        };
        let table = [
            (CallError::Invalid("no".to_owned()), ["refused", "refused", "refused"]),
            (CallError::Failed("no".to_owned()), ["refused", "refused", "refused"]),
            (CallError::NotFound, ["refused", "refused", "refused"]),
            (down(), ["again", "again", "unknown"]),
            (crash(), ["crashed", "unknown", "unknown"]),
            (unwritten(), ["again", "unknown", "unknown"]),
            (CallError::OutOfTime("call_timeout_ms"), ["again", "unknown", "unknown"]),
            (CallError::Internal("a panic".to_owned()), ["again", "unknown", "unknown"]),
            (CallError::Busy("no place"), ["again", "unknown", "unknown"]),
        ];
        for (error, expected) in table {
            let settled = [Left::Nothing, Left::Done, Left::Unclear].map(|left| is(unsent(&error, left)));
            assert_eq!(settled, expected, "{error:?}");
        }
    }
}
