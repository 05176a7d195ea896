//! Results of the tasks that [`super::Reload`] starts.

use std::sync::Arc;
use std::time::Duration;

use frontgate_runtime::{LoadedPlugin, RuntimeConfig};
use frontgate_store::StoreError;
use tokio::sync::oneshot;

use super::command::{self, Request};
use super::decisions::Commanded;
use super::rollout::{Followed, Offer};
use crate::attempt::Attempt;
use crate::failure::Failure;

/// The result of a task in `Reload::attempts`.
pub(super) enum TaskResult {
    Loaded(Box<Attempt>),
    Restored(Box<Restored>),
    /// The plugin's name, and the optimized build of a version whose quick build may still be live.
    Optimized(Arc<str>, Box<Result<LoadedPlugin, Failure>>),
    Configured(Box<Configuration>),
    Offered(Box<Offer>),
    Followed(Box<Followed>),
    /// The plugin's name.
    Decided(String),
    Commanded(Box<Commanded>),
    /// A command, and the result of reading what the other replicas have decided.
    Requested(Box<(Request, Result<(), StoreError>)>),
}

/// The result of loading a version for an operator's rollback.
pub(super) struct Restored {
    pub(super) name: String,
    pub(super) result: Result<LoadedPlugin, Failure>,
    pub(super) took: Duration,
    pub(super) answer: oneshot::Sender<command::Result>,
}

/// The result of starting every live plugin once under a configuration.
pub(super) struct Configuration {
    pub(super) tried: Result<Arc<RuntimeConfig>, String>,
    pub(super) answer: oneshot::Sender<command::Result>,
}
