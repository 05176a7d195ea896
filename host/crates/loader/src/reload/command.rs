//! What operators ask of the task that owns the plugins: the socket, SIGHUP and the watcher end in the same
//! path.

use std::sync::Arc;

use frontgate_runtime::receipt::Receipt;
use frontgate_runtime::settings::PluginConfig;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

/// Commands that wait for their turn; there are few operators.
const QUEUE_MAX: usize = 16;

/// One thing to do.
#[derive(Debug)]
pub enum Command {
    /// Go on under another configuration, if every live plugin can.
    Configure(Arc<dyn PluginConfig>),
    /// Look at everything now, and at what was not usable once more.
    Reload,
    /// Go back to an earlier version: the last good one, or the one whose digest begins so.
    Rollback {
        /// The plugin.
        name: String,
        /// Of the version.
        digest: Option<String>,
    },
    /// Let a version go live that waits or was rolled back.
    Allow {
        /// The plugin.
        name: String,
        /// Of the version.
        digest: Option<String>,
    },
}

/// What came of a command.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// What was done, in order.
    pub receipts: Vec<Receipt>,
    /// Files that are there and do not answer, as they were last tried.
    pub standing: Vec<Receipt>,
}

/// What came of a command, or why nothing was done.
pub(super) type Result = std::result::Result<Answer, String>;

/// A command, and who waits for it.
pub(super) struct Request {
    pub(super) command: Command,
    pub(super) answer: oneshot::Sender<Result>,
}

/// Gives commands.
#[derive(Clone)]
pub struct Commands(mpsc::Sender<Request>);

impl Commands {
    pub(super) fn new() -> (Self, mpsc::Receiver<Request>) {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        (Self(sender), receiver)
    }

    /// Gives one, and waits until it is done.
    pub async fn give(&self, command: Command) -> Result {
        let (answer, done) = oneshot::channel();
        let gone = "nothing came of it: the file was removed meanwhile, or the gateway is shutting down";
        self.0.send(Request { command, answer }).await.map_err(|_| gone.to_owned())?;
        done.await.map_err(|_| gone.to_owned())?
    }
}

/// Somebody who waits until everything has been tried.
pub(super) struct Waiting {
    pub(super) answer: oneshot::Sender<Result>,
    /// What was done since the command.
    pub(super) receipts: Vec<Receipt>,
}
