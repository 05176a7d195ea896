//! Handler of calls that have ended: hands each to the plugin that logs calls.

use frontgate_contract::Role;
use frontgate_runtime::CallError;
use frontgate_twilio_callbacks::voice;

use super::{DeliveryContext, Outcome, Stop, done, sentence, unanswered, undecodable, unread};
use crate::job::Delivery;

impl DeliveryContext {
    pub(super) async fn call_log(&self, delivery: &Delivery) -> Result<Outcome, Stop> {
        let asking = self.asking(delivery);
        if !asking.has(Role::Calls) {
            return Ok(done());
        }
        let end = delivery.form();
        let events = self.store.call_events(&self.tenant.name, voice::sids(&end)).await.map_err(unread)?;
        let ended = voice::ended(&end, &events).map_err(|error| undecodable(&error))?;
        let wait = self.tenant.voice.as_ref().map(|voice| voice.recording_wait).unwrap_or_default();
        let longest = wait.saturating_sub(delivery.age());
        if !ended.is_recording_known && !longest.is_zero() {
            return Ok(Outcome::Wait { reason: "the recording has not arrived".to_owned(), longest });
        }
        let called = match asking.plugin(Role::Calls) {
            Ok(plugin) => asking.call(&plugin, Role::Calls).log_call(ended.call).await,
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
