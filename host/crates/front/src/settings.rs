//! `[tenants.NAME.front.APP]`: a Front app whose application channels are served.

use frontgate_settings::Secret;
use serde::Deserialize;

/// A Front app, and the plugin that knows the provider behind its channels.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The App UID, which stands in tokens.
    pub app_uid: Option<Secret>,
    /// Every one of them is accepted, so that a secret can be replaced without a gap. The first one signs
    /// calls to Front.
    pub app_secrets: Vec<Secret>,
    /// The plugin that answers the role `channel`.
    pub plugin: String,
    /// Where Front's API is.
    pub api_url: String,
    /// Where files of messages lie, beside `api_url`: they are asked for with a token.
    pub files_urls: Vec<String>,
    /// Where Front may lead from there: asked without a token.
    pub storage_urls: Vec<String>,
    /// Private networks in which hosts that match a pattern may lie.
    pub files_networks: Vec<String>,
    /// How long a request of Front may take in all; Front gives up after 7,000.
    pub timeout_ms: u64,
    /// How long a request of a channel's provider may take in all.
    pub provider_timeout_ms: u64,
    /// How far the time of a request may be from this clock, either way.
    pub signature_window_ms: u64,
    /// Body of one request of Front, or of a provider.
    pub body_bytes_max: usize,
    /// Channels that can be connected at one time.
    pub channels_max: usize,
    /// What one answer of the plugin may tell.
    pub events_max: usize,
    /// Messages and reports of one channel's provider that Front was not told of yet, or that were given up.
    pub waiting_max: u64,
    /// Bytes of those.
    pub waiting_bytes_max: u64,
    /// Requests of one channel's provider that are answered at one time; further ones wait.
    pub provider_calls_per_channel_max: usize,
    /// Calls to Front for one channel.
    pub calls_per_second_max: u32,
    /// Deliveries of one channel that are worked on at one time.
    pub at_once_per_channel_max: usize,
    /// How long Front may take to say that it has imported a message about which it gave no answer, before
    /// it is told again.
    pub import_patience_ms: u64,
    /// How long one file, or one call with files, may take.
    pub files_timeout_ms: u64,
    /// For how long a customer's file that is not to be had is tried again, before its message goes without.
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
