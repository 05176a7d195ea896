//! Handler of events of voice calls: tells Front about a call of a channel.
//!
//! Events of one call are sent in order. A request without an answer is repeated: Front knows a call by the provider's
//! id alone, so a repeated request changes the same call.

use std::time::Duration;

use frontgate_front::api;
use frontgate_front::api::{Call, Fate, NewCall, StatusChange, UPLOAD_BYTES_MAX};
use frontgate_front::ids::safe;
use frontgate_runtime::files::FileError;
use frontgate_store::crash;
use hyper::body::Body as _;

use super::channel::Subject;
use super::import::{FORM_BYTES, outcome, whole};
use super::{DeliveryContext, Outcome, Stop, lease_lost, retry};
use crate::front_client::FilePart;
use crate::job::Delivery;
use crate::provider_event::{CallChange, CallEvent, File};

/// Time for which Front may not know a call that it has accepted.
const CALL_PATIENCE: Duration = Duration::from_secs(60);

/// The field of the recording.
const RECORDING: &str = "attachments";

impl DeliveryContext {
    pub(super) async fn call_event(&self, delivery: &Delivery) -> Result<Outcome, Stop> {
        let subject = self.subject(delivery).await?;
        let Ok(event) = serde_json::from_str::<CallEvent>(&delivery.payload) else {
            return Ok(Outcome::Failed { reason: "stored payload is not an event of a call".to_owned() });
        };
        let Subject { front, channel } = &subject;
        // The permit is acquired first, so that no open file waits for it.
        let permit = front.permit(channel).await;
        let files = match event.file() {
            Some(file) => vec![self.recording(delivery, &subject, file).await?],
            None => Vec::new(),
        };
        if !self.plan(delivery, &delivery.name).await? {
            return Ok(lease_lost());
        }
        crash::point("before-send");
        let agent = event.agent().filter(|address| is_address(address));
        let call = request(&channel.channel_id, &event, agent);
        let mut fate = front.call_now(permit, delivery.replica, channel, &call, files).await;
        if matches!(fate, Fate::Refused(_)) && agent.is_some() {
            // Front may not know the teammate: try once more without the address.
            self.warn_of_agent(delivery);
            fate = front.call(delivery.replica, channel, &request(&channel.channel_id, &event, None)).await;
        }
        crash::point("after-send");
        Ok(match fate {
            // Front reads requests later than it accepts them, so it may not know the call yet.
            Fate::NotFound(reason) if delivery.tried() >= CALL_PATIENCE && !event.is_begun() => {
                Outcome::Failed { reason }
            }
            Fate::Refused(reason) if delivery.unknown => {
                let reason = format!("{reason}; Front may have the first request, whose answer was lost");
                Outcome::Failed { reason }
            }
            fate => outcome(fate),
        })
    }

    /// Opens a recording.
    async fn recording(&self, delivery: &Delivery, subject: &Subject, file: &File) -> Result<FilePart, Stop> {
        let given_up = |why: &str| Stop::from(Outcome::Failed { reason: format!("the recording {why}") });
        let body = match self.open(delivery, subject, file).await {
            Ok(body) => body,
            Err(FileError::Unavailable(why)) if delivery.tried() < subject.front.app.file_patience => {
                return Err(retry(format!("failed to fetch a recording: {why}"), false).into());
            }
            Err(_) => return Err(given_up("could not be fetched")),
        };
        let body = match body.size_hint().exact() {
            Some(_) => body,
            None => whole(body).await.ok_or_else(|| given_up("is large and of unknown size"))?,
        };
        if body.size_hint().lower() > UPLOAD_BYTES_MAX - FORM_BYTES {
            return Err(given_up("is too large"));
        }
        Ok(FilePart {
            name: RECORDING.to_owned(),
            filename: Some(file.filename.clone()),
            content_type: Some(file.content_type.clone()),
            body,
        })
    }

    fn warn_of_agent(&self, delivery: &Delivery) {
        tracing::warn!(
            event = "delivery.call_agent_dropped",
            request = &*delivery.request,
            tenant = &*self.tenant.name,
            id = delivery.id,
            "delivery {} sent without agent-email: Front rejected the event",
            delivery.id
        );
    }
}

/// Returns whether a text can be an e-mail address.
fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
}

/// Returns the request about an event, with the e-mail address of this teammate.
fn request(channel_id: &str, event: &CallEvent, agent: Option<&str>) -> Call {
    let id = safe(&event.call);
    match &event.change {
        CallChange::Begun { direction, party, status, parent, started_at_ms, .. } => {
            let parent = parent.as_deref().map(safe);
            let call = NewCall {
                external_id: &id,
                parent: parent.as_deref(),
                direction: *direction,
                party: (&party.handle, party.name.as_deref()),
                status: *status,
                started_at_ms: *started_at_ms,
                agent,
            };
            api::create_call(channel_id, &call)
        }
        CallChange::Changed { status, occurred_at_ms, .. } => {
            let change = StatusChange { status: *status, occurred_at_ms: *occurred_at_ms, agent };
            api::update_call(channel_id, &id, &change)
        }
        CallChange::Recording { kind, .. } => api::add_recording(channel_id, &id, *kind),
        CallChange::Transcript(lines) => {
            let lines: Vec<_> = lines.iter().map(line).collect();
            api::add_transcript(channel_id, &id, &lines)
        }
        CallChange::Summary(text) => api::add_summary(channel_id, &id, text),
    }
}

fn line(line: &crate::provider_event::Line) -> api::Line<'_> {
    api::Line {
        speaker_name: &line.speaker,
        content: &line.text,
        start_time_seconds: Duration::from_millis(line.start_ms).as_secs_f64(),
        speaker_type: line.side,
    }
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn only_an_address_with_both_parts_reaches_front() {
        for (text, expected) in [("ana@acme.example", true), ("ana", false), ("@acme.example", false), ("ana@", false)]
        {
            assert_eq!(is_address(text), expected, "{text}");
        }
    }
}
