//! `[tenants.NAME.front.APP]`: a Front app whose application channels are served.

use frontgate_settings::Secret;
use serde::Deserialize;

/// A Front app, and the plugin of its channels.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The App UID, which is part of tokens.
    pub app_uid: Option<Secret>,
    /// Secrets that may have signed a request; several during a rotation. The first one signs calls to Front.
    pub app_secrets: Vec<Secret>,
    /// The plugin that answers the role `channel`.
    pub plugin: String,
    /// Base URL of Front's API.
    pub api_url: String,
    /// Hosts of files beside `api_url`; downloads send a token.
    pub files_urls: Vec<String>,
    /// Hosts that Front may redirect to; downloads send no token.
    pub storage_urls: Vec<String>,
    /// Private networks that hosts of a pattern may resolve to.
    pub files_networks: Vec<String>,
    /// Time for a request of Front; Front gives up after 7,000.
    pub timeout_ms: u64,
    /// Time for a request of a channel's provider.
    pub provider_timeout_ms: u64,
    /// Largest difference between a request's time and this clock.
    pub signature_window_ms: u64,
    /// Body of one request of Front or of a provider.
    pub body_bytes_max: usize,
    /// Connected channels.
    pub channels_max: usize,
    /// Events in one response of the plugin.
    pub events_max: usize,
    /// Events of one channel's provider that wait for delivery to Front, or that failed.
    pub waiting_max: u64,
    /// Bytes of these events.
    pub waiting_bytes_max: u64,
    /// Concurrent requests of one channel's provider; further ones wait.
    pub provider_calls_per_channel_max: usize,
    /// Calls to Front for one channel, per second.
    pub calls_per_second_max: u32,
    /// Concurrent deliveries of one channel.
    pub at_once_per_channel_max: usize,
    /// Time for Front to confirm a message after an import without a response, before the import is repeated.
    pub import_patience_ms: u64,
    /// Time for one file, or one call with files.
    pub files_timeout_ms: u64,
    /// Time during which the download of a customer's file is retried, before its message is imported without it.
    pub file_patience_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            app_uid: None,
            app_secrets: Vec::new(),
            plugin: String::new(),
            api_url: "https://api2.frontapp.com".to_owned(),
            files_urls: vec!["https://*.api.frontapp.com".to_owned()],
            storage_urls: vec!["https://*.amazonaws.com".to_owned()],
            files_networks: Vec::new(),
            timeout_ms: 6_500,
            provider_timeout_ms: 4_500,
            signature_window_ms: 300_000,
            body_bytes_max: 2 * 1024 * 1024,
            channels_max: 10_000,
            events_max: 100,
            waiting_max: 10_000,
            waiting_bytes_max: 64 * 1024 * 1024,
            provider_calls_per_channel_max: 16,
            calls_per_second_max: 5,
            at_once_per_channel_max: 4,
            import_patience_ms: 30_000,
            files_timeout_ms: 60_000,
            file_patience_ms: 600_000,
        }
    }
}
