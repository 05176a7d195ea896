//! Frontline's calls: connects them, and stores what Twilio reports about them.

use frontgate_delivery::job::Kind;
use frontgate_twilio::voice::HANGUP;
use frontgate_twilio_callbacks::CallbackResponse;
use frontgate_twilio_callbacks::voice::{self, CallEvent};

use super::super::request_context::RequestContext;
use super::events::EventIntake;
use super::verified::VerifiedRequest;
use crate::error::Error;

/// The response to a status, which Twilio ignores.
const EMPTY: &str = "<Response/>";

/// A callback about a call.
pub(super) struct Calls<'r> {
    pub(super) events: EventIntake<'r>,
    pub(super) request: &'r VerifiedRequest<'r>,
}

impl Calls<'_> {
    /// Connects a call. If its beginning cannot be stored, the call is connected nevertheless.
    pub(super) async fn connect(self, context: &mut RequestContext<'_>) -> Result<CallbackResponse, Error> {
        self.store(context, CallEvent::Started).await?;
        let voice = self.request.route.tenant.voice.as_ref();
        Ok(CallbackResponse::xml(voice.map_or(EMPTY, |voice| &voice.twiml)))
    }

    /// Stores a status. The last status of a leg also enqueues the call's log.
    pub(super) async fn status(self, context: &mut RequestContext<'_>) -> Result<CallbackResponse, Error> {
        if voice::has_ended(self.request.form) {
            self.enqueue_log(context, CallEvent::Status).await?;
        }
        self.store(context, CallEvent::Status).await?;
        Ok(CallbackResponse::xml(EMPTY))
    }

    /// Stores a recording.
    pub(super) async fn recording(self, context: &mut RequestContext<'_>) -> Result<CallbackResponse, Error> {
        self.store(context, CallEvent::Recording).await?;
        Ok(CallbackResponse::xml(EMPTY))
    }

    /// Stores the end of a call and enqueues its log. The caller of an unanswered call hears the operator's text.
    pub(super) async fn ended(self, context: &mut RequestContext<'_>) -> Result<CallbackResponse, Error> {
        self.enqueue_log(context, CallEvent::Ended).await?;
        self.store(context, CallEvent::Ended).await?;
        let voice = self.request.route.tenant.voice.as_ref().filter(|_| voice::is_unanswered(self.request.form));
        Ok(CallbackResponse::xml(voice.map_or(HANGUP, |voice| &voice.unanswered_twiml)))
    }

    /// Enqueues the log of a call, once for each call. It waits until the whole call has ended.
    async fn enqueue_log(&self, context: &mut RequestContext<'_>, event: CallEvent) -> Result<(), Error> {
        if self.request.route.tenant.roles.calls.is_empty() {
            return Ok(());
        }
        let key = format!("call-log {}", voice::call_sid(self.request.form)?);
        self.events.call(context, vec![key.clone()], Kind::CallLog, event, &key).await
    }

    /// Stores an event, if any plugin of the tenant handles calls.
    async fn store(&self, context: &mut RequestContext<'_>, event: CallEvent) -> Result<(), Error> {
        let (form, roles) = (self.request.form, &self.request.route.tenant.roles);
        context.set_webhook_event(event.name());
        let call = voice::call_sid(form)?;
        if roles.calls.is_empty() && roles.conversations.is_empty() {
            return Ok(());
        }
        let identities = vec![voice::identity(event, form, &call), self.events.replay()];
        self.events.call(context, identities, Kind::Call, event, &call).await
    }
}
