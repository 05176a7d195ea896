//! A tenant's Front app: its keys, its limits, and its addresses.

use std::sync::Arc;
use std::time::Duration;

use frontgate_contract::bindings::channel::Connection;
use frontgate_front::files::Hosts;
use frontgate_front::signature::{Key, Keys};
use frontgate_front::token::Issuer;
use ipnet::IpNet;
use url::Url;

use crate::settings::Settings;

/// A Front app whose channels are served.
pub struct FrontApp {
    /// Its name in the configuration, and in its addresses.
    pub name: Arc<str>,
    /// The keys that sign its requests.
    pub keys: Keys,
    /// Signs calls to Front.
    pub issuer: Issuer,
    /// The plugin of its channels.
    pub plugin: String,
    /// The base of Front's API.
    pub api_url: Url,
    /// Hosts from which files of messages are downloaded.
    pub hosts: Hosts,
    /// Private networks that such hosts may resolve to.
    pub files_networks: Vec<IpNet>,
    /// The prefix of its addresses, as Front and providers call them.
    pub public_url: String,
    /// Time for a request of Front.
    pub timeout: Duration,
    /// Time for a request of a provider.
    pub provider_timeout: Duration,
    /// Bytes of one request body.
    pub body_bytes_max: usize,
    /// Connected channels.
    pub channels_max: usize,
    /// Events of one channel's provider that may wait for delivery.
    pub waiting_max: u64,
    /// Bytes of these events.
    pub waiting_bytes_max: u64,
    /// Concurrent requests of one channel's provider.
    pub provider_calls_per_channel_max: usize,
    /// Events in one response of the plugin.
    pub events_max: usize,
    /// Calls to Front for one channel, per second.
    pub calls_per_second_max: u32,
    /// Concurrent deliveries of one channel.
    pub at_once_per_channel_max: usize,
    /// Time for Front to confirm an imported message.
    pub import_patience: Duration,
    /// Time for one file.
    pub files_timeout: Duration,
    /// Time during which the download of a customer's file is retried.
    pub file_patience: Duration,
}

impl std::fmt::Debug for FrontApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FrontApp({})", self.name)
    }
}

impl FrontApp {
    /// An app from resolved settings. Returns `None` if a URL is invalid.
    pub(crate) fn new(public_url: String, name: &str, settings: &frontgate_front::Settings) -> Option<Self> {
        let api_url = Url::parse(&settings.api_url).ok()?;
        let api_origin = api_url.origin().ascii_serialization();
        let files: Vec<&str> = settings.files_urls.iter().map(String::as_str).chain([&*api_origin]).collect();
        let storage: Vec<&str> = settings.storage_urls.iter().map(String::as_str).collect();
        Some(Self {
            name: name.into(),
            keys: front_keys(settings),
            issuer: Issuer::new(settings.app_uid.as_ref()?.expose(), settings.app_secrets.first()?.expose()),
            plugin: settings.plugin.clone(),
            api_url,
            hosts: Hosts::new(&files, &storage)?,
            files_networks: settings.files_networks.iter().filter_map(|network| network.parse().ok()).collect(),
            public_url,
            timeout: Duration::from_millis(settings.timeout_ms),
            provider_timeout: Duration::from_millis(settings.provider_timeout_ms),
            body_bytes_max: settings.body_bytes_max,
            channels_max: settings.channels_max,
            events_max: settings.events_max,
            waiting_max: settings.waiting_max,
            waiting_bytes_max: settings.waiting_bytes_max,
            provider_calls_per_channel_max: settings.provider_calls_per_channel_max,
            calls_per_second_max: settings.calls_per_second_max,
            at_once_per_channel_max: settings.at_once_per_channel_max,
            import_patience: Duration::from_millis(settings.import_patience_ms),
            files_timeout: Duration::from_millis(settings.files_timeout_ms),
            file_patience: Duration::from_millis(settings.file_patience_ms),
        })
    }

    /// A channel as its plugin sees it.
    pub fn connection(&self, channel_id: &str, key: &str, credential: Option<String>) -> Connection {
        let webhook_url = format!("{}/{key}/provider", self.public_url);
        Connection { channel_id: channel_id.to_owned(), credential, webhook_url }
    }
}

/// The keys that sign the requests of an app, from resolved settings.
pub fn front_keys(settings: &frontgate_front::Settings) -> Keys {
    let secrets = settings.app_secrets.iter().enumerate();
    let keys = secrets.map(|(index, secret)| Key::shared(format!("app_secrets[{index}]"), secret.share()));
    Keys::new(keys.collect(), settings.signature_window_ms)
}

/// The prefix of an app's paths.
pub fn front_path(tenant: &Settings, app: &str) -> String {
    format!("{}/front/{app}", tenant.path.trim_end_matches('/'))
}

/// The prefix of an app's addresses, as Front and providers call them.
pub fn front_url(public_url: &str, tenant: &Settings, app: &str) -> String {
    format!("{}{}", public_url.trim_end_matches('/'), front_path(tenant, app))
}
