//! When each channel is checked next, and its templates listed.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::store::front::ScheduledChannel;

/// Shortest time between two checks of a channel whose messages fail.
const SUSPECT_PAUSE: Duration = Duration::from_secs(5);

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Work {
    /// Ask the provider whether the channel works.
    Check,
    /// List the provider's templates, and bring them to Front.
    Templates,
}

impl Work {
    const ALL: [Self; 2] = [Self::Check, Self::Templates];

    /// Returns the maximum number of concurrent jobs of a tenant. Calls about templates share the rate limit of messages.
    fn at_once_max(self) -> usize {
        match self {
            Self::Check => 8,
            Self::Templates => 1,
        }
    }
}

/// One job for one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Job {
    /// Row id of the channel.
    pub(super) channel: i64,
    pub(super) work: Work,
    /// Time of the channel's last change when the job began.
    changed_ms: i64,
}

/// What the configuration says about a tenant's channels.
pub(super) struct Intervals<'c> {
    /// The shortest interval of checks, over which the first checks are spread.
    pub(super) check: Duration,
    /// Apps whose templates are listed.
    pub(super) apps_with_templates: HashSet<&'c str>,
}

/// The times of a tenant's channels.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    entries: HashMap<(i64, Work), Entry>,
    /// Jobs in progress, which end even if their channel is forgotten.
    running: HashSet<(i64, Work)>,
    /// Whether the channels were read before, so that an unknown one is new.
    is_known: bool,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    changed_ms: i64,
    due: Instant,
    done: Option<Instant>,
    /// Whether a message failed while a check was in progress.
    is_suspected: bool,
}

impl Schedule {
    /// Takes over the present channels. The first checks of those that work are spread over the interval; new and
    /// reconnected channels are checked at once. The first list of templates is due when the database says so.
    pub(super) fn follow(&mut self, channels: &[ScheduledChannel], now: Instant, intervals: &Intervals<'_>) {
        let present: HashSet<i64> = channels.iter().map(|channel| channel.id).collect();
        self.entries.retain(|(id, _), _| present.contains(id));
        let count = u32::try_from(channels.len().max(1)).unwrap_or(u32::MAX);
        for (at, channel) in (0_u32..).zip(channels) {
            let is_first = !self.is_known && !channel.is_troubled;
            let spread = if is_first { intervals.check / count * at } else { Duration::ZERO };
            let new = |due| Entry { changed_ms: channel.changed_ms, due, done: None, is_suspected: false };
            let check = self.entries.entry((channel.id, Work::Check)).or_insert(new(now + spread));
            if check.changed_ms != channel.changed_ms {
                *check = new(now);
            }
            if intervals.apps_with_templates.contains(channel.app.as_str()) {
                self.entries.entry((channel.id, Work::Templates)).or_insert(new(now + channel.templates_due_in));
            }
        }
        self.is_known = true;
    }

    /// Forgets all times, because another gateway keeps the channels. Jobs in progress end.
    pub(super) fn forget(&mut self) {
        self.entries.clear();
        self.is_known = false;
    }

    /// Checks a channel soon, because a message could not be sent.
    pub(super) fn hurry(&mut self, id: i64, now: Instant) {
        let key = (id, Work::Check);
        let Some(entry) = self.entries.get_mut(&key) else { return };
        if self.running.contains(&key) {
            entry.is_suspected = true;
            return;
        }
        let earliest = entry.done.map_or(now, |done| (done + SUSPECT_PAUSE).max(now));
        entry.due = entry.due.min(earliest);
    }

