//! Handler of calls that have ended: hands each to the plugin that logs calls.

use std::time::Duration;

use frontgate_contract::Role;
use frontgate_runtime::CallError;
use frontgate_twilio_callbacks::voice::{self, CallEnd};

use super::{DeliveryContext, Outcome, Stop, done, sentence, unanswered, undecodable, unread};
use crate::job::Delivery;

/// How long the log waits for a leg whose last status does not arrive. Twilio ends calls after four hours by default.
const LEG_LONGEST: Duration = Duration::from_secs(4 * 60 * 60);
/// How long the log waits for the report of the call's end after a leg has ended.
const END_WAIT: Duration = Duration::from_secs(30);

impl DeliveryContext {
    pub(super) async fn call_log(&self, delivery: &Delivery) -> Result<Outcome, Stop> {
        let asking = self.asking(delivery);
        if !asking.has(Role::Calls) {
            return Ok(done());
        }
        let end = delivery.form();
        let events = self.store.call_events(&self.tenant.name, voice::sids(&end)).await.map_err(unread)?;
        let summary = voice::summary(&end, &events).map_err(|error| undecodable(&error))?;
        let (reason, longest) = match summary.end {
            CallEnd::OpenLeg => ("a leg of the call has not ended", LEG_LONGEST),
            CallEnd::Likely => ("the end of the whole call has not arrived", END_WAIT),
            CallEnd::Reported => ("", Duration::ZERO),
        };
        let left = longest.saturating_sub(delivery.age());
        if !left.is_zero() {
            return Ok(Outcome::Wait { reason: reason.to_owned(), longest: left });
        }
        let wait = self.tenant.voice.as_ref().map(|voice| voice.recording_wait).unwrap_or_default();
        let left = wait.saturating_sub(delivery.age());
        if !summary.is_recording_known && !left.is_zero() {
            return Ok(Outcome::Wait { reason: "the recording has not arrived".to_owned(), longest: left });
        }
        let called = match asking.plugin(Role::Calls) {
            Ok(plugin) => asking.call(&plugin, Role::Calls).log_call(summary.call).await,
            Err(error) => Err(error),
        };
        called.map_err(|error| match error {
            // The waits for the recording are attempts too, but no crashes.
            CallError::Trap { .. } => Outcome::Crashed { reason: sentence(&error) },
            error => unanswered(&error, Role::Calls, delivery),
        })?;
        Ok(done())
    }
}
