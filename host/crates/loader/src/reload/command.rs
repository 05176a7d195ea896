//! Commands to the task that owns the live plugins, from the operators' socket and from SIGHUP.

use std::sync::Arc;

use frontgate_runtime::receipt::Receipt;
use frontgate_runtime::settings::PluginConfig;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

/// Commands that wait for their turn.
const QUEUE_MAX: usize = 16;

/// A command.
#[derive(Debug)]
pub enum Command {
    /// Apply another configuration, if every live plugin can use it.
    Configure(Arc<dyn PluginConfig>),
    /// Scan the folder now, and attempt again what was not usable.
    Reload,
    /// Restore an earlier version: the previous good one, or the one whose digest starts with `digest`.
    Rollback {
        /// The plugin's name.
        name: String,
        /// First digits of the version's digest.
        digest: Option<String>,
    },
    /// Allow a version to go live that waits or was rolled back.
    Allow {
        /// The plugin's name.
        name: String,
        /// First digits of the version's digest.
        digest: Option<String>,
    },
}

/// The result of a command.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// Changes, in order.
    pub receipts: Vec<Receipt>,
    /// The last receipts of files that are present and not live.
    pub standing: Vec<Receipt>,
}

/// The result of a command, or why it failed.
pub(super) type Result = std::result::Result<Answer, String>;

/// A command with the sender of its result.
pub(super) struct Request {
    pub(super) command: Command,
    pub(super) answer: oneshot::Sender<Result>,
}

/// Sends commands.
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
    /// Changes since the command.
    pub(super) receipts: Vec<Receipt>,
}
