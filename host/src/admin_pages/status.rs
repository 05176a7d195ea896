//! `/statusz`: the gateway's state as JSON, which `frontgate plugin list` reads.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use frontgate_delivery::job::State;
use frontgate_delivery::store::Counts;
use frontgate_loader::confinement;
use frontgate_replicas::Peer;
use frontgate_runtime::registry::{Receipt, Version};
use frontgate_state::Usage;
use serde::{Deserialize, Serialize};

use super::AdminPages;

/// The complete response.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    /// Version of the gateway.
    pub(crate) version: String,
    /// Seconds since the gateway started.
    pub(crate) uptime_seconds: u64,
    /// Whether `/readyz` returns 200.
    pub(crate) ready: bool,
    /// Reasons why the gateway is not ready.
    pub(crate) reasons: Vec<String>,
    /// Receipt of the last reload of the configuration.
    #[serde(default)]
    pub(crate) configuration: Option<frontgate_config::receipt::Receipt>,
    /// Plugins that are live or whose files were loaded, by name.
    pub(crate) plugins: BTreeMap<String, Plugin>,
    /// The file of corrupt plugin records, while new plugin files are rejected because of it.
    #[serde(default)]
    pub(crate) plugin_records_damaged: Option<String>,
    /// Deliveries by tenant and state; null if the database cannot be read.
    pub(crate) deliveries: Option<BTreeMap<String, BTreeMap<String, u64>>>,
    /// All gateways on the same database; empty with SQLite.
    #[serde(default)]
    pub(crate) replicas: Vec<Peer>,
    /// Milliseconds since the last notification of the database, if that is unusually long: changes of other gateways are
    /// then seen up to a second later.
    #[serde(default)]
    pub(crate) bell_silent_ms: Option<u64>,
    /// State of plugins, by plugin and tenant; null if the database cannot be read.
    pub(crate) state: Option<BTreeMap<String, BTreeMap<String, Kept>>>,
    /// Indexes of customers, without ids.
    #[serde(default)]
    pub(crate) customers: Vec<frontgate_customers::Status>,
    /// Allocation strategy for instances: `pool`, or `small-pool` or `on-demand` where address space is limited.
    pub(crate) memory: String,
    /// Confinement of the last compiler process; null before the first.
    #[serde(default)]
    pub(crate) compiler_confinement: Option<Vec<String>>,
    /// Free permits for concurrent calls.
    pub(crate) places_free: usize,
    /// The last receipts of all plugins, newest first; `frontgate plugin history` has more.
    #[serde(default)]
    pub(crate) receipts: Vec<Receipt>,
}

/// One plugin.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Plugin {
    /// Whether a newer file is being checked or compiled.
    pub(crate) loading: bool,
    /// The live version, if any.
    pub(crate) live: Option<Live>,
    /// Whether the live version is on probation, and can be rolled back automatically.
    #[serde(default)]
    pub(crate) probation: bool,
    /// Stored good versions, newest first.
    #[serde(default)]
    pub(crate) versions: Vec<Version>,
    /// The last attempt to load a file.
    pub(crate) last_attempt: Option<Attempt>,
    /// What the replicas agree on, with `plugins.source = "store"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rollout: Option<RolloutStatus>,
}

/// What the replicas agree on about one plugin.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RolloutStatus {
    /// SHA-256 of the version that every replica runs.
    pub(crate) live: Option<String>,
    /// SHA-256 of the version on trial.
    pub(crate) trial: Option<String>,
    /// Name of the replica that runs the version on trial.
    pub(crate) trial_replica: Option<String>,
    /// SHA-256 of the version that waits for approval.
    pub(crate) waiting: Option<String>,
    /// Names of the replicas that run another version than they should; `frontgate plugin history` has the reasons.
    pub(crate) behind: Vec<String>,
}

/// A live version.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Live {
    /// SHA-256 of the file.
    pub(crate) digest: String,
    /// Size of the file in bytes.
    pub(crate) bytes: usize,
    /// Version of the SDK that it was built with, if known.
    #[serde(default)]
    pub(crate) sdk: Option<String>,
    /// Roles of the version.
    pub(crate) roles: Vec<String>,
    /// Capabilities that it imports without a grant, as a sentence.
    #[serde(default)]
    pub(crate) not_granted: Option<String>,
    /// Interfaces that it imports.
    #[serde(default)]
    pub(crate) imports: Vec<String>,
    /// Time of activation, in seconds since 1970.
    pub(crate) since: u64,
    /// Milliseconds until the plugin's circuit breaker closes; null if it is closed.
    pub(crate) breaker_open_ms: Option<u64>,
}

