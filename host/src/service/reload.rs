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
use frontgate_runtime::receipt::millis;
use frontgate_runtime::registry::Registry;
use frontgate_tenants::roles;
use metrics::counter;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use super::admin_api::CommandResult;
use super::generation::Generations;
use crate::admin_pages::AdminPages;

/// Reloader, one at a time.
pub(super) struct Reloader {
    file: PathBuf,
    /// What sockets, memory and database were made for.
    first: Fixed,
    generations: Arc<Generations>,
    commands: Commands,
    registry: Arc<Registry>,
    admin_pages: Arc<AdminPages>,
    turn: Mutex<()>,
}

impl Reloader {
    pub(super) fn new(
        file: &Path,
        generations: Arc<Generations>,
        commands: Commands,
        registry: Arc<Registry>,
        admin_pages: Arc<AdminPages>,
    ) -> Self {
        let (file, first) = (file.to_owned(), generations.config().fixed());
        Self { file, first, generations, commands, registry, admin_pages, turn: Mutex::default() }
    }

    /// Looks at everything. Plugins are looked at even where the configuration is kept as it was.
    pub(super) async fn reload(self: &Arc<Self>) -> Result<CommandResult, String> {
        let reloader = Arc::clone(self);
        // In a task of its own: whoever waits may hang up, and half a configuration must not count.
        let whole = tokio::spawn(async move {
            let _turn = reloader.turn.lock().await;
            let configuration = Some(reloader.configure().await);
            Ok(CommandResult { configuration, plugins: reloader.commands.give(Command::Reload).await? })
        });
        whole.await.map_err(|error| format!("reloading failed: {error}")).flatten()
    }

    /// How long the answer to a command may take.
    pub(super) fn timeout(&self) -> Duration {
        self.generations.config().plugins.command_timeout()
    }

    async fn configure(&self) -> Receipt {
        let (time_ms, began) = (millis(SystemTime::now()), Instant::now());
        let mut changes = Vec::new();
        let outcome = match self.apply(&mut changes).await {
            Ok(()) => Outcome::Live,
            Err(reason) => Outcome::Kept(reason),
        };
        counter!("frontgate_config_reloads_total", "outcome" => outcome.name()).increment(1);
        let (file, changed) = (self.file.display(), changes.join(", "));
        match &outcome {
            Outcome::Live => info!(%changed, "{file} counts as it is now"),
            Outcome::Kept(reason) => {
                warn!(%changed, "kept the configuration as it was; {file} is not usable: {reason}")
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
        let read = read.map_err(|error| format!("reading it failed: {error}"))?;
        let Checked { config, warnings } = read.map_err(|faults| faults.to_string())?;
        let (old, new) = (self.generations.config(), Arc::new(config));
        *changes = old.changes(&new);
        let fixed = self.first.changed(&new);
        if !fixed.is_empty() {
            return Err(format!("{} cannot change while the gateway runs; restart it", fixed.join(", ")));
        }
        let lost = roles::lost(&self.registry, &old.tenants, &new.tenants);
        if !lost.is_empty() {
            return Err(lost.join("; "));
        }
        self.commands.give(Command::Configure(Arc::clone(&new) as _)).await?;
        // Nothing can fail from here on.
        self.admin_pages.configure(Arc::clone(&new));
        self.generations.replace(&new).await;
        for warning in &warnings {
            warn!("{}: {}", warning.place, warning.problem);
        }
        let missing = roles::unanswered(&self.registry, &new.tenants)
            .into_iter()
            .map(|reason| reason + "; its callbacks get 503");
        let passed_over =
            roles::missing(&self.registry, &new.tenants).into_iter().map(|reason| reason + "; it is passed over");
        for reason in missing.chain(passed_over) {
            warn!("{reason}");
        }
        Ok(())
    }
}
