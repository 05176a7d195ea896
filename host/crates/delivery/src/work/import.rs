//! Front is told of a message at a channel's provider: a customer's, or an agent's who wrote there.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontgate_front::api;
use frontgate_front::api::{Call, Contact, Content, Fate, UPLOAD_BYTES_MAX, Writer, file_field};
use frontgate_front::html::Html;
use frontgate_runtime::fetch::fetch;
use frontgate_runtime::files::{Body, Missing};
use frontgate_runtime::run::call::{Caller, Receipts};
use frontgate_store::{crash, millis};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Body as _;

use super::channel::Subject;
use super::{Settlement, Stop, Workshop, again, unread};
use crate::front::FilePart;
use crate::import::{File, Import, Party, Source};
use crate::job::Delivery;

/// How soon it is looked again whether a message that is under way is this one.
pub(super) const ECHO_PAUSE: Duration = Duration::from_millis(250);

/// A file whose size nobody says is held while it is told to Front, up to this size: Front wants to know how much
/// it gets.
const UNSIZED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// What the form around the files may take of an upload, the text of the message apart.
const FORM_BYTES: u64 = 64 * 1024;

impl Workshop {
    pub(super) async fn import(&self, delivery: &Delivery) -> Result<Settlement, Stop> {
        let subject = self.subject(delivery).await?;
        let Ok(import) = serde_json::from_str::<Import>(&delivery.payload) else {
            return Ok(Settlement::Failed { reason: "what is kept is no message".to_owned() });
        };
        if let Some(settlement) = self.is_known(delivery, &subject, &import).await? {
            return Ok(settlement);
        }
        // Files that are open wait for nobody.
        let turn = subject.front.turn(&subject.channel).await;
        let (files, mut left_out) = self.files(delivery, &subject, &import).await?;
        let message = delivery.message.unwrap_or_default();
        let place = self.store.place(message).await.map_err(unread)?;
        let (external_id, conversation) = place.ok_or_else(|| Settlement::Failed {
            reason: "store.messages_keep_ms has passed since it was told".to_owned(),
        })?;
        let ids = [external_id.as_str(), conversation.as_str()];
        let channel_id = &subject.channel.channel_id;
        let told = |left_out: &[String], files: usize| {
            call(channel_id, &import, ids, &import.body.for_front(left_out, files > 0), files)
        };
        let plan = millis(SystemTime::now()).to_string();
        if !self.store.plan(&self.tenant.name, delivery, &plan).await.map_err(Stop::Unwritten)? {
            return Ok(again("it was taken out of this worker's hands", false));
        }
        crash::point("before-send");
        let names: Vec<String> = files.iter().filter_map(|file| file.filename.clone()).collect();
        let with_files = told(&left_out, files.len());
        let mut fate = subject.front.call_now(turn, &subject.channel, &with_files, files).await;
        if matches!(fate, Fate::Refused(_)) && !names.is_empty() {
            // What the customer wrote is worth more than what Front does not take of it.
            left_out.extend(names.into_iter().map(|name| format!("{name} was not taken by Front")));
            fate = subject.front.call(&subject.channel, &told(&left_out, 0)).await;
        }
        crash::point("after-send");
        Ok(settle(fate))
    }

    /// Whether nothing is left to be told: Front has it, or had it before the provider.
    async fn is_known(
        &self,
        delivery: &Delivery,
        subject: &Subject,
        import: &Import,
    ) -> Result<Option<Settlement>, Stop> {
        let (channel, name) = (subject.channel.id, import.external_id.clone());
        if !import.is_inbound() {
            if self.store.sent_as(channel, name).await.map_err(unread)?.is_some() {
                return Ok(Some(Settlement::Sent { result: None }));
            }
            if self.store.is_sending(channel, delivery.since, delivery.message).await.map_err(unread)? {
                return Err(wait("it may be a message that is under way", ECHO_PAUSE).into());
            }
        }
        if !delivery.unknown {
            return Ok(None);
        }
        let message = delivery.message.unwrap_or_default();
        if self.store.is_imported(message).await.map_err(unread)? {
            return Ok(Some(Settlement::Sent { result: None }));
        }
        let patience = subject.front.app.import_patience.saturating_sub(since_told(delivery));
        let reason = "Front has not said yet whether it has it".to_owned();
        Ok((!patience.is_zero()).then_some(Settlement::Unknown { reason, asked: false, after: Some(patience) }))
    }

