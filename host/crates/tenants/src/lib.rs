//! The companies whose callbacks are answered, as requests and deliveries need them.

mod directory;
pub mod roles;
pub mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use frontgate_contract::bindings::channel::Connection;
use frontgate_front::files::Hosts;
use frontgate_front::token::Issuer;
use frontgate_runtime::TenantShare;
use frontgate_signing::Algorithm;
use frontgate_telemetry::metrics::{Counter, METRICS, labels};
use frontgate_twilio::candidates::Base;
use frontgate_twilio::settings::WebhooksFail;
use frontgate_twilio::signature::{Key, Keys};
use ipnet::IpNet;
use url::Url;

pub use self::settings::{Roles, Settings};

/// One tenant.
pub struct Tenant {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// What its addresses begin with; empty for `/`.
    pub prefix: String,
    /// What its requests are signed with.
    pub keys: Keys,
    /// How long a Frontline callback may take.
    pub callback_timeout_ms: u64,
    /// How long a Conversations webhook may take.
    pub webhook_timeout_ms: u64,
    /// Whether what no plugin could decide about passes.
    pub webhooks_fail: WebhooksFail,
    /// The largest page that a plugin is asked for.
    pub page_size_max: u32,
    /// Which plugins answer.
    pub roles: Roles,
    /// Who gets what no plugin gives to anybody.
    pub default_worker: Option<String>,
    /// Numbers of its own.
    pub numbers: Vec<String>,
    /// Its share of the places for plugin calls.
    pub(crate) share: Arc<TenantShare>,
    /// Requests that each of its keys signed.
    pub verified: BTreeMap<String, Counter>,
    /// Its Front apps.
    pub front: BTreeMap<String, Arc<App>>,
}

/// A Front app whose channels are served.
pub struct App {
    /// Its name in the configuration, and in its addresses.
    pub name: Arc<str>,
    /// What its requests are signed with.
    pub keys: frontgate_front::signature::Keys,
    /// Signs calls to Front.
    pub issuer: Issuer,
    /// What knows the provider.
    pub plugin: String,
    /// Where Front's API is.
    pub api_url: Url,
    /// Where files of messages lie.
    pub hosts: Hosts,
    /// Private networks in which files may lie.
    pub files_networks: Vec<IpNet>,
    /// What its addresses begin with, as Front and providers call them.
    pub public_url: String,
    /// How long a request of Front may take.
    pub timeout: Duration,
    /// How long a request of a provider may take.
    pub provider_timeout: Duration,
    /// Body of one request.
    pub body_bytes_max: usize,
    /// Channels at one time.
    pub channels_max: usize,
    /// What one channel's provider may leave waiting.
    pub waiting_max: u64,
    /// Bytes of that.
    pub waiting_bytes_max: u64,
    /// Requests of one channel's provider at one time.
    pub provider_calls_per_channel_max: usize,
    /// What one answer of the plugin may tell.
    pub events_max: usize,
    /// Calls to Front for one channel.
    pub calls_per_second_max: u32,
    /// Deliveries of one channel at one time.
    pub at_once_per_channel_max: usize,
    /// How long Front may take to say that it has a message.
    pub import_patience: Duration,
    /// How long a file may take.
    pub files_timeout: Duration,
    /// For how long a customer's file is tried again.
    pub file_patience: Duration,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "App({})", self.name)
    }
}

impl std::fmt::Debug for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tenant({})", self.name)
    }
}

impl Tenant {
    /// Whether an error lets pass what Twilio waits for. Where no plugin decides, nothing is closed.
    pub fn webhooks_fail_open(&self) -> bool {
        self.webhooks_fail == WebhooksFail::Open || self.roles.conversations.is_empty()
    }
}

impl App {
    /// A channel as its plugin sees it.
    pub fn connection(&self, channel_id: &str, key: &str, credential: Option<String>) -> Connection {
        let webhook_url = format!("{}/{key}/provider", self.public_url);
        Connection { channel_id: channel_id.to_owned(), credential, webhook_url }
    }
}

