//! Reads the configuration again and lets it count, whole or not at all; then the plugins' folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use frontgate_config::Checked;
use frontgate_config::Config;
use frontgate_config::Fixed;
use frontgate_config::receipt::Outcome;
use frontgate_config::receipt::Receipt;
use frontgate_loader::reload::{Command, Commands};
use frontgate_runtime::Registry;
use frontgate_runtime::receipt::millis;
use frontgate_telemetry::metrics::{METRICS, labels};
use frontgate_tenants::coverage;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use super::edition::Editions;
use super::operate::Answer;
use crate::console::Console;

/// Reloads, one at a time.
pub(super) struct Reloads {
    file: PathBuf,
    /// What sockets, memory and database were made for.
    first: Fixed,
    editions: Arc<Editions>,
    commands: Commands,
    registry: Arc<Registry>,
    console: Arc<Console>,
    turn: Mutex<()>,
}

impl Reloads {
    pub(super) fn new(
        file: &Path,
        editions: Arc<Editions>,
        commands: Commands,
        registry: Arc<Registry>,
        console: Arc<Console>,
    ) -> Self {
        let (file, first) = (file.to_owned(), editions.config().fixed());
        Self { file, first, editions, commands, registry, console, turn: Mutex::default() }
    }

    /// Looks at everything. Plugins are looked at even where the configuration is kept as it was.
    pub(super) async fn reload(self: &Arc<Self>) -> Result<Answer, String> {
        let reloads = Arc::clone(self);
        // In a task of its own: whoever waits may hang up, and half a configuration must not count.
        let whole = tokio::spawn(async move {
            let _turn = reloads.turn.lock().await;
            let configuration = Some(reloads.configure().await);
            Ok(Answer { configuration, plugins: reloads.commands.give(Command::Reload).await? })
        });
        whole.await.map_err(|error| format!("reloading failed: {error}")).flatten()
    }

    /// How long the answer to a command may take.
    pub(super) fn patience(&self) -> Duration {
        self.editions.config().plugins.command_timeout()
    }

    async fn configure(&self) -> Receipt {
        let (time_ms, began) = (millis(SystemTime::now()), Instant::now());
        let mut changes = Vec::new();
        let outcome = match self.take_over(&mut changes).await {
            Ok(()) => Outcome::Live,
            Err(reason) => Outcome::Kept(reason),
        };
        METRICS.config_reloads.get_or_create(&labels::Outcome { outcome: outcome.name() }).inc();
        let (file, changed) = (self.file.display(), changes.join(", "));
        match &outcome {
            Outcome::Live => info!(%changed, "{file} counts as it is now"),
            Outcome::Kept(reason) => {
                warn!(%changed, "kept the configuration as it was; {file} is not usable: {reason}")
            }
        }
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let receipt = Receipt { time_ms, outcome, changes, duration_ms };
        self.console.note(receipt.clone());
        receipt
    }

    async fn take_over(&self, changes: &mut Vec<String>) -> Result<(), String> {
        let file = self.file.clone();
        let read = spawn_blocking(move || Config::load(&file)).await;
        let read = read.map_err(|error| format!("reading it failed: {error}"))?;
        let Checked { config, warnings } = read.map_err(|faults| faults.to_string())?;
        let (old, new) = (self.editions.config(), Arc::new(config));
        *changes = old.changes(&new);
        let fixed = self.first.changed(&new);
        if !fixed.is_empty() {
            return Err(format!("{} cannot change while the gateway runs; restart it", fixed.join(", ")));
        }
        let lost = coverage::lost(&self.registry, &old.tenants, &new.tenants);
        if !lost.is_empty() {
            return Err(lost.join("; "));
        }
        self.commands.give(Command::Configure(Arc::clone(&new) as _)).await?;
        // Nothing can fail from here on.
        self.console.configure(Arc::clone(&new));
        self.editions.replace(&new).await;
        for warning in &warnings {
            warn!("{}: {}", warning.place, warning.problem);
        }
        let missing = coverage::unanswered(&self.registry, &new.tenants)
            .into_iter()
            .map(|reason| reason + "; its callbacks get 503");
        let passed_over =
            coverage::missing(&self.registry, &new.tenants).into_iter().map(|reason| reason + "; it is passed over");
        for reason in missing.chain(passed_over) {
            warn!("{reason}");
        }
        Ok(())
    }
}