    /// The files, as far as they are to be had, and the names of those that are not.
    async fn files(
        &self,
        delivery: &Delivery,
        subject: &Subject,
        import: &Import,
    ) -> Result<(Vec<FilePart>, Vec<String>), Stop> {
        let (mut files, mut left_out) = (Vec::new(), Vec::new());
        let mut space = UPLOAD_BYTES_MAX
            .saturating_sub(FORM_BYTES)
            .saturating_sub(u64::try_from(import.body.for_front(&[], false).bytes()).unwrap_or(u64::MAX));
        for file in &import.files {
            let body = match self.open(delivery, subject, file).await {
                Ok(body) => body,
                Err(Missing::Unavailable(why)) if delivery.tried() < subject.front.app.file_patience => {
                    return Err(again(format!("the file of a message: {why}"), false).into());
                }
                Err(_) => {
                    left_out.push(format!("{} could not be fetched", file.filename));
                    continue;
                }
            };
            let body = match body.size_hint().exact() {
                Some(_) => body,
                None => match whole(body).await {
                    Some(body) => body,
                    None => {
                        left_out.push(format!("{} is large, and nobody says how large", file.filename));
                        continue;
                    }
                },
            };
            match space.checked_sub(body.size_hint().lower()) {
                Some(left) => space = left,
                None => {
                    left_out.push(format!("{} is too large", file.filename));
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
        Ok((files, left_out))
    }

    async fn open(&self, delivery: &Delivery, subject: &Subject, file: &File) -> Result<Body, Missing> {
        match &file.source {
            Source::Bytes(text) => {
                let bytes = BASE64_STANDARD.decode(text).map_err(|error| Missing::Refused(error.to_string()))?;
                Ok(Full::from(bytes).map_err(|never| match never {}).boxed_unsync())
            }
            Source::Url(url) => {
                let app = &subject.front.app;
                let plugin = self.asking(delivery).channel_plugin(app);
                let plugin = plugin.map_err(|error| Missing::Unavailable(error.to_string()))?;
                let caller = Caller {
                    tenant: self.tenant.name.clone(),
                    request: delivery.request.clone(),
                    share: None,
                    receipts: Receipts::default(),
                };
                fetch(&plugin, &caller, url, app.files_timeout).await
            }
        }
    }
}

/// How long ago Front was told last: that is what is written down before.
fn since_told(delivery: &Delivery) -> Duration {
    let told: i64 = delivery.plan.as_deref().and_then(|plan| plan.parse().ok()).unwrap_or_default();
    // A clock that was turned back has no patience.
    Duration::from_millis(u64::try_from(millis(SystemTime::now()) - told).unwrap_or(u64::MAX))
}

/// A small file that came without its size.
async fn whole(body: Body) -> Option<Body> {
    let bytes = Limited::new(body, UNSIZED_BYTES_MAX).collect().await.ok()?.to_bytes();
    Some(Full::from(bytes).map_err(|never| match never {}).boxed_unsync())
}

pub(super) fn wait(reason: &str, pause: Duration) -> Settlement {
    Settlement::Again { after: Some(pause), reason: reason.to_owned(), waits_for_plugin: false }
}

pub(super) fn settle(fate: Fate) -> Settlement {
    match fate {
        Fate::Accepted { message_uid } => Settlement::Sent { result: message_uid },
        Fate::Again { after_ms, reason, .. } => {
            Settlement::Again { after: after_ms.map(Duration::from_millis), reason, waits_for_plugin: false }
        }
        // The operator, or an admin in Front, can mend these.
        Fate::Token(reason) | Fate::NotFound(reason) => again(reason, false),
        Fate::Refused(reason) => Settlement::Failed { reason },
        Fate::Unclear(reason) => Settlement::Unknown { reason, asked: false, after: None },
    }
}

fn call(channel_id: &str, import: &Import, [external_id, conversation]: [&str; 2], body: &Html, files: usize) -> Call {
    let content = Content {
        external_id,
        external_conversation_id: conversation,
        referenced_message_external_id: None,
        subject: import.subject.as_deref(),
        body,
        delivered_at: import.delivered_at,
    };
    match &import.sender {
        Some(sender) => api::inbound(channel_id, contact(sender), &content, files),
        None => {
            let to: Vec<Contact<'_>> = import.to.iter().map(contact).collect();
            let by = Writer { name: import.author.as_deref(), author_id: None };
            api::outbound(channel_id, &to, by, &content, files)
        }
    }
}

fn contact(party: &Party) -> Contact<'_> {
    Contact { handle: &party.handle, name: party.name.as_deref(), email: party.email.as_deref() }
}