impl Tenant {
    /// A tenant whose keys are there, at this public address; none if that is no address to be called at.
    pub fn new(name: &str, settings: &Settings, public_url: &str, share: TenantShare) -> Option<Self> {
        let base = Base::new(public_url)?;
        let twilio = &settings.twilio;
        let tokens = twilio.auth_tokens.iter().enumerate();
        let tokens =
            tokens.map(|(index, token)| Key::new(format!("auth_tokens[{index}]"), token.expose(), Algorithm::HmacSha1));
        let shared = twilio.shared_keys.iter().map(|key| Key::new(&key.id, key.secret.expose(), key.algorithm));
        let (tokens, shared): (Vec<Key>, Vec<Key>) = (tokens.collect(), shared.collect());
        let labels = tokens.iter().chain(&shared).map(|key| key.label.clone());
        let signed_by = |key: &String| labels::Verified { tenant: name.into(), key: key.as_str().into() };
        let counter = |key: &String| METRICS.verified.get_or_create_owned(&signed_by(key));
        let prefix = settings.path.trim_end_matches('/').to_owned();
        let apps = settings.front.iter();
        let apps = apps.map(|(name, app)| {
            let url = front_url(public_url, settings, name);
            Some((name.clone(), Arc::new(self::app(url, name, app)?)))
        });
        Some(Self {
            front: apps.collect::<Option<_>>()?,
            verified: labels.map(|key| (key.clone(), counter(&key))).collect(),
            name: name.into(),
            prefix,
            keys: Keys::new(base, tokens, shared),
            callback_timeout_ms: twilio.callback_timeout_ms,
            webhook_timeout_ms: twilio.webhook_timeout_ms,
            webhooks_fail: twilio.webhooks_fail,
            page_size_max: twilio.page_size_max,
            roles: settings.roles.clone(),
            default_worker: twilio.default_worker.clone(),
            numbers: twilio.numbers.clone(),
            share: Arc::new(share),
        })
    }
}

/// An app whose secrets are there; none if one of its addresses is none.
fn app(public_url: String, name: &str, settings: &frontgate_front::Settings) -> Option<App> {
    let api = origin(&settings.api_url)?;
    let files: Vec<&str> = settings.files_urls.iter().map(String::as_str).chain([&*api]).collect();
    let storage: Vec<&str> = settings.storage_urls.iter().map(String::as_str).collect();
    Some(App {
        name: name.into(),
        keys: front_keys(settings),
        issuer: Issuer::new(settings.app_uid.as_ref()?.expose(), settings.app_secrets.first()?.expose()),
        plugin: settings.plugin.clone(),
        api_url: Url::parse(&settings.api_url).ok()?,
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

/// What the requests of an app whose secrets are there are signed with.
pub fn front_keys(settings: &frontgate_front::Settings) -> frontgate_front::signature::Keys {
    let secrets = settings.app_secrets.iter().enumerate();
    let keys = secrets.map(|(index, secret)| {
        frontgate_front::signature::Key::shared(format!("app_secrets[{index}]"), secret.share())
    });
    frontgate_front::signature::Keys::new(keys.collect(), settings.signature_window_ms)
}

/// What the paths of an app begin with.
pub fn front_path(tenant: &Settings, app: &str) -> String {
    format!("{}/front/{app}", tenant.path.trim_end_matches('/'))
}

/// The same as Front and providers call it.
pub fn front_url(public_url: &str, tenant: &Settings, app: &str) -> String {
    format!("{}{}", public_url.trim_end_matches('/'), front_path(tenant, app))
}

fn origin(url: &str) -> Option<String> {
    Some(Url::parse(url).ok()?.origin().ascii_serialization())
}

/// Returns a URL for logs and terminals: without user and password.
pub fn shown(url: &str) -> String {
    Base::new(url).map_or_else(|| "(not a URL)".to_owned(), |base| base.display())
}
