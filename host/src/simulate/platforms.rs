//! The simulated platforms of a tenant: Twilio, and Front for each of its apps.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use frontgate_config::Config;
use frontgate_runtime::AddressOverride;
use frontgate_simulators::front::Downloads;
use frontgate_simulators::{Front, Twilio};
use url::Url;

/// Settings of plugins with addresses of Twilio.
const URL_SETTINGS: [&str; 5] = ["conversations_url", "media_url", "content_url", "api_url", "voice_url"];
/// Name of the webhook key that is the auth token of Twilio.
const TWILIO_KEY: &str = "twilio";
/// Origin of the storage of Twilio's media.
const TWILIO_STORAGE: &str = "https://media.us1.twilio.com";

/// The platforms.
pub(super) struct Platforms {
    pub(super) tenant: String,
    pub(super) twilio: Twilio,
    pub(super) apps: Vec<App>,
    /// Numbers of the company.
    pub(super) numbers: Vec<String>,
    /// Whether the tenant answers Frontline's callbacks.
    pub(super) has_frontline: bool,
    path: String,
    auth_token: String,
    /// Origins of Twilio's API in the configuration.
    twilio_origins: BTreeSet<String>,
    /// Origins of Front's API in the configuration.
    front_origins: BTreeSet<String>,
}

/// A Front app.
pub(super) struct App {
    pub(super) name: String,
    pub(super) plugin: String,
    /// Base URL of its channels.
    pub(super) server: String,
    /// Numbers of its channels.
    pub(super) numbers: Vec<String>,
    pub(super) front: Front,
}

impl Platforms {
    /// Starts simulators that accept the credentials of the configuration.
    pub(super) fn start(config: &Config, tenant: &str) -> anyhow::Result<Self> {
        let settings = config.tenants.get(tenant).with_context(|| format!("unknown tenant `{tenant}`"))?;
        let twilio = &settings.twilio;
        let plugin_settings = |plugin: &str| config.plugins.named.get(plugin).map(|named| &named.config);
        let app_settings = || settings.front.values().filter_map(|app| plugin_settings(&app.plugin));
        let found = |key: &str| app_settings().find_map(|config| config.get(key).cloned());
        let mut builder = Twilio::builder().storage_url(TWILIO_STORAGE);
        let account = twilio.account_sid.as_ref().map(|sid| sid.expose().to_owned()).or_else(|| found("account_sid"));
        if let Some(account) = account {
            builder = builder.account(&account, "");
        }
        let service = service_of(&twilio.conversations_url)
            .or_else(|| found("service_sid"))
            .or_else(|| found("conversations_url").and_then(|url| service_of(&url)));
        if let Some(service) = service {
            builder = builder.service(&service);
        }
        let simulator = builder.any_credentials().try_start().context("failed to start the simulated Twilio")?;
        let mut apps = Vec::new();
        for (name, app) in &settings.front {
            let (Some(uid), Some(secret)) = (&app.app_uid, app.app_secrets.first()) else { continue };
            let front = Front::builder().app(uid.expose(), secret.expose()).try_start();
            let front = front.context("failed to start the simulated Front")?;
            front.downloads(Downloads::Bytes);
            let server = config.front_url(settings, name);
            let named = config.plugins.named.get(&app.plugin);
            let keys = named.and_then(|named| named.webhook_keys.get(TWILIO_KEY));
            if let Some(key) = keys.and_then(|key| key.secrets().first()) {
                simulator.sign_below(&format!("{server}/"), key.expose());
            }
            let numbers = named.and_then(|named| named.config.get("numbers")).map(|text| listed(text));
            apps.push(App {
                name: name.clone(),
                plugin: app.plugin.clone(),
                server,
                numbers: numbers.unwrap_or_default(),
                front,
            });
        }
        let numbers = twilio.numbers.iter().chain(apps.iter().flat_map(|app| &app.numbers)).cloned().collect();
        let roles = &settings.roles;
        let frontline = [&roles.crm, &roles.templates, &roles.outgoing, &roles.routing, &roles.conversations];
        let urls = app_settings().flat_map(|config| URL_SETTINGS.iter().filter_map(|key| config.get(*key)));
        Ok(Self {
            tenant: tenant.to_owned(),
            twilio: simulator,
            numbers,
            has_frontline: !twilio.auth_tokens.is_empty() && frontline.iter().any(|role| !role.is_empty()),
            path: settings.path.clone(),
            auth_token: twilio.auth_tokens.first().map_or("", |token| token.expose()).to_owned(),
            twilio_origins: urls.chain([&twilio.conversations_url]).filter_map(|url| origin(url)).collect(),
            front_origins: settings.front.values().filter_map(|app| origin(&app.api_url)).collect(),
            apps,
        })
    }

    /// Redirects requests of plugins to hosts of Twilio and Front.
    pub(super) fn address_override(&self) -> AddressOverride {
        let (twilio, storage) = (self.twilio.address(), self.twilio.storage_address());
        let front = self.apps.first().map(|app| app.front.address());
        let mut known: BTreeMap<String, SocketAddr> =
            self.twilio_origins.iter().map(|origin| (origin.clone(), twilio)).collect();
        known.extend(front.iter().flat_map(|front| self.front_origins.iter().map(|origin| (origin.clone(), *front))));
        Arc::new(move |site| {
            if let Some(address) = known.get(site) {
                return Some(Ok(*address));
            }
            let host = Url::parse(site).ok()?.host_str()?.to_owned();
            let is_below = |name: &str| host == name || host.ends_with(&format!(".{name}"));
            match () {
                () if is_below("twilio.com") && host.starts_with("media.") => Some(Ok(storage)),
                () if is_below("twilio.com") => Some(Ok(twilio)),
                () if is_below("frontapp.com") => {
                    Some(front.ok_or_else(|| "the simulated tenant has no Front app".to_owned()))
                }
                () => None,
            }
        })
    }

    /// Tells the platforms where the gateway is.
    pub(super) fn point_at(&self, gateway: SocketAddr, public_url: &str) {
        self.twilio.point_at(gateway, public_url.trim_end_matches('/'), &self.path, &self.auth_token);
        for app in &self.apps {
            app.front.point_at(gateway);
            app.front.app_server(&app.server);
        }
    }

    /// Forgets deviations from Twilio's description, which are shown to the person: in a test, they would be a failure.
    pub(super) fn end(&self) {
        self.twilio.take_deviations();
    }
}

/// Returns scheme, host and port of a URL.
fn origin(url: &str) -> Option<String> {
    Url::parse(url).ok().map(|url| url.origin().ascii_serialization())
}

/// Returns the Conversations service in a path.
fn service_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let mut parts = url.path_segments()?.skip_while(|part| *part != "Services");
    parts.nth(1).filter(|sid| sid.starts_with("IS")).map(ToOwned::to_owned)
}

fn listed(text: &str) -> Vec<String> {
    text.split(',').map(|number| number.trim().to_owned()).filter(|number| !number.is_empty()).collect()
}