    /// Begins the jobs that are due, as many as may be in progress, those first that have waited longest.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Job> {
        let mut jobs = Vec::new();
        for work in Work::ALL {
            let waiting = self.waiting(work).filter(|(_, entry)| entry.due <= now);
            let mut due: Vec<_> = waiting.map(|(channel, entry)| (entry.due, channel, entry.changed_ms)).collect();
            due.sort_unstable();
            due.truncate(self.places(work));
            jobs.extend(due.into_iter().map(|(_, channel, changed_ms)| Job { channel, work, changed_ms }));
        }
        self.running.extend(jobs.iter().map(|job| (job.channel, job.work)));
        jobs
    }

    /// Notes the end of a job; without a pause, the channel waits until it changes.
    pub(super) fn done(&mut self, job: Job, now: Instant, pause: Option<Duration>) {
        const NEVER: Duration = Duration::from_secs(86_400);
        let key = (job.channel, job.work);
        self.running.remove(&key);
        // An entry that has changed since is due already.
        let Some(entry) = self.entries.get_mut(&key).filter(|entry| entry.changed_ms == job.changed_ms) else { return };
        (entry.done, entry.due) = (Some(now), now + pause.unwrap_or(NEVER));
        if std::mem::take(&mut entry.is_suspected) {
            self.hurry(job.channel, now);
        }
    }

    /// Returns the time until the next job can begin, unless that waits for the end of another one.
    pub(super) fn next(&self, now: Instant) -> Option<Duration> {
        let works = Work::ALL.into_iter().filter(|work| self.places(*work) > 0);
        works.flat_map(|work| self.waiting(work)).map(|(_, entry)| entry.due.saturating_duration_since(now)).min()
    }

    /// Returns the channels that wait for this work.
    fn waiting(&self, work: Work) -> impl Iterator<Item = (i64, &Entry)> {
        let of_work = self.entries.iter().filter(move |(key, _)| key.1 == work && !self.running.contains(key));
        of_work.map(|((channel, _), entry)| (*channel, entry))
    }

    /// Returns how many jobs of this work may begin.
    fn places(&self, work: Work) -> usize {
        let running = self.running.iter().filter(|(_, running)| *running == work).count();
        work.at_once_max().saturating_sub(running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn channel(id: i64, changed_ms: i64, is_troubled: bool) -> ScheduledChannel {
        ScheduledChannel { id, app: "sms".to_owned(), changed_ms, is_troubled, templates_due_in: Duration::ZERO }
    }

    /// The intervals of an app without templates.
    fn follow(schedule: &mut Schedule, channels: &[ScheduledChannel], now: Instant, check: Duration) {
        schedule.follow(channels, now, &Intervals { check, apps_with_templates: HashSet::new() });
    }

    /// Returns a schedule with templates, and without checks that are due.
    fn with_templates(channels: &[ScheduledChannel], now: Instant) -> Schedule {
        let mut schedule = Schedule::default();
        schedule.follow(channels, now, &Intervals { check: MINUTE, apps_with_templates: HashSet::from(["sms"]) });
        schedule.entries.retain(|(_, work), _| *work == Work::Templates);
        schedule
    }

    /// Returns the channels that are due, without beginning their jobs.
    fn due(schedule: &Schedule, now: Instant) -> Vec<i64> {
        let copy = Schedule { entries: schedule.entries.clone(), running: schedule.running.clone(), is_known: true };
        let mut due: Vec<_> = { copy }.take_due(now).iter().map(|job| job.channel).collect();
        due.sort_unstable();
        due
    }

    /// Does all jobs that are due.
    fn perform(schedule: &mut Schedule, now: Instant, pause: Duration) {
        for job in schedule.take_due(now) {
            schedule.done(job, now, Some(pause));
        }
    }

    #[test]
    fn first_checks_are_spread_unless_a_channel_has_failed() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        let channels = [channel(1, 0, false), channel(2, 0, false), channel(3, 0, true)];
        follow(&mut schedule, &channels, now, 3 * MINUTE);
        assert_eq!(due(&schedule, now), [1, 3]);
        assert_eq!(due(&schedule, now + MINUTE), [1, 2, 3]);
    }

    #[test]
    fn a_new_and_a_reconnected_channel_are_checked_at_once() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        follow(&mut schedule, &[channel(1, 0, false)], now, MINUTE);
        perform(&mut schedule, now, MINUTE);
        follow(&mut schedule, &[channel(1, 0, false), channel(2, 0, false)], now, MINUTE);
        assert_eq!(due(&schedule, now), [2]);
        perform(&mut schedule, now, MINUTE);
        follow(&mut schedule, &[channel(1, 7, false), channel(2, 0, false)], now, MINUTE);
        assert_eq!(due(&schedule, now), [1]);
    }

    #[test]
    fn a_channel_that_is_reconnected_during_its_check_is_checked_again() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        follow(&mut schedule, &[channel(1, 0, false)], now, MINUTE);
        let job = schedule.take_due(now)[0];
        follow(&mut schedule, &[channel(1, 7, false)], now, MINUTE);
        assert!(due(&schedule, now).is_empty(), "one check at a time");
        schedule.done(job, now, Some(MINUTE));
        assert_eq!(due(&schedule, now), [1]);
    }

    #[test]
    fn a_failed_message_hastens_the_check_but_not_endlessly() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        follow(&mut schedule, &[channel(1, 0, false)], now, MINUTE);
        perform(&mut schedule, now, MINUTE);
        schedule.hurry(1, now);
        assert!(due(&schedule, now).is_empty());
        assert_eq!(due(&schedule, now + SUSPECT_PAUSE), [1]);
        assert_eq!(schedule.next(now), Some(SUSPECT_PAUSE));
    }

    #[test]
    fn a_message_that_fails_during_a_check_hastens_the_next_one() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        follow(&mut schedule, &[channel(1, 0, false)], now, MINUTE);
        let job = schedule.take_due(now)[0];
        schedule.hurry(1, now);
        schedule.done(job, now, Some(MINUTE));
        assert_eq!(schedule.next(now), Some(SUSPECT_PAUSE));
    }

    #[test]
    fn a_channel_that_is_gone_is_forgotten() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        follow(&mut schedule, &[channel(1, 0, false)], now, MINUTE);
        follow(&mut schedule, &[], now, MINUTE);
        assert!(due(&schedule, now + MINUTE).is_empty());
    }

    #[test]
    fn checks_beyond_the_limit_wait_for_the_end_of_others() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        let channels: Vec<_> = (0..10).map(|id| channel(id, 0, true)).collect();
        follow(&mut schedule, &channels, now, MINUTE);
        let jobs = schedule.take_due(now);
        assert_eq!((jobs.len(), schedule.next(now)), (8, None));
        schedule.done(jobs[0], now, Some(MINUTE));
        assert_eq!((schedule.next(now), schedule.take_due(now).len()), (Some(Duration::ZERO), 1));
    }

    #[test]
    fn templates_of_one_channel_at_a_time_are_listed_when_the_database_says_so() {
        let now = Instant::now();
        let later = ScheduledChannel { templates_due_in: MINUTE, ..channel(1, 0, false) };
        let mut schedule = with_templates(&[later, channel(2, 0, false), channel(3, 0, false)], now);
        let job = schedule.take_due(now)[0];
        assert_eq!((job.channel, job.work), (2, Work::Templates));
        assert!(due(&schedule, now).is_empty());
        schedule.done(job, now, Some(2 * MINUTE));
        perform(&mut schedule, now, 2 * MINUTE);
        assert_eq!(schedule.next(now), Some(MINUTE));
    }

    #[test]
    fn templates_of_an_app_without_an_interval_are_not_listed() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        follow(&mut schedule, &[channel(1, 0, false)], now, MINUTE);
        assert!(schedule.take_due(now).iter().all(|job| job.work == Work::Check));
    }

    #[test]
    fn a_job_that_began_before_another_gateway_took_over_ends_before_the_next_one() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        follow(&mut schedule, &[channel(1, 0, false)], now, MINUTE);
        let job = schedule.take_due(now)[0];
        schedule.forget();
        follow(&mut schedule, &[channel(1, 0, false)], now, MINUTE);
        assert!(due(&schedule, now).is_empty());
        schedule.done(job, now, Some(MINUTE));
        assert_eq!(schedule.next(now), Some(MINUTE));
    }
}
