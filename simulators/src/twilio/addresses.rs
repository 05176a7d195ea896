//! Webhooks of single conversations, and address configurations that attach one to new conversations.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::twilio::clock::rest_time;

/// The maximum number of webhooks per conversation.
pub(crate) const SCOPED_WEBHOOKS_MAX: usize = 5;

/// A webhook in `Conversations/{CH}/Webhooks`, which gets post events only.
#[derive(Debug, Clone)]
pub(crate) struct ScopedWebhook {
    pub(crate) sid: String,
    pub(crate) url: String,
    pub(crate) filters: Vec<String>,
    date_created: SystemTime,
    date_updated: SystemTime,
}

impl ScopedWebhook {
    pub(crate) fn new(sid: String, url: String, filters: Vec<String>) -> Self {
        let now = SystemTime::now();
        Self { sid, url, filters, date_created: now, date_updated: now }
    }

    pub(crate) fn set(&mut self, url: Option<String>, filters: Option<Vec<String>>) {
        self.url = url.unwrap_or(std::mem::take(&mut self.url));
        self.filters = filters.unwrap_or(std::mem::take(&mut self.filters));
        self.date_updated = SystemTime::now();
    }

    /// Returns the JSON of the webhook. `url` is the URL of the conversation.
    pub(crate) fn json(&self, account_sid: &str, conversation_sid: &str, url: &str) -> Value {
        json!({
            "sid": self.sid,
            "account_sid": account_sid,
            "conversation_sid": conversation_sid,
            "target": "webhook",
            "configuration": { "url": self.url, "method": "post", "filters": self.filters },
            "date_created": rest_time(self.date_created),
            "date_updated": rest_time(self.date_updated),
            "url": format!("{url}/Webhooks/{}", self.sid),
        })
    }
}

/// An entry in `Configuration/Addresses`: handles messages from customers who have no conversation with the number.
#[derive(Debug, Clone)]
pub(crate) struct AddressConfiguration {
    pub(crate) sid: String,
    /// `sms` or `whatsapp`.
    pub(crate) channel: String,
    pub(crate) address: String,
    pub(crate) enabled: bool,
    /// `webhook`, `studio` or `default`.
    pub(crate) kind: String,
    pub(crate) service: Option<String>,
    pub(crate) url: String,
    pub(crate) filters: Vec<String>,
    date_created: SystemTime,
}

impl AddressConfiguration {
    pub(crate) fn new(sid: String, channel: String, address: String) -> Self {
        Self {
            sid,
            channel,
            address,
            enabled: false,
            kind: "default".to_owned(),
            service: None,
            url: String::new(),
            filters: Vec::new(),
            date_created: SystemTime::now(),
        }
    }

    pub(crate) fn json(&self, account_sid: &str, base: &str) -> Value {
        let mut auto_creation = json!({
            "enabled": self.enabled,
            "type": self.kind,
            "conversation_service_sid": self.service,
        });
        if self.kind == "webhook" {
            auto_creation["webhook_url"] = self.url.as_str().into();
            auto_creation["webhook_method"] = "POST".into();
            auto_creation["webhook_filters"] = self.filters.clone().into();
        }
        json!({
            "account_sid": account_sid,
            "sid": self.sid,
            "address": self.address,
            "type": self.channel,
            "friendly_name": null,
            "address_country": null,
            "auto_creation": auto_creation,
            "date_created": rest_time(self.date_created),
            "date_updated": rest_time(self.date_created),
            "url": format!("{base}/Configuration/Addresses/{}", self.sid),
        })
    }
}
