//! State that request handlers share.

use std::sync::Arc;
use std::time::Duration;

use frontgate_delivery::Store;
use frontgate_recorder::Recorder;
use frontgate_tenants::Plugins;

use super::explainer::Explainer;
use crate::routes::Routes;
use crate::settings::Server;

/// Configuration, routes, plugins, the store and the recorder.
pub(super) struct Services {
    pub(super) server: Server,
    pub(super) public_url: String,
    /// Maximum time that a callback waits to be admitted to a plugin.
    pub(super) queue_timeout: Duration,
    pub(super) routes: Routes,
    pub(super) explainer: Explainer,
    pub(super) plugins: Arc<Plugins>,
    pub(super) store: Arc<Store>,
    pub(super) recorder: Arc<Recorder>,
}
