//! Periodic work on the connected channels of a tenant: health checks, and templates that are kept in Front.
//!
//! One task of each tenant has one schedule for both kinds of work. Only the gateway that works on the tenant's deliveries
//! to Front does them. The end of the task ends work in progress; all of it can be repeated, so a crash at any point is
//! harmless.

mod checks;
mod schedule;
mod templates;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use frontgate_replicas::{Part, Turn};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

pub use self::checks::{check_by_id, reauthorize};
use self::schedule::{Intervals, Job, Schedule, Work};
use crate::handlers::DeliveryContext;
use crate::rate_limits::RateLimits;
use crate::store::front::ChannelState;

/// How often the list of channels is read.
const LIST_INTERVAL: Duration = Duration::from_secs(2);

/// Pause after a failure to read a channel.
const READ_PAUSE: Duration = Duration::from_secs(15);

/// Works on a tenant's channels until `stop`.
pub(crate) async fn work(context: Arc<DeliveryContext>, rate_limits: Arc<RateLimits>, stop: CancellationToken) {
    let signal = context.store.suspect_signal(&context.tenant.name);
    let upkeep = Arc::new(Upkeep { context, rate_limits });
    let (mut schedule, mut jobs, mut list_at) = (Schedule::default(), JoinSet::new(), Instant::now());
    loop {
        let mut suspected = pin!(signal.notified());
        suspected.as_mut().enable();
        let is_keeper = upkeep.turn().is_some();
        let pause = match is_keeper {
            true => {
                if list_at <= Instant::now() {
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = upkeep.follow(&mut schedule) => list_at = Instant::now() + LIST_INTERVAL,
                    }
                }
                for job in schedule.take_due(Instant::now()) {
                    let upkeep = Arc::clone(&upkeep);
                    jobs.spawn(async move { (job, upkeep.perform(job).await) });
                }
                let now = Instant::now();
                let until_list = list_at.saturating_duration_since(now);
                schedule.next(now).map_or(until_list, |next| next.min(until_list))
            }
            false => {
                schedule.forget();
                list_at = Instant::now();
                LIST_INTERVAL
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = suspected => list_at = Instant::now(),
            Some(ended) = jobs.join_next() => match ended {
                Ok((job, pause)) => schedule.done(job, Instant::now(), pause),
                Err(error) => {
                    // Without a panic, the runtime is ending.
                    let Ok(panic) = error.try_into_panic() else { break };
                    std::panic::resume_unwind(panic);
                }
            },
            () = sleep(pause) => {}
        }
    }
    jobs.shutdown().await;
}

/// The work on the channels of one tenant.
struct Upkeep {
    context: Arc<DeliveryContext>,
    rate_limits: Arc<RateLimits>,
}

impl Upkeep {
    /// Returns a turn of the tenant's deliveries to Front, if this gateway keeps them.
    fn turn(&self) -> Option<Turn> {
        let (store, tenant) = (&self.context.store, &self.context.tenant.name);
        let turn = store.replica().begin(tenant, Part::Front)?;
        self.rate_limits.take_over(store, tenant, &turn, Part::Front);
        Some(turn)
    }

    /// Reads the channels, and hastens the checks of suspected ones.
    async fn follow(&self, schedule: &mut Schedule) {
        let tenant = &*self.context.tenant.name;
        let apps = self.context.fronts.values().map(|front| &front.app);
        let intervals = Intervals {
            check: apps.clone().map(|app| app.check_interval).min().unwrap_or(READ_PAUSE),
            apps_with_templates: apps.filter(|app| !app.templates_interval.is_zero()).map(|app| &*app.name).collect(),
        };
        match self.context.store.scheduled_channels(tenant).await {
            Ok(channels) => schedule.follow(&channels, Instant::now(), &intervals),
            Err(error) => warn!(
                event = "channel.list_failed",
                tenant, "failed to read the channels of tenant `{tenant}`, trying again: {error}"
            ),
        }
        for channel in self.context.store.take_suspects(tenant) {
            schedule.hurry(channel, Instant::now());
        }
    }

    /// Does one job; returns the time until the next one of its kind, or `None` if the channel has to change before.
    async fn perform(&self, job: Job) -> Option<Duration> {
        let id = job.channel;
        let channel = match self.context.store.channel(id).await {
            Ok(channel) => channel.filter(|channel| channel.state == ChannelState::Connected)?,
            Err(error) => {
                debug!("failed to read channel {id}: {error}");
                return Some(READ_PAUSE);
            }
        };
        let front = self.context.fronts.get(&channel.app)?;
        match job.work {
            Work::Check => Some(self.check(front, &channel).await),
            Work::Templates => Some(self.bring_templates(front, &channel).await),
        }
    }
}
