//! Reloads the configuration, completely or not at all, and then the plugin folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use frontgate_config::Checked;
use frontgate_config::Config;
use frontgate_config::Fixed;
use frontgate_config::receipt::Outcome;
use frontgate_config::receipt::Receipt;
use frontgate_console_access::Access;
use frontgate_loader::reload::{Command, Commands};
use frontgate_runtime::Registry;
use frontgate_runtime::receipt::millis;
use frontgate_telemetry::metrics::{METRICS, labels};
use frontgate_tenants::{Settings, coverage};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use super::Adapt;
use super::admin_api::CommandResult;
use super::generation::Generations;
use crate::admin_pages::AdminPages;

/// Reloads the gateway, one reload at a time.
pub(crate) struct Reloader {
    file: PathBuf,
    adapt: Option<Adapt>,
    /// Settings at startup that cannot change while the gateway runs.
    first: Fixed,
    generations: Arc<Generations>,
    commands: Commands,
    registry: Arc<Registry>,
    admin_pages: Arc<AdminPages>,
    access: Arc<Access>,
    turn: Mutex<()>,
}

impl Reloader {
    pub(super) fn new(
        (file, adapt): (&Path, Option<Adapt>),
        generations: Arc<Generations>,
        commands: Commands,
        registry: Arc<Registry>,
        (admin_pages, access): (Arc<AdminPages>, Arc<Access>),
    ) -> Self {
        let (file, first) = (file.to_owned(), generations.config().fixed());
        Self { file, adapt, first, generations, commands, registry, admin_pages, access, turn: Mutex::default() }
    }

    /// Reloads configuration and plugins. Plugins are reloaded even if the configuration is rejected.
    pub(crate) async fn reload(self: &Arc<Self>) -> Result<CommandResult, String> {
        let reloader = Arc::clone(self);
        // Runs in a separate task, so that a caller that disconnects cannot leave a configuration half applied.
        let whole = tokio::spawn(async move {
            let _turn = reloader.turn.lock().await;
            let configuration = Some(reloader.configure().await);
            Ok(CommandResult { configuration, plugins: reloader.commands.send(Command::Reload).await? })
        });
        whole.await.map_err(|error| format!("reload task failed: {error}")).flatten()
    }

    /// Returns the configuration's file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the time limit of a command.
    pub(crate) fn timeout(&self) -> Duration {
        self.generations.config().plugins.command_timeout()
    }

    async fn configure(&self) -> Receipt {
        let (time_ms, began) = (millis(SystemTime::now()), Instant::now());
        let mut changes = Vec::new();
        let outcome = match self.apply(&mut changes).await {
            Ok(()) => Outcome::Live,
            Err(reason) => Outcome::Kept(reason),
        };
        METRICS.config_reloads.get_or_create(&labels::Outcome { outcome: outcome.name() }).inc();
        let (file, changed) = (self.file.display(), changes.join(", "));
        match &outcome {
            Outcome::Live => info!(event = "config.applied", %changed, "configuration {file} applied"),
            Outcome::Kept(reason) => {
                // Each fault is on a line of its own, followed by its fix.
                let reason = reason.replace("\n    ", "; ").replace('\n', " | ");
                warn!(
                    event = "config.rejected", %changed,
                    "configuration {file} rejected, previous configuration stays in effect: {reason}"
                );
            }
        }
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let receipt = Receipt { time_ms, outcome, changes, duration_ms };
        self.admin_pages.note(receipt.clone());
        receipt
    }

    async fn apply(&self, changes: &mut Vec<String>) -> Result<(), String> {
        let file = self.file.clone();
        let read = spawn_blocking(move || Config::load(&file)).await;
        let read = read.map_err(|error| format!("failed to read the configuration: {error}"))?;
        let Checked { config, warnings } = read.map_err(|faults| faults.to_string())?;
        let mut config = config;
        if let Some(adapt) = &self.adapt {
            adapt(&mut config);
        }
        let (old, new) = (self.generations.config(), Arc::new(config));
        *changes = old.changes(&new);
        let fixed = self.first.changed(&new);
        if !fixed.is_empty() {
            return Err(format!("restart required to change {}", fixed.join(", ")));
        }
        let lost = coverage::lost(&self.registry, &old.tenants, &new.tenants);
        if !lost.is_empty() {
            return Err(lost.join("; "));
        }
        self.commands.send(Command::Configure(Arc::clone(&new) as _)).await?;
        // The following steps cannot fail.
        self.admin_pages.configure(Arc::clone(&new));
        self.access.configure(&Arc::new(new.console.clone()));
        self.admin_pages.reload_certificate().await;
        self.generations.replace(&new).await;
        for warning in &warnings {
            warn!(event = "config.warning", "{}: {}; {}", warning.place, warning.problem, warning.fix);
        }
        warn_about_missing_plugins(&self.registry, &new.tenants);
        Ok(())
    }
}

/// Warns about roles without any live plugin, and about configured plugins that are not live.
pub(super) fn warn_about_missing_plugins(registry: &Registry, tenants: &BTreeMap<String, Settings>) {
    for reason in coverage::unanswered(registry, tenants) {
        warn!(event = "plugin.role_unanswered", "{reason}; callbacks of this role get 503");
    }
    for missing in coverage::missing(registry, tenants) {
        warn!(event = "plugin.not_live", "{}", missing.reason);
    }
}
