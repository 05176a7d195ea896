//! When each channel is checked next.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::store::front::WatchedChannel;

/// Shortest time between two checks of a channel whose messages fail.
const SUSPECT_PAUSE: Duration = Duration::from_secs(5);

/// The times of a tenant's channels.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    entries: HashMap<i64, Entry>,
    /// Whether the channels were read before, so that an unknown one is new.
    is_known: bool,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    changed_ms: i64,
    due: Instant,
    checked: Option<Instant>,
}

impl Schedule {
    /// Takes over the present channels. The first checks of those that work are spread over `interval`; new and
    /// reconnected channels are due at once.
    pub(super) fn follow(&mut self, channels: &[WatchedChannel], now: Instant, interval: Duration) {
        let present: HashSet<i64> = channels.iter().map(|channel| channel.id).collect();
        self.entries.retain(|id, _| present.contains(id));
        let count = u32::try_from(channels.len().max(1)).unwrap_or(u32::MAX);
        for (at, channel) in (0_u32..).zip(channels) {
            let spread = if self.is_known || channel.is_troubled { Duration::ZERO } else { interval / count * at };
            let new = Entry { changed_ms: channel.changed_ms, due: now + spread, checked: None };
            let entry = self.entries.entry(channel.id).or_insert(new);
            if entry.changed_ms != channel.changed_ms {
                *entry = Entry { due: now, ..new };
            }
        }
        self.is_known = true;
    }

    /// Checks a channel soon, because a message could not be sent.
    pub(super) fn hurry(&mut self, id: i64, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&id) {
            let earliest = entry.checked.map_or(now, |checked| (checked + SUSPECT_PAUSE).max(now));
            entry.due = entry.due.min(earliest);
        }
    }

    /// Returns the channels that are due. Each has to be given its next time.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<i64> {
        self.entries.iter().filter(|(_, entry)| entry.due <= now).map(|(id, _)| *id).collect()
    }

    /// Notes a check; without a pause, the channel waits until it changes.
    pub(super) fn checked(&mut self, id: i64, now: Instant, pause: Option<Duration>) {
        const NEVER: Duration = Duration::from_secs(86_400);
        if let Some(entry) = self.entries.get_mut(&id) {
            (entry.checked, entry.due) = (Some(now), now + pause.unwrap_or(NEVER));
        }
    }

    /// Returns the time until the next check.
    pub(super) fn next(&self, now: Instant) -> Option<Duration> {
        self.entries.values().map(|entry| entry.due.saturating_duration_since(now)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn channel(id: i64, changed_ms: i64, is_troubled: bool) -> WatchedChannel {
        WatchedChannel { id, changed_ms, is_troubled }
    }

    fn due(schedule: &mut Schedule, now: Instant) -> Vec<i64> {
        let mut due = schedule.take_due(now);
        due.sort_unstable();
        due
    }

    #[test]
    fn first_checks_are_spread_unless_a_channel_has_failed() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        schedule.follow(&[channel(1, 0, false), channel(2, 0, false), channel(3, 0, true)], now, 3 * MINUTE);
        assert_eq!(due(&mut schedule, now), [1, 3]);
        assert_eq!(due(&mut schedule, now + MINUTE), [1, 2, 3]);
    }

    #[test]
    fn a_new_and_a_reconnected_channel_are_checked_at_once() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        schedule.follow(&[channel(1, 0, false)], now, MINUTE);
        schedule.checked(1, now, Some(MINUTE));
        schedule.follow(&[channel(1, 0, false), channel(2, 0, false)], now, MINUTE);
        assert_eq!(due(&mut schedule, now), [2]);
        schedule.checked(2, now, Some(MINUTE));
        schedule.follow(&[channel(1, 7, false), channel(2, 0, false)], now, MINUTE);
        assert_eq!(due(&mut schedule, now), [1]);
    }

    #[test]
    fn a_failed_message_hastens_the_check_but_not_endlessly() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        schedule.follow(&[channel(1, 0, false)], now, MINUTE);
        schedule.checked(1, now, Some(MINUTE));
        schedule.hurry(1, now);
        assert!(due(&mut schedule, now).is_empty());
        assert_eq!(due(&mut schedule, now + SUSPECT_PAUSE), [1]);
        assert_eq!(schedule.next(now), Some(SUSPECT_PAUSE));
    }

    #[test]
    fn a_channel_that_is_gone_is_forgotten() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        schedule.follow(&[channel(1, 0, false)], now, MINUTE);
        schedule.follow(&[], now, MINUTE);
        assert!(due(&mut schedule, now + MINUTE).is_empty());
    }
}
