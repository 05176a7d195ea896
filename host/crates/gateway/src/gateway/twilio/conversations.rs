//! Conversations webhooks.
//!
//! A plugin answers the webhooks that Twilio waits for, which decide how a conversation is shown or whether a message
//! passes. Events that have already happened are stored, and handled from the queue.

use std::sync::Arc;

use frontgate_tenants::Plugins;
use frontgate_twilio_callbacks::conversations::{Event, Moment};
use frontgate_twilio_callbacks::{CallbackResponse, conversations};

use super::super::request_context::RequestContext;
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
                if let Some(earlier) = self.events.earlier_response().await {
                    return earlier;
                }
                let invoker = self.request.invoker(self.plugins, context);
                context.set_webhook_plugin(&invoker);
                let changes = invoker.conversation_add(event.clone()).await?;
                self.events.remember(Ok(conversations::encode_conversation(&changes, &event))).await
            }
            Event::MessageAdd(event) => {
                if let Some(earlier) = self.events.earlier_response().await {
                    return earlier;
                }
                let invoker = self.request.invoker(self.plugins, context);
                context.set_webhook_plugin(&invoker);
                let verdict = invoker.message_add(event).await?;
                self.events.remember(conversations::encode_verdict(verdict).map_err(Error::from)).await
            }
            Event::ParticipantAdded(event) => {
                if self.request.invoker(self.plugins, context).conversations_role().is_none() {
                    return Ok(conversations::unchanged());
                }
                self.events.webhook(context, &event.conversation_sid).await
            }
            Event::Other(_) => {
                if tenant.roles.conversations.is_empty() {
                    return Ok(conversations::unchanged());
                }
                let subject = ["ConversationSid", "UserSid", "ChatServiceSid"];
                let subject = subject.iter().find_map(|name| form.get(name)).unwrap_or("-");
                self.events.webhook(context, subject).await
            }
        }
    }
}
