//! A tenant's Front app: its keys, limits and addresses.

use std::sync::Arc;
use std::time::Duration;

use frontgate_contract::bindings::channel::Connection;
use frontgate_front::files::Hosts;
use frontgate_front::signature::{Key, Keys};
use frontgate_front::token::Issuer;
use ipnet::IpNet;
use url::Url;

use crate::oauth_app::OauthApp;
use crate::settings::Settings;

/// A Front app whose channels the gateway serves.
pub struct FrontApp {
    /// Name of the app in the configuration and in addresses.
    pub name: Arc<str>,
    /// Keys that sign the app's requests.
    pub keys: Keys,
    /// Issuer of the tokens for calls to Front.
    pub issuer: Issuer,
    /// Name of the plugin for the app's channels.
    pub plugin: String,
    /// The sign-in of people who connect channels, if the app uses OAuth.
    pub oauth: Option<OauthApp>,
    /// Base URL of Front's API.
    pub api_url: Url,
    /// Hosts from which files of messages are downloaded.
    pub hosts: Hosts,
    /// Private networks to which the names of these hosts may resolve.
    pub files_networks: Vec<IpNet>,
    /// URL prefix of the app's addresses, as Front and providers call them.
    pub public_url: String,
    /// Time limit of a request from Front.
    pub timeout: Duration,
    /// Time limit of a request from a provider.
    pub provider_timeout: Duration,
    /// Maximum size of a request body in bytes.
    pub body_bytes_max: usize,
    /// Maximum number of connected channels.
    pub channels_max: usize,
    /// Maximum number of events of one channel's provider that wait for delivery.
    pub waiting_max: u64,
    /// Maximum total size of these events in bytes.
    pub waiting_bytes_max: u64,
    /// Maximum number of concurrent requests from one channel's provider.
    pub provider_calls_per_channel_max: usize,
    /// Maximum number of events in one response of the plugin.
    pub events_max: usize,
    /// Maximum number of calls to Front for one channel per second.
    pub calls_per_second_max: u32,
    /// Maximum number of concurrent deliveries of one channel.
    pub at_once_per_channel_max: usize,
    /// Time limit for Front to confirm an imported message.
    pub import_patience: Duration,
    /// Time limit of one file download.
    pub files_timeout: Duration,
    /// Time between two checks of a channel.
    pub check_interval: Duration,
    /// Time for which the checks of a channel fail until Front shows it as offline.
    pub offline_after: Duration,
    /// Period during which the download of a customer's file is retried.
    pub file_patience: Duration,
    /// Interval at which templates are listed; zero: never.
    pub templates_interval: Duration,
    /// Maximum number of templates of one channel.
    pub templates_max: usize,
}

impl std::fmt::Debug for FrontApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FrontApp({})", self.name)
    }
}

impl FrontApp {
    /// Creates an app from resolved settings. Returns `None` if a URL is invalid.
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
            oauth: settings.oauth.as_ref().map(OauthApp::new),
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
            check_interval: Duration::from_millis(settings.check_interval_ms),
            offline_after: Duration::from_millis(settings.offline_after_ms),
            file_patience: Duration::from_millis(settings.file_patience_ms),
            templates_interval: Duration::from_millis(settings.templates_interval_ms),
            templates_max: settings.templates_max,
        })
    }

    /// Returns the data of a channel for its plugin.
    pub fn connection(&self, channel_id: &str, key: &str, credential: Option<String>) -> Connection {
        let webhook_url = format!("{}/{key}/provider", self.public_url);
        Connection { channel_id: channel_id.to_owned(), credential, webhook_url }
    }
}

/// Returns the keys that sign an app's requests, from resolved settings.
pub fn front_keys(settings: &frontgate_front::Settings) -> Keys {
    let secrets = settings.app_secrets.iter().enumerate();
    let keys = secrets.map(|(index, secret)| Key::shared(format!("app_secrets[{index}]"), secret.share()));
    Keys::new(keys.collect(), settings.signature_window_ms)
}

/// Returns the prefix of an app's paths.
pub fn front_path(tenant: &Settings, app: &str) -> String {
    format!("{}/front/{app}", tenant.path.trim_end_matches('/'))
}

/// Returns the URL prefix of an app's addresses, as Front and providers call them.
pub fn front_url(public_url: &str, tenant: &Settings, app: &str) -> String {
    format!("{}{}", public_url.trim_end_matches('/'), front_path(tenant, app))
}
