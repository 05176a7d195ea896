//! For whom a call is made, and how many of theirs may run at one time.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// For whom a call is made; stands in every line that the plugin logs.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Name of the tenant, or `-` for a trial run.
    pub tenant: Arc<str>,
    /// Id of the request.
    pub request: Arc<str>,
    /// The tenant's shares of the places for calls; none for a trial run.
    pub share: Option<Arc<Share>>,
}

/// How many calls of one tenant may run at one time.
#[derive(Debug)]
pub struct Share {
    calls: Arc<Semaphore>,
    directory: Arc<Semaphore>,
}

impl Share {
    /// So many calls, and so many within them.
    pub fn new(calls: u32, directory: u32) -> Self {
        let places = |count| Arc::new(Semaphore::new(count as usize));
        Self { calls: places(calls), directory: places(directory) }
    }

    /// The places for calls, or for calls within them.
    pub(crate) fn places(&self, within: bool) -> &Arc<Semaphore> {
        if within { &self.directory } else { &self.calls }
    }
}
