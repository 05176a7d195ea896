//! Grants of a plugin: what the operator allows it to use.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use frontgate_contract::Capability;
use frontgate_contract::digest::{Digest, DigestBuilder};
use frontgate_settings::Secret;
use frontgate_signing::WebhookKey;
use frontgate_state::settings::StateLimits;
use wasmtime_wasi_config::WasiConfigVariables;

use crate::outbound::egress::Egress;
use crate::outbound::network::Network;
use crate::settings::Named;
use crate::settings::webhooks::WebhookKey as WebhookKeySetting;

/// Grants of one plugin.
pub struct Grants {
    /// Settings and visible secrets, by key.
    pub(crate) settings: BTreeMap<String, String>,
    /// Settings and visible secrets for `wasi:config`.
    pub(crate) variables: WasiConfigVariables,
    /// Keys for signatures of webhooks, by name.
    pub(crate) webhook_keys: BTreeMap<String, WebhookKey>,
    /// A folder that the plugin can read.
    pub(crate) files: Option<PathBuf>,
    /// Hosts that the plugin can send requests to.
    pub(crate) egress: Arc<Egress>,
    /// Whether the plugin may change conversations.
    pub(crate) actions: bool,
    /// Limits of the plugin's key-value state; `None` if state was not granted.
    pub state: Option<StateLimits>,
}

impl Grants {
    /// Returns the folder that the plugin can read.
    pub fn folder(&self) -> Option<&Path> {
        self.files.as_deref()
    }

    /// Returns a digest of the settings and the folder, which decide what a plugin answers. Reveals no secret.
    pub fn digest(&self) -> Digest {
        let parts = self.settings.iter().flat_map(|(key, value)| [key.as_bytes(), value.as_bytes()]);
        let folder = self.files.iter().map(|folder| folder.as_os_str().as_encoded_bytes());
        let mut digest = DigestBuilder::default();
        for part in parts.chain(folder) {
            digest.update(&part.len().to_be_bytes());
            digest.update(part);
        }
        digest.finish()
    }

    /// Reads the grants of a plugin. A plugin that the configuration does not name has no grants.
    pub(crate) fn new(plugin: &Arc<str>, named: Option<&Named>, network: &Arc<Network>, state: &StateLimits) -> Self {
        let mut settings = named.map(|named| named.config.clone()).unwrap_or_default();
        for (key, secret) in named.iter().flat_map(|named| &named.secrets) {
            settings.insert(key.clone(), secret.expose().to_owned());
        }
        let keys = named.iter().flat_map(|named| &named.webhook_keys);
        let key = |key: &WebhookKeySetting| WebhookKey::new(key.secrets().iter().map(Secret::expose));
        Self {
            webhook_keys: keys.map(|(name, secrets)| (name.clone(), key(secrets))).collect(),
            variables: settings.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            settings,
            files: named.and_then(|named| named.files.clone()),
            egress: Arc::new(Egress::new(plugin, named, network)),
            actions: named.is_some_and(|named| named.actions),
            state: named.and_then(|named| named.state.0.as_ref()).map(|own| state.with(own)),
        }
    }

    /// Checks whether a capability was granted.
    pub(crate) fn covers(&self, capability: Capability) -> bool {
        match capability {
            Capability::Http => !self.egress.is_empty(),
            Capability::State => self.state.is_some(),
            Capability::Files => self.files.is_some(),
            Capability::Actions => self.actions,
            Capability::Directory => true,
        }
    }
}
