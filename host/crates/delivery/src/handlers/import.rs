//! Handler of imports: sends messages of customers, and of agents who wrote at the provider, to Front.
//!
//! Files that cannot be sent are left out, and the message contains a note for each of them.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontgate_front::api;
use frontgate_front::api::{Call, Contact, Content, Fate, UPLOAD_BYTES_MAX, Writer, file_field};
use frontgate_front::html::Html;
use frontgate_front::ids::is_teammate;
use frontgate_runtime::files::{Body, FileError};
use frontgate_runtime::{CallRecords, Caller, fetch};
use frontgate_store::crash;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Body as _;

use super::channel::Subject;
use super::{DeliveryContext, Outcome, Stop, lease_lost, retry, unread};
use crate::front_client::FilePart;
use crate::job::Delivery;
use crate::provider_event::{File, Import, Party, Source};

/// Pause before the next check of the messages in flight, since the event may be about one of them.
pub(super) const ECHO_PAUSE: Duration = Duration::from_millis(250);

/// Maximum time for which an answer waits for the message that it answers.
const REFERENCE_PATIENCE: Duration = Duration::from_secs(10);

/// Maximum size of a file of unknown size, which is held in memory: Front requires the length of an upload.
const UNSIZED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Bytes of an upload reserved for the form around text and files.
pub(super) const FORM_BYTES: u64 = 64 * 1024;

impl DeliveryContext {
    pub(super) async fn import(&self, delivery: &Delivery) -> Result<Outcome, Stop> {
        let subject = self.subject(delivery).await?;
        let Ok(import) = serde_json::from_str::<Import>(&delivery.payload) else {
            return Ok(Outcome::Failed { reason: "stored payload is not a message".to_owned() });
        };
        if let Some(outcome) = self.known_outcome(delivery, &subject, &import).await? {
            return Ok(outcome);
        }
        // The permit is acquired first, so that no open file waits for it.
        let permit = subject.front.permit(&subject.channel).await;
        let (files, mut notes) = self.files(delivery, &subject, &import).await?;
        let message = delivery.message.unwrap_or_default();
        let ids = self.store.message_ids(message).await.map_err(unread)?;
        let (external_id, conversation) =
            ids.ok_or_else(|| Outcome::Failed { reason: "message deleted after store.messages_keep_ms".to_owned() })?;
        let reference = self.reference(delivery, &subject, &import).await?;
        let ids = Ids { message: &external_id, conversation: &conversation, reference: reference.as_deref() };
        let author = self.author_id(delivery, &import);
        let channel_id = &subject.channel.channel_id;
        let call = |author: Option<&str>, notes: &[String], files: usize| {
            call(channel_id, &import, &ids, author, &import.body.for_front(notes, files > 0), files)
        };
        let plan = self.store.now_ms().to_string();
        if !self.plan(delivery, &plan).await? {
            return Ok(lease_lost());
        }
        crash::point("before-send");
        let names: Vec<String> = files.iter().filter_map(|file| file.filename.clone()).collect();
        let whole = call(author, &notes, files.len());
        let mut fate = subject.front.call_now(permit, delivery.replica, &subject.channel, &whole, files).await;
        if matches!(fate, Fate::Refused(_)) && author.is_some() {
            // Front may not know the teammate: try once more without the id.
            self.warn_of_author(delivery, "Front rejected the message");
            let permit = subject.front.permit(&subject.channel).await;
            let (files, left_out) = self.files(delivery, &subject, &import).await?;
            notes = left_out;
            let anonymous = call(None, &notes, files.len());
            fate = subject.front.call_now(permit, delivery.replica, &subject.channel, &anonymous, files).await;
        }
        if matches!(fate, Fate::Refused(_)) && !names.is_empty() {
            // The files may be the reason: try once more with the text alone.
            notes.extend(names.into_iter().map(|name| format!("{name} was rejected by Front")));
            fate = subject.front.call(delivery.replica, &subject.channel, &call(None, &notes, 0)).await;
        }
        crash::point("after-send");
        Ok(outcome(fate))
    }

