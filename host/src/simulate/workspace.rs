//! The folder of a simulation: an empty database, plugin records, the live plugins, and sockets. Deleted at the end.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use frontgate_config::Config;
use frontgate_runtime::settings::PluginSource;
use frontgate_system::ownership::Folder;
use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;
use tracing::debug;

/// Prefix of the folder's name.
const PREFIX: &str = "simulation-";
/// Name of the file that is locked as long as the simulation runs.
const LOCK: &str = "lock";

/// The folder.
pub(super) struct Workspace {
    folder: TempDir,
    _lock: File,
}

impl Workspace {
    /// Creates the folder in the gateway's folder for sockets. Removes folders of simulations that were killed.
    pub(super) fn create(parent: &Path) -> anyhow::Result<Self> {
        let parent = Folder::private(parent).with_context(|| format!("failed to open {}", parent.display()))?;
        remove_old(&parent);
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).permissions(Permissions::from_mode(0o700));
        let folder = builder.tempdir_in(parent.path()).context("failed to create the folder of the simulation")?;
        let lock = File::create(folder.path().join(LOCK))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        fs::create_dir(folder.path().join("plugins"))?;
        Ok(Self { folder, _lock: lock })
    }

    /// Copies the live version of each plugin. Files that no gateway has loaded are copied as they are.
    pub(super) fn copy_plugins(&self, config: &Config) -> anyhow::Result<()> {
        let to = self.plugins();
        let write = |name: &str, wasm: &[u8]| {
            let path = to.join(format!("{name}.wasm"));
            fs::write(&path, wasm).with_context(|| format!("failed to write {}", path.display()))
        };
        if config.plugin_source() == PluginSource::Store {
            let live = frontgate_rollouts::admin::live_versions(&config.store)
                .context("failed to read the live plugins; start the gateway on this database first")?;
            return live.iter().try_for_each(|(name, wasm)| write(name, wasm));
        }
        let live = frontgate_loader::records::live_versions(&config.plugins)?;
        for (name, wasm) in live.iter().filter_map(|(name, wasm)| Some((name, wasm.as_ref()?))) {
            write(name, wasm)?;
        }
        let folder = Folder::shared(&config.plugins.directory).context("failed to open the plugin folder")?;
        for file in folder.names()? {
            let Some(name) = file.strip_suffix(".wasm").filter(|name| !live.contains_key(*name)) else { continue };
            let from = folder.path().join(&file);
            fs::copy(&from, to.join(format!("{name}.wasm")))
                .with_context(|| format!("failed to copy {}", from.display()))?;
        }
        Ok(())
    }

    pub(super) fn plugins(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }

    pub(super) fn records(&self) -> PathBuf {
        self.folder.path().join("records")
    }

    pub(super) fn admin_socket(&self) -> PathBuf {
        self.folder.path().join("admin.sock")
    }

    pub(super) fn control(&self) -> PathBuf {
        self.folder.path().join("control.sock")
    }

    /// Returns the URL of the database.
    pub(super) fn store(&self) -> String {
        format!("sqlite:{}", self.folder.path().join("frontgate.db").display())
    }
}

/// Removes folders whose simulation does not run any longer.
fn remove_old(parent: &Folder) {
    for name in parent.names().unwrap_or_default().iter().filter(|name| name.starts_with(PREFIX)) {
        let folder = parent.path().join(name);
        let is_free = File::open(folder.join(LOCK))
            .is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok());
        if is_free && let Err(error) = fs::remove_dir_all(&folder) {
            debug!("failed to remove {}: {error}", folder.display());
        }
    }
}