/// State of one plugin for one tenant.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Number of keys.
    pub(crate) keys: i64,
    /// Total size of keys and values in bytes.
    pub(crate) bytes: i64,
}

/// One attempt to load a file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// Id of its receipt.
    #[serde(default)]
    pub(crate) id: String,
    /// `live`, `kept` (the previous version stays live), `refused`, `removed`, `waiting` (for the operator),
    /// `rolled-back` (the previous version is live again) or `allowed`.
    pub(crate) outcome: String,
    /// Reason why the file was not used.
    pub(crate) reason: Option<String>,
    /// SHA-256 of the file, if it could be read.
    pub(crate) digest: Option<String>,
    /// Time of the attempt, in seconds since 1970.
    pub(crate) time: u64,
}

impl Status {
    pub(super) fn new(
        pages: &AdminPages,
        deliveries: Option<Counts>,
        kept: Option<Vec<Usage>>,
        customers: Vec<frontgate_customers::Status>,
    ) -> Self {
        let reasons = pages.reasons();
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: pages.started.elapsed().as_secs(),
            ready: reasons.is_empty(),
            reasons,
            configuration: pages.configured.load().as_deref().cloned(),
            plugins: plugins(pages),
            plugin_records_damaged: pages.registry.damaged().map(|file| file.to_string()),
            deliveries: deliveries.map(|deliveries| {
                let named = |states: BTreeMap<State, u64>| {
                    states.into_iter().map(|(state, count)| (state.name().to_owned(), count)).collect()
                };
                deliveries.into_iter().map(|(tenant, states)| (tenant, named(states))).collect()
            }),
            replicas: pages.store.replica().peers(),
            bell_silent_ms: pages
                .store
                .bell_silent_for()
                .map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            state: kept.map(by_plugin),
            customers,
            memory: pages.engine.allocation().name().to_owned(),
            compiler_confinement: confinement().map(|known| known.parts().into_iter().map(str::to_owned).collect()),
            places_free: pages.engine.places_free(),
            receipts: pages.registry.recent().iter().cloned().collect(),
        }
    }
}

/// Returns the plugins that are live or whose files were loaded, by name.
pub(super) fn plugins(pages: &AdminPages) -> BTreeMap<String, Plugin> {
    let mut plugins: BTreeMap<String, Plugin> = BTreeMap::new();
    for (name, live) in pages.registry.live().iter() {
        plugins.entry(name.clone()).or_default().live = Some(Live {
            digest: live.digest.to_string(),
            bytes: live.manifest.bytes,
            sdk: live.manifest.sdk.clone(),
            not_granted: live.not_granted(),
            imports: live.manifest.imports.iter().cloned().collect(),
            roles: live.roles().into_iter().map(|role| role.name().to_owned()).collect(),
            since: seconds(live.since),
            breaker_open_ms: live.breaker_open_for().map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        });
    }
    for (name, receipt) in pages.registry.receipts().iter() {
        plugins.entry(name.clone()).or_default().last_attempt = Some(Attempt {
            id: receipt.id.clone(),
            outcome: receipt.outcome.name().to_owned(),
            reason: receipt.outcome.reason().map(str::to_owned),
            digest: receipt.digest.map(|digest| digest.to_string()),
            time: receipt.time_ms / 1_000,
        });
    }
    for name in pages.registry.loading().iter() {
        plugins.entry(name.clone()).or_default().loading = true;
    }
    for name in pages.registry.on_probation().iter() {
        plugins.entry(name.clone()).or_default().probation = true;
    }
    for (name, versions) in pages.registry.versions().iter() {
        plugins.entry(name.clone()).and_modify(|plugin| plugin.versions.clone_from(versions));
    }
    if let Some(rollouts) = &pages.rollouts {
        for (name, rollout) in rollouts.current().iter() {
            plugins.entry(name.clone()).or_default().rollout = Some(RolloutStatus {
                live: rollout.live.map(|digest| digest.to_string()),
                trial: rollout.trial.map(|trial| trial.digest.to_string()),
                trial_replica: rollout.trial.map(|trial| rollouts.name_of(trial.replica)),
                waiting: rollout.waiting.as_ref().map(|(digest, _)| digest.to_string()),
                behind: rollouts.behind(name, rollout),
            });
        }
    }
    plugins
}

fn by_plugin(kept: Vec<Usage>) -> BTreeMap<String, BTreeMap<String, Kept>> {
    let mut plugins: BTreeMap<String, BTreeMap<String, Kept>> = BTreeMap::new();
    for Usage { plugin, tenant, size } in kept {
        plugins.entry(plugin).or_default().insert(tenant, Kept { keys: size.keys, bytes: size.bytes });
    }
    plugins
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