    /// Returns the outcome if Front has the message already, or may have it.
    async fn known_outcome(
        &self,
        delivery: &Delivery,
        subject: &Subject,
        import: &Import,
    ) -> Result<Option<Outcome>, Stop> {
        let (channel, name) = (subject.channel.id, import.external_id.clone());
        if !import.is_inbound() {
            // Asked before the message is looked up: a message that settles in between is found.
            let maybe_in_flight =
                self.store.has_message_in_flight(channel, delivery.since, delivery.message).await.map_err(unread)?;
            if self.store.find_sent_message(channel, name).await.map_err(unread)?.is_some() {
                return Ok(Some(Outcome::Sent { result: None }));
            }
            if maybe_in_flight {
                let reason = "waiting for messages in flight: the message may be an echo of one of them";
                return Err(retry_after(reason, ECHO_PAUSE).into());
            }
        }
        if !delivery.unknown {
            return Ok(None);
        }
        let message = delivery.message.unwrap_or_default();
        if self.store.is_imported(message).await.map_err(unread)? {
            return Ok(Some(Outcome::Sent { result: None }));
        }
        let patience = subject.front.app.import_patience.saturating_sub(since_sent(delivery, self.store.now_ms()));
        let reason = "waiting for Front's confirmation".to_owned();
        Ok((!patience.is_zero()).then_some(Outcome::Unknown { reason, asked: false, after: Some(patience) }))
    }

    /// Returns Front's id of the message that this one answers. Waits for a while if that may be a message in flight,
    /// whose id of the provider is not stored yet.
    async fn reference(&self, delivery: &Delivery, subject: &Subject, import: &Import) -> Result<Option<String>, Stop> {
        let Some(name) = import.in_reply_to.clone().filter(|name| *name != import.external_id) else { return Ok(None) };
        let channel = subject.channel.id;
        // As for echoes, asked before the message is looked up.
        let maybe_in_flight = !delivery.unknown
            && delivery.tried() < REFERENCE_PATIENCE
            && self.store.has_message_in_flight(channel, delivery.since, delivery.message).await.map_err(unread)?;
        let found = self.store.referenced_message(channel, name).await.map_err(unread)?;
        if found.is_none() && maybe_in_flight {
            let reason = "waiting for messages in flight: the message may answer one of them";
            return Err(retry_after(reason, ECHO_PAUSE).into());
        }
        Ok(found)
    }

    /// Returns the id of the agent's teammate, if the plugin gave one that Front can read.
    fn author_id<'i>(&self, delivery: &Delivery, import: &'i Import) -> Option<&'i str> {
        let id = import.author_id.as_deref()?;
        if !is_teammate(id) {
            self.warn_of_author(delivery, "the plugin's author-id is not an id of a teammate");
            return None;
        }
        Some(id)
    }

    fn warn_of_author(&self, delivery: &Delivery, why: &str) {
        tracing::warn!(
            event = "delivery.author_id_dropped",
            request = &*delivery.request,
            tenant = &*self.tenant.name,
            id = delivery.id,
            "delivery {} sent without author-id: {why}",
            delivery.id
        );
    }

    /// Opens the files; returns the files that can be sent, and a note for each of the others.
    async fn files(
        &self,
        delivery: &Delivery,
        subject: &Subject,
        import: &Import,
    ) -> Result<(Vec<FilePart>, Vec<String>), Stop> {
        let (mut files, mut notes) = (Vec::new(), Vec::new());
        let mut space = UPLOAD_BYTES_MAX
            .saturating_sub(FORM_BYTES)
            .saturating_sub(u64::try_from(import.body.for_front(&[], false).bytes()).unwrap_or(u64::MAX));
        for file in &import.files {
            let body = match self.open(delivery, subject, file).await {
                Ok(body) => body,
                Err(FileError::Unavailable(why)) if delivery.tried() < subject.front.app.file_patience => {
                    return Err(retry(format!("failed to fetch a file: {why}"), false).into());
                }
                Err(_) => {
                    notes.push(format!("{} could not be fetched", file.filename));
                    continue;
                }
            };
            let body = match body.size_hint().exact() {
                Some(_) => body,
                None => match whole(body).await {
                    Some(body) => body,
                    None => {
                        notes.push(format!("{} is large and of unknown size", file.filename));
                        continue;
                    }
                },
            };
            match space.checked_sub(body.size_hint().lower()) {
                Some(left) => space = left,
                None => {
                    notes.push(format!("{} is too large", file.filename));
                    continue;
                }
            }
            files.push(FilePart {
                name: file_field(files.len()),
                filename: Some(file.filename.clone()),
                content_type: Some(file.content_type.clone()),
                body,
            });
        }
        Ok((files, notes))
    }

    pub(super) async fn open(&self, delivery: &Delivery, subject: &Subject, file: &File) -> Result<Body, FileError> {
        match &file.source {
            Source::Bytes(text) => {
                let bytes = BASE64_STANDARD.decode(text).map_err(|error| FileError::Rejected(error.to_string()))?;
                Ok(Full::from(bytes).map_err(|never| match never {}).boxed_unsync())
            }
            Source::Url(url) => {
                let app = &subject.front.app;
                let plugin = self.asking(delivery).channel_plugin(app);
                let plugin = plugin.map_err(|error| FileError::Unavailable(error.to_string()))?;
                let caller = Caller {
                    tenant: self.tenant.name.clone(),
                    request: delivery.request.clone(),
                    share: None,
                    records: CallRecords::default(),
                };
                fetch(&plugin, &caller, url, app.files_timeout).await
            }
        }
    }
}

