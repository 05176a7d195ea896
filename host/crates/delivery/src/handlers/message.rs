//! Handler of teammates' messages: the plugin sends each one to the channel's provider.
//!
//! If the outcome of an earlier attempt is unknown, the plugin is asked about it before it sends again.

use std::sync::Arc;

use frontgate_contract::Role;
use frontgate_contract::bindings::channel::{
    Attachment, Author, AuthorKind, OutboundKind, OutboundMessage, Party, SendReceipt, SendStatus, TemplateUse,
    VariableValue,
};
use frontgate_front::requests;
use frontgate_front::requests::{ChannelRequest, Kind, Message};
use frontgate_front::templates;
use frontgate_runtime::{CallError, Effect, SideEffects};
use frontgate_store::crash;

use super::channel::Subject;
use super::{DeliveryContext, Outcome, Stop, lease_lost, retry, sentence, unread};
use crate::front_client::FrontClient;
use crate::front_client::files::MessageFiles;
use crate::job::{Delivery, ProviderReceipt};
use crate::listed_template::ListedTemplate;
use crate::provider_event::{ID_BYTES_MAX, ProviderEvent, invalid_reason};

/// The plan that is stored before the plugin sends.
const PLAN: &str = "send";

impl DeliveryContext {
    pub(super) async fn message(&self, delivery: &Delivery) -> Result<Outcome, Stop> {
        let Subject { front, channel } = self.subject(delivery).await?;
        let Ok(requests::Decoded { request: ChannelRequest::Message(message), .. }) =
            requests::decode_stored(delivery.payload.as_bytes())
        else {
            return Ok(Outcome::Failed { reason: "stored payload is not a message".to_owned() });
        };
        let message = Arc::new(*message);
        let ids = message.conversation_ids.clone();
        let names = self.store.conversation_names(channel.id, delivery.message.unwrap_or_default(), ids).await;
        let names = names.map_err(unread)?;
        let answered = [&message.replied_to, &message.in_reply_to].map(Clone::clone);
        let answered = self.store.answered_messages(channel.id, answered).await.map_err(unread)?;
        let mut outbound = outbound(&message, message.idempotency_key(&channel.channel_id), names, answered);
        outbound.template = self.template(channel.id, &message.text).await?;
        let connection = front.app.connection(&channel.channel_id, &channel.key, channel.credential.clone());
        let asking = self.asking(delivery);
        let plugin = asking.channel_plugin(&front.app).map_err(|error| retry(sentence(&error), true))?;
        let call = || {
            let files =
                MessageFiles { front: Arc::clone(&front), channel: channel.clone(), message: Arc::clone(&message) };
            asking.call(&plugin, Role::Channel).with_files(Arc::new(files))
        };
        if delivery.unknown {
            match call().check_sent(connection.clone(), outbound.clone()).await {
                Ok(SendStatus::Sent(receipt)) => return Ok(self.delivered(delivery, &front, receipt)),
                Ok(SendStatus::NotSent) => {}
                Ok(SendStatus::Unknown) => {
                    let reason = "the plugin cannot determine whether the provider has the message".to_owned();
                    return Ok(Outcome::Lost { reason });
                }
                Err(error) => {
                    let reason = format!("failed to ask the plugin about the outcome: {}", sentence(&error));
                    // A crash increments `questions`, because the same query will probably crash again.
                    let asked = matches!(error, CallError::Trap { .. });
                    return Ok(Outcome::Unknown { reason, asked, after: None });
                }
            }
            crash::point("asked");
        }
        if !self.plan(delivery, PLAN).await? {
            return Ok(lease_lost());
        }
        crash::point("before-send");
        let (replica, leased_by) = (Arc::clone(self.store.replica()), delivery.replica);
        let side_effects = Arc::new(SideEffects::allowed_while(move || replica.may_act(leased_by)));
        let sent = call().with_side_effects(&side_effects).send(connection, outbound).await;
        crash::point("after-send");
        if let Err(error) = &sent
            && !matches!(error, CallError::NotFound | CallError::Invalid(_) | CallError::Failed(_))
        {
            self.store.suspect(&self.tenant.name, channel.id);
        }
        Ok(match sent {
            Ok(receipt) => self.delivered(delivery, &front, receipt),
            Err(error) => send_failed(&error, side_effects.close()),
        })
    }

    /// Returns the template that a text was written from: Front sends the text alone.
    async fn template(&self, channel: i64, text: &str) -> Result<Option<TemplateUse>, Stop> {
        if text.is_empty() {
            return Ok(None);
        }
        let stored = self.store.templates(channel).await.map_err(unread)?;
        let listed: Vec<_> =
            stored.into_iter().filter_map(|one| one.listed).filter(ListedTemplate::is_sendable).collect();
        let found = templates::find(listed.iter().map(|one| (one, one.body.as_str())), text);
        Ok(found.map(|(template, values)| TemplateUse {
            id: template.id.clone(),
            language: template.language.clone(),
            values: values.into_iter().map(|(key, value)| VariableValue { key, value }).collect(),
        }))
    }

