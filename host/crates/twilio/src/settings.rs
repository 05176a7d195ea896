//! `[tenants.NAME.twilio]`: how Twilio signs, how long it waits, and how it is called back.

use frontgate_settings::Secret;
use frontgate_signing::Algorithm;
use serde::Deserialize;

/// How Twilio signs, how long it waits, and how it is called back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `AC...`; needed for calls back to Twilio, unless there is an API key.
    pub account_sid: Option<Secret>,
    /// Every one of them is accepted, so that a token can be replaced without a gap. Without an API
    /// key, the first one signs calls back to Twilio in.
    pub auth_tokens: Vec<Secret>,
    /// Signing keys of the customer's own.
    pub shared_keys: Vec<SharedKey>,
    /// `SK...`: signs calls back to Twilio in.
    pub api_key: Option<Secret>,
    /// What belongs to it.
    pub api_secret: Option<Secret>,
    /// Where the Conversations API is.
    pub conversations_url: String,
    /// Who gets an inbound conversation that no plugin gives to anybody.
    pub default_worker: Option<String>,
    /// Numbers of the tenant's own; tell which address of a group message is not a customer's.
    pub numbers: Vec<String>,
    /// How long a Frontline callback may take in all; Frontline gives up after 6,000.
    pub callback_timeout_ms: u64,
    /// How long a Conversations webhook may take in all; Twilio gives up after 5,000.
    pub webhook_timeout_ms: u64,
    /// What happens to a message or a conversation that no plugin could decide about.
    pub webhooks_fail: WebhooksFail,
    /// The largest page that a plugin is asked for, whatever `PageSize` says.
    pub page_size_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            account_sid: None,
            auth_tokens: Vec::new(),
            shared_keys: Vec::new(),
            api_key: None,
            api_secret: None,
            conversations_url: "https://conversations.twilio.com".to_owned(),
            default_worker: None,
            numbers: Vec::new(),
            callback_timeout_ms: 5_500,
            webhook_timeout_ms: 4_500,
            webhooks_fail: WebhooksFail::Open,
            page_size_max: 1_000,
        }
    }
}

impl Settings {
    /// User and password for calls back to Twilio, if they are configured.
    pub fn credentials(&self) -> Option<(&str, &str)> {
        match (&self.api_key, &self.api_secret, &self.account_sid, self.auth_tokens.first()) {
            (Some(key), Some(secret), ..) => Some((key.expose(), secret.expose())),
            (_, _, Some(account), Some(token)) => Some((account.expose(), token.expose())),
            _ => None,
        }
    }
}

/// How a webhook that Twilio waits for is answered when its plugin fails.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebhooksFail {
    /// It passes: a broken plugin stops no customer.
    #[default]
    Open,
    /// It is rejected: nothing passes a moderation that was made to fail.
    Closed,
}

/// One of Twilio's SharedKeys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedKey {
    /// `webhooks_sharedkey_...`, as Twilio names it in its header.
    pub id: String,
    /// What it signs with.
    pub secret: Secret,
    /// Never weakened by what a request says.
    #[serde(default)]
    pub algorithm: Algorithm,
}
