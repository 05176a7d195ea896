//! Conversations webhooks.
//!
//! A plugin answers the webhooks that Twilio waits for, which decide how a conversation is shown, and whether a message
//! or another change passes. Events that have already happened are stored, and handled from the queue.

use std::sync::Arc;

use frontgate_contract::Role;
use frontgate_runtime::CallError;
use frontgate_tenants::{PluginInvoker, Plugins};
use frontgate_twilio_callbacks::conversations::{Event, Moment, PreEvent};
use frontgate_twilio_callbacks::error::EncodeError;
use frontgate_twilio_callbacks::{CallbackResponse, conversations};

use super::super::request_context::RequestContext;
use super::super::request_record::Stage;
use super::events::EventIntake;
use super::verified::VerifiedRequest;
use crate::error::Error;

/// A Conversations webhook.
pub(super) struct Conversations<'r> {
    pub(super) plugins: &'r Arc<Plugins>,
    pub(super) events: EventIntake<'r>,
    pub(super) request: &'r VerifiedRequest<'r>,
}

impl Conversations<'_> {
    /// Answers the webhook.
    pub(super) async fn respond(self, context: &mut RequestContext<'_>) -> Result<CallbackResponse, Error> {
        let (form, tenant) = (self.request.form, &self.request.route.tenant);
        if conversations::moment(form) == Moment::Before && tenant.webhooks_fail_open() {
            context.fail_open();
        }
        context.set_webhook_event(conversations::name(form));
        match conversations::decode(form, &tenant.numbers)? {
            Event::ConversationAdd(event) => {
                if let Some(earlier) = self.events.earlier_response(context).await {
                    return earlier;
                }
                let invoker = self.request.invoker(self.plugins, context);
                context.set_webhook_plugin(&invoker);
                let verdict = invoker.conversation_add(event.clone()).await;
                context.record.end(Stage::Calls);
                let response = conversations::conversation(verdict?, &event).map_err(Error::from);
                self.events.remember(response, context).await
            }
            Event::Pre(event) => {
                if tenant.roles.conversations.is_empty() {
                    return Ok(conversations::unchanged());
                }
                if let Some(earlier) = self.events.earlier_response(context).await {
                    return earlier;
                }
                let invoker = self.request.invoker(self.plugins, context);
                context.set_webhook_plugin(&invoker);
                let response = decide(&invoker, event).await;
                context.record.end(Stage::Calls);
                self.events.remember(response?.map_err(Error::from), context).await
            }
            Event::ParticipantAdded(event) => {
                if self.request.invoker(self.plugins, context).conversations_role().is_none() {
                    return Ok(conversations::unchanged());
                }
                self.events.webhook(context, &event.conversation_sid).await
            }
            Event::Other(_) => {
                let repairs = !tenant.roles.crm.is_empty() && conversations::begins_unnamed(form);
                if tenant.roles.conversations.is_empty() && !repairs {
                    return Ok(conversations::unchanged());
                }
                let subject = ["ConversationSid", "UserSid", "ChatServiceSid"];
                let subject = subject.iter().find_map(|name| form.get(name)).unwrap_or("-");
                self.events.webhook(context, subject).await
            }
        }
    }
}

/// Returns the encoded decision of the tenant's plugin about a pre-event.
pub(in super::super) async fn decide(
    invoker: &PluginInvoker,
    event: PreEvent,
) -> Result<Result<CallbackResponse, EncodeError>, CallError> {
    let plugin = invoker.plugin(Role::Conversations)?;
    let call = invoker.call(&plugin, Role::Conversations);
    Ok(match event {
        PreEvent::ConversationUpdate(event) => {
            conversations::conversation_update(call.on_conversation_update(event).await?)
        }
        PreEvent::ConversationRemove(event) => conversations::verdict(call.on_conversation_remove(event).await?),
        PreEvent::ParticipantAdd(event) => conversations::verdict(call.on_participant_add(event).await?),
        PreEvent::ParticipantUpdate(event) => conversations::verdict(call.on_participant_update(event).await?),
        PreEvent::ParticipantRemove(event) => conversations::verdict(call.on_participant_remove(event).await?),
        PreEvent::MessageAdd(event) => conversations::message(call.on_message_add(event).await?),
        PreEvent::MessageUpdate(event) => conversations::message(call.on_message_update(event).await?),
        PreEvent::MessageRemove(event) => conversations::verdict(call.on_message_remove(event).await?),
        PreEvent::UserUpdate(event) => conversations::verdict(call.on_user_update(event).await?),
    })
}
