//! Results of the tasks that [`super::Reload`] starts.

use std::sync::Arc;
use std::time::Duration;

use frontgate_runtime::{LoadedPlugin, RuntimeConfig};
use tokio::sync::oneshot;

use super::command;
use crate::attempt::Attempt;
use crate::failure::Failure;

/// The result of a task in `Reload::attempts`.
pub(super) enum TaskResult {
    Loaded(Box<Attempt>),
    Restored(Box<Restored>),
    /// The plugin's name, and the optimized build of a version that may still be live.
    Optimized(Arc<str>, Box<Result<LoadedPlugin, Failure>>),
    Configured(Box<Configuration>),
}

/// A version that was loaded for an operator's rollback.
pub(super) struct Restored {
    pub(super) name: String,
    pub(super) result: Result<LoadedPlugin, Failure>,
    pub(super) took: Duration,
    pub(super) answer: oneshot::Sender<command::Result>,
}

/// A configuration under which every live plugin was started once.
pub(super) struct Configuration {
    pub(super) tried: Result<Arc<RuntimeConfig>, String>,
    pub(super) answer: oneshot::Sender<command::Result>,
}
