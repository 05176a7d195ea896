//! Frontline's calls: connects them, and stores what Twilio reports about them.

use frontgate_delivery::job::Kind;
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

    /// Stores a status. The status that ends the call also enqueues the call's log.
    pub(super) async fn status(self, context: &mut RequestContext<'_>) -> Result<CallbackResponse, Error> {
        let (form, roles) = (self.request.form, &self.request.route.tenant.roles);
        if voice::has_ended(form) && !roles.calls.is_empty() {
            let call = voice::call_sid(form)?;
            let (identity, key) = (format!("call-log {call}"), format!("call-log {call}"));
            self.events.call(context, vec![identity], Kind::CallLog, CallEvent::Status, &key).await?;
        }
        self.store(context, CallEvent::Status).await?;
        Ok(CallbackResponse::xml(EMPTY))
    }

    /// Stores a recording.
    pub(super) async fn recording(self, context: &mut RequestContext<'_>) -> Result<CallbackResponse, Error> {
        self.store(context, CallEvent::Recording).await?;
        Ok(CallbackResponse::xml(EMPTY))
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
