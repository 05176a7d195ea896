//! The last verification of the record of actions, which reads all of it, and therefore runs beside the pages.

use std::sync::Arc;
use std::time::{Duration, Instant};

use frontgate_audit::Verification;
use frontgate_delivery::Store;
use frontgate_delivery::store::StoreError;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Time for which a verification is shown.
const INTERVAL: Duration = Duration::from_secs(60);

/// Time that a page waits for a verification.
const PATIENCE: Duration = Duration::from_millis(50);

/// The last verification, and the one in progress.
#[derive(Default)]
pub(super) struct Verified(Mutex<State>);

#[derive(Default)]
struct State {
    last: Option<(Instant, Verification)>,
    running: Option<JoinHandle<Result<Verification, StoreError>>>,
}

impl Verified {
    /// Returns a verification of the last minute; if it takes long, the one before; `None` while the first one runs.
    pub(super) async fn get(&self, store: &Arc<Store>) -> Result<Option<Verification>, StoreError> {
        let mut state = self.0.lock().await;
        if let Some((at, found)) = state.last
            && at.elapsed() < INTERVAL
        {
            return Ok(Some(found));
        }
        let store = Arc::clone(store);
        let running = state.running.get_or_insert_with(|| tokio::spawn(async move { store.verify_actions().await }));
        let Ok(ended) = timeout(PATIENCE, running).await else { return Ok(state.last.map(|(_, found)| found)) };
        state.running = None;
        // A task that panicked, or was ended by a shutdown, has no result.
        let Ok(found) = ended else { return Ok(state.last.map(|(_, found)| found)) };
        let found = found?;
        state.last = Some((Instant::now(), found));
        Ok(Some(found))
    }
}