    /// Converts the plugin's receipt. Invalid and excess events are dropped; the message is still marked as sent.
    fn delivered(&self, delivery: &Delivery, front: &FrontClient, given: SendReceipt) -> Outcome {
        let (events, dropped): (Vec<_>, Vec<_>) =
            given.events.into_iter().partition(|event| invalid_reason(event).is_none());
        let most = front.app.events_max;
        if !dropped.is_empty() || events.len() > most {
            tracing::warn!(
                event = "delivery.receipt_events_dropped",
                request = &*delivery.request,
                tenant = &*self.tenant.name,
                plugin = &*front.app.plugin,
                "events of a receipt of plugin `{}` dropped: invalid, or more than events_max = {most}",
                front.app.plugin
            );
        }
        let events = events.into_iter().take(most).map(ProviderEvent::from).collect();
        let [name, conversation] = [given.external_id, given.external_conversation_id]
            .map(|id: Option<String>| id.filter(|id| id.len() <= ID_BYTES_MAX));
        let receipt = ProviderReceipt { name, conversation, events };
        Outcome::Delivered { receipt }
    }
}

/// Returns the outcome of a failed `send`, from the plugin's error and the requests that the plugin made.
///
/// - A rejection by the plugin is final.
/// - `unavailable` is trusted if every request with side effects got a complete answer.
/// - After any other failure, the message may have been sent if a request with side effects was sent.
fn send_failed(error: &CallError, effect: Effect) -> Outcome {
    let reason = format!("`send` of the plugin failed: {}", sentence(error));
    let notice = |text: &str| format!("Delivery failed: {text}");
    match error {
        CallError::NotFound => Outcome::Refused { reason, notice: notice("the provider does not know the recipient") },
        CallError::Forbidden(text) | CallError::Invalid(text) | CallError::Failed(text) => {
            Outcome::Refused { reason, notice: notice(text) }
        }
        CallError::Unavailable(_) if effect != Effect::Unknown => retry(reason, true),
        _ if effect != Effect::None => Outcome::Unknown { reason, asked: false, after: None },
        CallError::Trap { .. } => Outcome::Crashed { reason },
        _ => retry(reason, true),
    }
}

fn outbound(
    message: &Message,
    idempotency_key: String,
    conversation_ids: Vec<String>,
    [replied_to, in_reply_to]: [Option<String>; 2],
) -> OutboundMessage {
    OutboundMessage {
        kind: match message.kind {
            Kind::Message => OutboundKind::Message,
            Kind::Autoreply => OutboundKind::Autoreply,
        },
        idempotency_key,
        message_id: message.id.clone(),
        conversation_ids,
        to: message.to.iter().map(party).collect(),
        author: message.author.as_ref().map(author),
        replied_to,
        in_reply_to,
        template: None,
        subject: message.subject.clone(),
        text: message.text.clone(),
        html: message.html.clone(),
        attachments: message.attachments.iter().map(attachment).collect(),
    }
}

fn author(author: &requests::Author) -> Author {
    let requests::Author { kind, id, handle, name } = author.clone();
    let kind = match kind {
        requests::AuthorKind::Teammate => AuthorKind::Teammate,
        requests::AuthorKind::Rule => AuthorKind::Rule,
        requests::AuthorKind::Macro => AuthorKind::Macro,
        requests::AuthorKind::Api => AuthorKind::Api,
        requests::AuthorKind::Ai => AuthorKind::Ai,
        requests::AuthorKind::Other => AuthorKind::Other,
    };
    Author { kind, id, handle, name }
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
    fn a_plugins_error_is_trusted_unless_its_requests_contradict_it() {
        let crash = || CallError::Trap { text: "unreachable".to_owned(), limit: None };
        let unwritten = || CallError::NotCommitted { text: "full".to_owned(), retryable: false };
        let down = || CallError::Unavailable("503".to_owned());
        let is = |outcome: Outcome| match outcome {
            Outcome::Retry { .. } => "retry",
            Outcome::Unknown { .. } => "unknown",
            Outcome::Crashed { .. } => "crashed",
            Outcome::Refused { .. } => "refused",
            other => panic!("{other:?}"),
        };
        let table = [
            (CallError::Invalid("no".to_owned()), ["refused", "refused", "refused"]),
            (CallError::Failed("no".to_owned()), ["refused", "refused", "refused"]),
            (CallError::NotFound, ["refused", "refused", "refused"]),
            (down(), ["retry", "retry", "unknown"]),
            (crash(), ["crashed", "unknown", "unknown"]),
            (unwritten(), ["retry", "unknown", "unknown"]),
            (CallError::OutOfTime("call_timeout_ms"), ["retry", "unknown", "unknown"]),
            (CallError::Internal("a panic".to_owned()), ["retry", "unknown", "unknown"]),
            (CallError::Busy("no place"), ["retry", "unknown", "unknown"]),
        ];
        for (error, expected) in table {
            let settled = [Effect::None, Effect::Done, Effect::Unknown].map(|effect| is(send_failed(&error, effect)));
            assert_eq!(settled, expected, "{error:?}");
        }
    }
}
