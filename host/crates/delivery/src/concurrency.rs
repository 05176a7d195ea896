//! Limits the number of deliveries in progress for each channel.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Counts the deliveries in progress of each channel, so that a slow provider does not delay other channels.
#[derive(Default)]
pub(super) struct ChannelConcurrency {
    channels: Mutex<HashMap<i64, usize>>,
    /// Notified when a delivery ends.
    pub(super) freed: Notify,
}

impl ChannelConcurrency {
    /// Returns the channels with at least `most` deliveries in progress.
    pub(super) fn full(&self, most: usize) -> Vec<i64> {
        let channels = self.channels.lock();
        channels.iter().filter(|(_, count)| **count >= most).map(|(channel, _)| *channel).collect()
    }

    /// Returns the largest number of deliveries in progress of one channel.
    pub(super) fn most(&self) -> usize {
        self.channels.lock().values().copied().max().unwrap_or_default()
    }

    pub(super) fn add(&self, channel: Option<i64>) {
        if let Some(channel) = channel {
            *self.channels.lock().entry(channel).or_default() += 1;
        }
    }

    pub(super) fn remove(&self, channel: Option<i64>) {
        let Some(channel) = channel else { return };
        let mut channels = self.channels.lock();
        if let Some(count) = channels.get_mut(&channel) {
            *count -= 1;
            if *count == 0 {
                channels.remove(&channel);
            }
        }
        self.freed.notify_one();
    }
}