/// Returns the time since the last call to Front; the plan contains the time of that call.
fn since_sent(delivery: &Delivery, now_ms: i64) -> Duration {
    let sent: i64 = delivery.plan.as_deref().and_then(|plan| plan.parse().ok()).unwrap_or_default();
    // A clock that was turned back must not extend the wait.
    Duration::from_millis(u64::try_from(now_ms - sent).unwrap_or(u64::MAX))
}

/// Reads a small file of unknown size into memory; `None` if it is larger or cannot be read.
pub(super) async fn whole(body: Body) -> Option<Body> {
    let bytes = Limited::new(body, UNSIZED_BYTES_MAX).collect().await.ok()?.to_bytes();
    Some(Full::from(bytes).map_err(|never| match never {}).boxed_unsync())
}

pub(super) fn retry_after(reason: &str, pause: Duration) -> Outcome {
    Outcome::Retry { after: Some(pause), reason: reason.to_owned(), waits_for_plugin: false }
}

/// Converts the result of a call to Front.
pub(super) fn outcome(fate: Fate) -> Outcome {
    match fate {
        Fate::Accepted { message_uid } => Outcome::Sent { result: message_uid },
        Fate::Again { after_ms, reason, .. } => {
            Outcome::Retry { after: after_ms.map(Duration::from_millis), reason, waits_for_plugin: false }
        }
        // An operator, or an admin in Front, can fix these errors.
        Fate::Token(reason) | Fate::NotFound(reason) => retry(reason, false),
        Fate::Refused(reason) => Outcome::Failed { reason },
        Fate::Unclear(reason) => Outcome::Unknown { reason, asked: false, after: None },
    }
}

/// Front's ids for an import.
struct Ids<'i> {
    message: &'i str,
    conversation: &'i str,
    /// The answered message.
    reference: Option<&'i str>,
}

fn call(channel_id: &str, import: &Import, ids: &Ids<'_>, author_id: Option<&str>, body: &Html, files: usize) -> Call {
    let content = Content {
        external_id: ids.message,
        external_conversation_id: ids.conversation,
        referenced_message_external_id: ids.reference,
        subject: import.subject.as_deref(),
        body,
        delivered_at: import.delivered_at,
    };
    match &import.sender {
        Some(sender) => api::inbound(channel_id, contact(sender), &content, files),
        None => {
            let to: Vec<Contact<'_>> = import.to.iter().map(contact).collect();
            let by = Writer { name: import.author.as_deref(), author_id };
            api::outbound(channel_id, &to, by, &content, files)
        }
    }
}

fn contact(party: &Party) -> Contact<'_> {
    Contact { handle: &party.handle, name: party.name.as_deref(), email: party.email.as_deref() }
}
