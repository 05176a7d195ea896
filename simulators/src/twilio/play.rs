//! Scenarios for tests: each returns when its webhooks were sent, later retries apart.

use std::sync::Arc;

use uuid::Uuid;

use crate::Twilio;
use crate::twilio::events::Origin;
use crate::twilio::hook::retried;
use crate::twilio::message::DeliveryStatus;
use crate::twilio::record::{Fired, Rejection};
use crate::twilio::scenes;

/// A file of a scenario: its name (empty where the carrier says none), its type and its bytes.
pub type FileToSend<'f> = (&'f str, &'f str, &'f [u8]);

impl Twilio {
    /// An SMS to one of the company's numbers. The SID of its conversation, which is a new one unless the
    /// two numbers have an open one.
    pub fn inbound_sms(&self, from: &str, to: &str, text: &str) -> Result<String, Rejection> {
        self.inbound_sms_with(from, to, text, &[])
    }

    /// The same as an MMS with these files.
    pub fn inbound_sms_with(
        &self,
        from: &str,
        to: &str,
        text: &str,
        files: &[FileToSend<'_>],
    ) -> Result<String, Rejection> {
        self.runtime().block_on(scenes::inbound(&self.shared, "SMS", from, to, text, files))
    }

    /// The same over WhatsApp; the numbers get their prefix where they lack it.
    pub fn inbound_whatsapp(&self, from: &str, to: &str, text: &str) -> Result<String, Rejection> {
        self.inbound_whatsapp_with(from, to, text, &[])
    }

    /// The same with these files.
    pub fn inbound_whatsapp_with(
        &self,
        from: &str,
        to: &str,
        text: &str,
        files: &[FileToSend<'_>],
    ) -> Result<String, Rejection> {
        let (from, to) = (whatsapp(from), whatsapp(to));
        self.runtime().block_on(scenes::inbound(&self.shared, "WHATSAPP", &from, &to, text, files))
    }

    /// A worker writes into a conversation in an app of Twilio's SDK; who is not in it yet joins it first. The
    /// SID of the message.
    pub fn agent_writes(
        &self,
        conversation: &str,
        identity: &str,
        text: &str,
        files: &[FileToSend<'_>],
    ) -> Result<String, Rejection> {
        self.runtime().block_on(scenes::agent(&self.shared, conversation, identity, text, files))
    }

    /// Carriers report on a message, for everybody outside of chat whom it goes to: `onDeliveryUpdated`, with
    /// the code where it failed.
    /// Panics if there is no such message, or nobody outside of chat.
    pub fn delivery(&self, message: &str, status: DeliveryStatus, error_code: Option<u32>) {
        let reported = self.runtime().block_on(scenes::delivery(&self.shared, message, status, error_code));
        assert!(reported, "there is no message {message} to somebody outside of chat\n{}", self.dump());
    }

    /// A group MMS: `author` writes to `to`, the company's number, and to `others`. Returns when the
    /// conversation is active and the message is in it.
    pub fn group_mms(&self, author: &str, others: &[&str], to: &str, text: &str) -> Result<String, Rejection> {
        self.runtime().block_on(scenes::group(&self.shared, author, others, to, text))
    }

    /// A worker starts a conversation in the app, which knows `proxy_address` from the gateway. A pair
    /// that is taken is rejected with 50416, and leaves an empty conversation behind.
    pub fn outgoing(
        &self,
        worker: &str,
        customer_address: &str,
        proxy_address: &str,
        customer_id: &str,
    ) -> Result<String, Rejection> {
        let scene = scenes::outgoing(&self.shared, worker, customer_address, proxy_address, customer_id);
        self.runtime().block_on(scene)
    }

    /// Fires one webhook by hand, whatever the filters say: an event, or `routing`. `AccountSid`,
    /// `EventType`, `RetryCount` and `Source` are added to an event where they are missing.
    /// Panics if no URL is known for it.
    pub fn fire(&self, event: &str, fields: &[(&str, &str)]) -> Fired {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let fields = self.shared.complete(event, fields, &Origin::api());
        let fired = self.runtime().block_on(self.shared.fire(event, fields, Uuid::new_v4().to_string()));
        fired.expect("point_at says where webhooks go")
    }

    /// Fires a webhook again: as a retry, with the same idempotency token and a greater `RetryCount`, or
    /// as if it had happened again, with another token.
    /// Panics if no URL is known for it.
    pub fn repeat(&self, fired: &Fired, same_token: bool) -> Fired {
        let (fields, token) = match same_token {
            true => (retried(fired.fields.clone()), fired.token.clone()),
            false => (fired.fields.clone(), Uuid::new_v4().to_string()),
        };
        let shared = Arc::clone(&self.shared);
        let again = self.runtime().block_on(async { shared.send(&fired.url, &fired.event, fields, token).await });
        again.expect("point_at says where webhooks go")
    }
}

pub(crate) fn whatsapp(address: &str) -> String {
    if address.starts_with("whatsapp:") { address.to_owned() } else { format!("whatsapp:{address}") }
}
