//! Commands to the task that owns the live plugins, from the operators' socket and from SIGHUP.

use std::sync::Arc;

use frontgate_runtime::receipt::Receipt;
use frontgate_runtime::settings::PluginConfig;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

/// Maximum number of queued commands.
const QUEUE_MAX: usize = 16;

/// A command to the task that owns the live plugins.
#[derive(Debug)]
pub enum Command {
    /// Apply another configuration, if every live plugin can use it.
    Configure(Arc<dyn PluginConfig>),
    /// Scan the folder now, and attempt unusable files again.
    Reload,
    /// Restore an earlier version: the version whose digest starts with `digest`, or the last good version.
    Rollback {
        /// The plugin's name.
        name: String,
        /// First digits of the version's digest.
        digest: Option<String>,
    },
    /// Allow a version that waits for approval or was rolled back to go live.
    Allow {
        /// The plugin's name.
        name: String,
        /// First digits of the version's digest.
        digest: Option<String>,
    },
    /// Remove a plugin from all replicas, with `plugins.source = "store"`.
    Remove {
        /// The plugin's name.
        name: String,
    },
}

/// The result of a successful command.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// Receipts of the changes since the command, in order.
    pub receipts: Vec<Receipt>,
    /// The last receipts of files that are present but not live.
    pub standing: Vec<Receipt>,
}

/// The result of a command, or the reason why it failed.
pub(super) type Result = std::result::Result<Answer, String>;

/// A command with the sender for its result.
pub(super) struct Request {
    pub(super) command: Command,
    pub(super) answer: oneshot::Sender<Result>,
}

/// A handle that sends commands.
#[derive(Clone)]
pub struct Commands(mpsc::Sender<Request>);

impl Commands {
    pub(super) fn new() -> (Self, mpsc::Receiver<Request>) {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        (Self(sender), receiver)
    }

    /// Sends a command and waits for its result.
    pub async fn send(&self, command: Command) -> Result {
        let (answer, done) = oneshot::channel();
        let gone = "command dropped: the file was removed meanwhile, or the gateway is shutting down";
        self.0.send(Request { command, answer }).await.map_err(|_| gone.to_owned())?;
        done.await.map_err(|_| gone.to_owned())?
    }
}

/// A command that waits until every file was attempted.
pub(super) struct Waiting {
    pub(super) answer: oneshot::Sender<Result>,
    /// Receipts of the changes since the command.
    pub(super) receipts: Vec<Receipt>,
}
