//! Scenarios for tests. Each returns once the scenario's webhooks are sent, without waiting for retries.

use std::sync::Arc;

use uuid::Uuid;

use crate::Twilio;
use crate::twilio::events::Origin;
use crate::twilio::message::DeliveryStatus;
use crate::twilio::record::{Fired, Rejection};
use crate::twilio::steps;
use crate::twilio::webhook::retried;

/// A file of a scenario: name (empty if the carrier sends none), media type and bytes.
pub type FileToSend<'f> = (&'f str, &'f str, &'f [u8]);

impl Twilio {
    /// Sends a customer's SMS to a number of the company. Returns the SID of the conversation: the open one of the two
    /// numbers, or a new one.
    pub fn inbound_sms(&self, from: &str, to: &str, text: &str) -> Result<String, Rejection> {
        self.inbound_sms_with(from, to, text, &[])
    }

    /// Works like [`Twilio::inbound_sms`], but sends an MMS with files.
    pub fn inbound_sms_with(
        &self,
        from: &str,
        to: &str,
        text: &str,
        files: &[FileToSend<'_>],
    ) -> Result<String, Rejection> {
        self.runtime().block_on(steps::inbound(&self.shared, "SMS", from, to, text, files))
    }

    /// Works like [`Twilio::inbound_sms`], over WhatsApp. Adds the prefix `whatsapp:` to numbers without it.
    pub fn inbound_whatsapp(&self, from: &str, to: &str, text: &str) -> Result<String, Rejection> {
        self.inbound_whatsapp_with(from, to, text, &[])
    }

    /// Works like [`Twilio::inbound_whatsapp`], but sends files as well.
    pub fn inbound_whatsapp_with(
        &self,
        from: &str,
        to: &str,
        text: &str,
        files: &[FileToSend<'_>],
    ) -> Result<String, Rejection> {
        let (from, to) = (whatsapp(from), whatsapp(to));
        self.runtime().block_on(steps::inbound(&self.shared, "WHATSAPP", &from, &to, text, files))
    }

    /// Works like [`Twilio::inbound_sms`], over Messenger. Adds the prefix `messenger:` to ids without it.
    pub fn inbound_messenger(&self, from: &str, to: &str, text: &str) -> Result<String, Rejection> {
        let [from, to] = [from, to].map(|id| prefixed("messenger:", id));
        self.runtime().block_on(steps::inbound(&self.shared, "MESSENGER", &from, &to, text, &[]))
    }

    /// Works like [`Twilio::inbound_sms`], over RCS. Adds the prefix `rcs:` to addresses without it.
    pub fn inbound_rcs(&self, from: &str, to: &str, text: &str) -> Result<String, Rejection> {
        let [from, to] = [from, to].map(|id| prefixed("rcs:", id));
        self.runtime().block_on(steps::inbound(&self.shared, "RCS", &from, &to, text, &[]))
    }

    /// Adds a worker's message from an app that uses Twilio's SDK. The worker joins the conversation first if
    /// necessary. Returns the SID of the message.
    pub fn agent_writes(
        &self,
        conversation: &str,
        identity: &str,
        text: &str,
        files: &[FileToSend<'_>],
    ) -> Result<String, Rejection> {
        self.runtime().block_on(steps::agent(&self.shared, conversation, identity, text, files))
    }

    /// Reports the status of a message for each recipient with an address, as carriers do. Fires `onDeliveryUpdated`,
    /// with the error code if there is one.
    ///
    /// # Panics
    ///
    /// Panics if the message does not exist or no recipient has an address.
    pub fn delivery(&self, message: &str, status: DeliveryStatus, error_code: Option<u32>) {
        let reported = self.runtime().block_on(steps::delivery(&self.shared, message, status, error_code));
        assert!(reported, "message {message} is unknown or has no recipient with an address\n{}", self.dump());
    }

    /// Works like [`Twilio::delivery`], but returns false instead of a panic.
    pub fn try_delivery(&self, message: &str, status: DeliveryStatus, error_code: Option<u32>) -> bool {
        self.runtime().block_on(steps::delivery(&self.shared, message, status, error_code))
    }

    /// Sends a group MMS from `author` to `to`, the company's number, and to `others`. Returns once the conversation
    /// is active and contains the message.
    pub fn group_mms(&self, author: &str, others: &[&str], to: &str, text: &str) -> Result<String, Rejection> {
        self.runtime().block_on(steps::group(&self.shared, author, others, to, text))
    }

    /// Starts a conversation as a worker does in the app, which got `proxy_address` from the gateway. A pair of
    /// addresses that is in use is rejected with 50416 and leaves an empty conversation.
    pub fn outgoing(
        &self,
        worker: &str,
        customer_address: &str,
        proxy_address: &str,
        customer_id: &str,
    ) -> Result<String, Rejection> {
        let scenario = steps::outgoing(&self.shared, worker, customer_address, proxy_address, customer_id);
        self.runtime().block_on(scenario)
    }

    /// Fires one webhook regardless of the filters: an event or `routing`. Adds missing `AccountSid`, `EventType`,
    /// `RetryCount` and `Source` to an event.
    ///
    /// # Panics
    ///
    /// Panics if no URL is configured.
    pub fn fire(&self, event: &str, fields: &[(&str, &str)]) -> Fired {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let fields = self.shared.complete(event, fields, &Origin::api());
        let fired = self.runtime().block_on(self.shared.fire(event, fields, Uuid::new_v4().to_string()));
        fired.expect("point_at was called")
    }

    /// Fires a webhook again: as a retry with the same idempotency token and a greater `RetryCount`, or as a new event
    /// with another token.
    ///
    /// # Panics
    ///
    /// Panics if no URL is configured.
    pub fn repeat(&self, fired: &Fired, same_token: bool) -> Fired {
        let (fields, token) = match same_token {
            true => (retried(fired.fields.clone()), fired.token.clone()),
            false => (fired.fields.clone(), Uuid::new_v4().to_string()),
        };
        let shared = Arc::clone(&self.shared);
        let again = self.runtime().block_on(async { shared.send(&fired.url, &fired.event, fields, token).await });
        again.expect("point_at was called")
    }
}

pub(crate) fn whatsapp(address: &str) -> String {
    prefixed("whatsapp:", address)
}

/// Adds a prefix to an address without it.
pub(crate) fn prefixed(prefix: &str, address: &str) -> String {
    if address.starts_with(prefix) { address.to_owned() } else { format!("{prefix}{address}") }
}
