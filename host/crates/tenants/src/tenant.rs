//! A tenant: a company whose callbacks the gateway answers, with its keys, timeouts and plugins.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use frontgate_runtime::TenantShare;
use frontgate_signing::Algorithm;
use frontgate_telemetry::metrics::{Counter, METRICS, labels};
use frontgate_twilio::candidates::Base;
use frontgate_twilio::settings::WebhooksFail;
use frontgate_twilio::signature::{Key, Keys};
use frontgate_twilio::voice::{Record, Voice};

use crate::front_app::{FrontApp, front_url};
use crate::settings::{Roles, Settings};

/// How a tenant's calls are answered.
#[derive(Debug)]
pub struct TenantVoice {
    /// The TwiML that connects a call.
    pub twiml: String,
    /// The TwiML for the caller of a call that no worker answered.
    pub unanswered_twiml: String,
    /// How long the log of a call waits for the recording; zero if calls are not recorded.
    pub recording_wait: Duration,
}

impl TenantVoice {
    fn new(voice: &Voice, public_url: &str, settings: &Settings) -> Self {
        let (public_url, prefix) = (public_url.trim_end_matches('/'), settings.path.trim_end_matches('/'));
        let is_recorded = voice.record != Record::DoNotRecord;
        Self {
            twiml: voice.twiml(&format!("{public_url}{prefix}/callbacks/voice")),
            unanswered_twiml: voice.unanswered_twiml(),
            recording_wait: Duration::from_millis(if is_recorded { voice.recording_wait_ms } else { 0 }),
        }
    }
}

/// One tenant.
pub struct Tenant {
    /// Name of the tenant in the configuration.
    pub name: Arc<str>,
    /// Prefix of the tenant's paths; empty for `/`.
    pub prefix: String,
    /// Keys that sign the tenant's requests.
    pub keys: Keys,
    /// Time limit of a Frontline callback, in milliseconds.
    pub callback_timeout_ms: u64,
    /// Time limit of a Conversations webhook, in milliseconds.
    pub webhook_timeout_ms: u64,
    /// Whether a webhook is accepted if no plugin could decide.
    pub webhooks_fail: WebhooksFail,
    /// Maximum page size in requests to a plugin.
    pub page_size_max: u32,
    /// Names of the plugins for each role.
    pub roles: Roles,
    /// Worker for conversations that no plugin assigns.
    pub default_worker: Option<String>,
    /// Phone numbers of the tenant.
    pub numbers: Vec<String>,
    /// How calls are answered; `None` if the tenant has no calls.
    pub voice: Option<TenantVoice>,
    /// Share of concurrent plugin calls.
    pub(crate) share: Arc<TenantShare>,
    /// Counters of verified requests, by the label of the key.
    pub verified: BTreeMap<String, Counter>,
    /// Front apps of the tenant, by name.
    pub front: BTreeMap<String, Arc<FrontApp>>,
}

impl std::fmt::Debug for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tenant({})", self.name)
    }
}

impl Tenant {
    /// Creates a tenant from resolved settings. Returns `None` if a URL is invalid.
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
        let apps = settings.front.iter().map(|(name, app)| {
            let url = front_url(public_url, settings, name);
            Some((name.clone(), Arc::new(FrontApp::new(url, name, app)?)))
        });
        Some(Self {
            front: apps.collect::<Option<_>>()?,
            verified: labels.map(|key| (key.clone(), counter(&key))).collect(),
            name: name.into(),
            prefix: settings.path.trim_end_matches('/').to_owned(),
            keys: Keys::new(base, tokens, shared),
            callback_timeout_ms: twilio.callback_timeout_ms,
            webhook_timeout_ms: twilio.webhook_timeout_ms,
            webhooks_fail: twilio.webhooks_fail,
            page_size_max: twilio.page_size_max,
            roles: settings.roles.clone(),
            default_worker: twilio.default_worker.clone(),
            numbers: twilio.numbers.clone(),
            voice: twilio.voice.enabled.then(|| TenantVoice::new(&twilio.voice, public_url, settings)),
            share: Arc::new(share),
        })
    }

    /// Returns whether a webhook that Twilio waits for is accepted after an error. True if no plugin handles webhooks.
    pub fn webhooks_fail_open(&self) -> bool {
        self.webhooks_fail == WebhooksFail::Open || self.roles.conversations.is_empty()
    }
}

/// Returns a URL without user and password, for logs and terminals.
pub fn display_url(url: &str) -> String {
    Base::new(url).map_or_else(|| "(not a URL)".to_owned(), |base| base.display())
}
