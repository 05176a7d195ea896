//! Which channels have as many deliveries under way as they may.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// How many deliveries of each channel are worked on: a provider that hangs takes no place from those of
/// other channels.
#[derive(Default)]
pub(super) struct Busy {
    channels: Mutex<HashMap<i64, usize>>,
    pub(super) freed: Notify,
}

impl Busy {
    /// Those that have as many as they may.
    pub(super) fn full(&self, most: usize) -> Vec<i64> {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.iter().filter(|(_, count)| **count >= most).map(|(channel, _)| *channel).collect()
    }

    pub(super) fn add(&self, channel: Option<i64>) {
        if let Some(channel) = channel {
            *self.channels.lock().unwrap_or_else(PoisonError::into_inner).entry(channel).or_default() += 1;
        }
    }

    pub(super) fn remove(&self, channel: Option<i64>) {
        let Some(channel) = channel else { return };
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = channels.get_mut(&channel) {
            *count -= 1;
            if *count == 0 {
                channels.remove(&channel);
            }
        }
        self.freed.notify_one();
    }
}
