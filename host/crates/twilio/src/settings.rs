//! `[tenants.NAME.twilio]`: how Twilio signs, how long it waits, and how it is called.

use frontgate_settings::Secret;
use frontgate_signing::Algorithm;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smart_default::SmartDefault;

use crate::voice::Voice;

/// Frontline stops waiting for a response after this many milliseconds.
const FRONTLINE_TIMEOUT_MS: u64 = 6_000;
/// Conversations stops waiting for a response after this many milliseconds.
const WEBHOOK_TIMEOUT_MS: u64 = 5_000;

/// The tenant's Twilio account: keys of its callbacks, credentials for its API, and timeouts.
#[derive(Debug, SmartDefault, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Account SID (`AC...`). Required for calls to Twilio unless `api_key` is set.
    pub account_sid: Option<Secret>,
    /// Auth tokens that verify callbacks. All of them are accepted, so that a token can be replaced without downtime.
    /// Without an API key, the first one authenticates calls to Twilio.
    pub auth_tokens: Vec<Secret>,
    /// Twilio's SharedKeys that verify callbacks.
    pub shared_keys: Vec<SharedKey>,
    /// API key (`SK...`) that authenticates calls to Twilio. Requires `api_secret`.
    pub api_key: Option<Secret>,
    /// Secret of the API key.
    pub api_secret: Option<Secret>,
    /// URL of the Conversations API, optionally with a path such as `/v1/Services/IS...`.
    #[default = "https://conversations.twilio.com"]
    pub conversations_url: String,
    /// Identity of the worker who gets inbound conversations that no plugin assigns, and who asks in callbacks that name
    /// no worker.
    pub default_worker: Option<String>,
    /// The tenant's own numbers in E.164. They identify the address in a group message that is not a customer's.
    pub numbers: Vec<String>,
    /// Timeout of a Frontline callback. Twilio's own timeout is 6000 ms.
    #[default = 5_500]
    #[schemars(range(min = 1, max = FRONTLINE_TIMEOUT_MS - 1))]
    pub callback_timeout_ms: u64,
    /// Timeout of a Conversations webhook. Twilio's own timeout is 5000 ms.
    #[default = 4_500]
    #[schemars(range(min = 1, max = WEBHOOK_TIMEOUT_MS - 1))]
    pub webhook_timeout_ms: u64,
    /// Whether messages and conversations pass or are rejected while the conversations plugin fails. Choose `closed`
    /// where the plugin decides which messages may be sent.
    pub webhooks_fail: WebhooksFail,
    /// Largest page of customers that a plugin is asked for, whatever `PageSize` says.
    #[default = 1_000]
    #[schemars(range(min = 1, max = 100_000))]
    pub page_size_max: u32,
    /// Frontline's calls. The gateway connects them, and passes their statuses and recordings to plugins.
    pub voice: Voice,
}

impl Settings {
    /// Returns user and password for calls to Twilio, if configured.
    pub fn credentials(&self) -> Option<(&str, &str)> {
        match (&self.api_key, &self.api_secret, &self.account_sid, self.auth_tokens.first()) {
            (Some(key), Some(secret), ..) => Some((key.expose(), secret.expose())),
            (_, _, Some(account), Some(token)) => Some((account.expose(), token.expose())),
            _ => None,
        }
    }
}

/// Response to a webhook that Twilio waits for when the plugin fails.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WebhooksFail {
    /// The message passes: a broken plugin does not stop customers.
    #[default]
    Open,
    /// The message is rejected: making the plugin fail does not bypass it.
    Closed,
}

/// One of Twilio's SharedKeys.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SharedKey {
    /// Identifier in Twilio's signature header: `webhooks_sharedkey_...`.
    pub id: String,
    /// Secret of the key.
    pub secret: Secret,
    /// Hash of the signature. A request cannot choose a weaker one.
    #[serde(default)]
    pub algorithm: Algorithm,
}
