//! `[tenants.NAME.twilio]`: keys, timeouts, and access to Twilio's API.

use frontgate_settings::Secret;
use frontgate_signing::Algorithm;
use serde::Deserialize;

/// Keys, timeouts, and access to Twilio's API.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `AC...`; needed for calls to Twilio's API, unless an API key is set.
    pub account_sid: Option<Secret>,
    /// Tokens that may have signed a request; several during a rotation. Without an API key, the first one is the password
    /// for Twilio's API.
    pub auth_tokens: Vec<Secret>,
    /// Twilio's SharedKeys that may have signed a request.
    pub shared_keys: Vec<SharedKey>,
    /// `SK...`: the user for Twilio's API.
    pub api_key: Option<Secret>,
    /// The secret of the API key.
    pub api_secret: Option<Secret>,
    /// Base URL of the Conversations API.
    pub conversations_url: String,
    /// Worker of inbound conversations that no plugin assigns.
    pub default_worker: Option<String>,
    /// The tenant's own numbers, by which they are distinguished from customers' in a group message.
    pub numbers: Vec<String>,
    /// Time for a Frontline callback; Frontline gives up after 6,000.
    pub callback_timeout_ms: u64,
    /// Time for a Conversations webhook; Twilio gives up after 5,000.
    pub webhook_timeout_ms: u64,
    /// Whether a message or conversation passes if no plugin could decide.
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
    /// User and password for Twilio's API, if configured.
    pub fn credentials(&self) -> Option<(&str, &str)> {
        match (&self.api_key, &self.api_secret, &self.account_sid, self.auth_tokens.first()) {
            (Some(key), Some(secret), ..) => Some((key.expose(), secret.expose())),
            (_, _, Some(account), Some(token)) => Some((account.expose(), token.expose())),
            _ => None,
        }
    }
}

/// The response to a webhook that Twilio waits for, if its plugin fails.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebhooksFail {
    /// The event passes: a broken plugin stops no customer.
    #[default]
    Open,
    /// The event is rejected: making the moderation fail lets nothing pass.
    Closed,
}

/// One of Twilio's SharedKeys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedKey {
    /// `webhooks_sharedkey_...`, as Twilio names it in its header.
    pub id: String,
    /// The secret.
    pub secret: Secret,
    /// The algorithm; a request cannot choose a weaker one.
    #[serde(default)]
    pub algorithm: Algorithm,
}
