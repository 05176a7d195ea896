//! The page Overview.

use std::collections::BTreeMap;
use std::sync::Arc;

use frontgate_console_access::Session;
use frontgate_console_pages::Page as _;
use frontgate_console_pages::pages::{CallbackRow, Overview};
use frontgate_delivery::job::State;
use frontgate_delivery::store::StoreError;
use frontgate_recorder::{Counts, Filter, Point, Record, Recorder, SeriesKey};
use tokio::task::spawn_blocking;

use super::answers::{Answer, Refusal};
use super::attention::{self, Facts};
use super::callback_attention::{self, CallbackHealth};
use super::disk::{self, Disk};
use super::{Call, Console, page};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// Points of a chart.
const POINTS: u64 = 72;

impl Console {
    pub(super) async fn overview(self: &Arc<Self>, call: Call) -> Result<Answer, Refusal> {
        let is_hour = call.query("period") == Some("hour");
        let view = self.overview_of(&call.session, is_hour).await?;
        Ok(page(call, "/", view))
    }

    /// Answers `frontgate status`, with the numbers of the last hour.
    pub(crate) async fn status_for_command(&self) -> Result<String, String> {
        let view = self.overview_of(&Session::of_command(), true).await.map_err(|error| error.to_string())?;
        let mut value = serde_json::to_value(&view).map_err(|error| error.to_string())?;
        value["title"] = view.title().into();
        Ok(value.to_string())
    }

    async fn overview_of(&self, session: &Session, is_hour: bool) -> Result<Overview, StoreError> {
        let super::Sources { store, admin_pages, recorder, .. } = &self.sources;
        let now = Self::now_ms();
        let groups = store.delivery_groups().await?;
        let groups: Vec<_> = groups.into_iter().filter(|group| session.sees(&group.tenant)).collect();
        let channels = store.channel_summaries().await?;
        let channels: Vec<_> = channels.into_iter().filter(|channel| session.sees(&channel.tenant)).collect();
        // The state of the gateway itself concerns those who see all tenants.
        let (plugins, reasons) = match session.tenants {
            None => (admin_pages.plugins(), admin_pages.reasons()),
            Some(_) => Default::default(),
        };
        let (callbacks_health, disks) = self.health(session).await;
        let certificate = admin_pages.certificate_expiry().filter(|_| session.tenants.is_none());
        let facts = Facts {
            now_ms: now,
            reasons: &reasons,
            plugins: &plugins,
            groups: &groups,
            channels: &channels,
            callbacks: &callbacks_health,
            disks: &disks,
            certificate,
        };
        let waiting = store.waiting_deliveries().await?;
        let open = waiting.iter().filter(|(tenant, _)| session.sees(tenant)).map(|(_, count)| count).sum();
        let seen = |tenant: &str| session.sees(tenant);
        Ok(Overview {
            attention: attention::items(&facts),
            callbacks: callbacks(recorder, now.unsigned_abs(), if is_hour { HOUR_MS } else { DAY_MS }, seen),
            open,
            oldest_ms: groups.iter().filter(|group| group.state != State::Failed).map(|group| group.oldest_ms).min(),
            is_hour,
            last_ms: last(recorder, seen),
        })
    }
}

impl Console {
    /// Reads how callbacks fare, and the space of the disks, which takes milliseconds.
    async fn health(&self, session: &Session) -> (Vec<CallbackHealth>, Vec<Disk>) {
        let (recorder, config) = (Arc::clone(&self.sources.recorder), self.sources.generations.config());
        let (session, now) = (session.clone(), Self::now_ms().unsigned_abs());
        let read = move || {
            let disks = if session.tenants.is_none() { disk::read(&config) } else { Vec::new() };
            (callback_attention::read(&recorder, now, |tenant| session.sees(tenant)), disks)
        };
        spawn_blocking(read).await.unwrap_or_default()
    }
}

/// Returns the time of the last recorded request.
fn last(recorder: &Recorder, sees: impl Fn(&str) -> bool) -> Option<i64> {
    let is_seen = |record: &Record| record.facts.tenant.as_deref().is_some_and(&sees);
    let seen = recorder.newest_where(&Filter::default(), is_seen, 1).pop()?;
    i64::try_from(seen.facts.at_ms).ok()
}

fn callbacks(recorder: &Recorder, now: u64, period: u64, sees: impl Fn(&str) -> bool) -> Vec<CallbackRow> {
    let deadlines = deadlines(recorder);
    let mut rows = Vec::new();
    for key in recorder.series().keys() {
        let SeriesKey::Callback { tenant, callback } = &key else { continue };
        if !sees(tenant) || &**tenant == "-" {
            continue;
        }
        let points = recorder.series().points(&key, now.saturating_sub(period));
        let mut sum = Counts::default();
        points.iter().for_each(|point| sum.add(&point.counts));
        let recent = recorder.series().sum(&key, now.saturating_sub(60_000));
        let (counts, errors) = chart(&points, now, period);
        rows.push(CallbackRow {
            tenant: tenant.to_string(),
            callback: callback.to_string(),
            counts,
            errors,
            per_minute: recent.count(),
            total: sum.count(),
            failed: failed(&sum),
            p50_us: sum.percentile_us(50).unwrap_or_default(),
            p95_us: sum.percentile_us(95).unwrap_or_default(),
            deadline_ms: deadlines.get(&**callback).copied().unwrap_or(DEADLINE_MS),
        });
    }
    rows
}

/// Deadline of a callback that was not recorded since the start.
const DEADLINE_MS: u64 = 5_000;

/// Returns the deadline of each callback that was recorded.
fn deadlines(recorder: &Recorder) -> BTreeMap<&'static str, u64> {
    let newest = recorder.newest(&Filter::default(), 500);
    let known = newest.iter().filter_map(|record| Some((record.facts.callback, record.facts.deadline_us? / 1_000)));
    known.collect()
}

fn failed(counts: &Counts) -> u64 {
    u64::from(counts.errors) + u64::from(counts.refusals)
}

/// Returns requests and failed requests in equal intervals, oldest first.
fn chart(points: &[Point], now: u64, period: u64) -> (Vec<u64>, Vec<u64>) {
    let start = now.saturating_sub(period);
    let (mut counts, mut errors) = (vec![0; INTERVALS], vec![0; INTERVALS]);
    for point in points {
        let index = point.at_ms.saturating_sub(start) * POINTS / period;
        let index = usize::try_from(index).unwrap_or_default().min(INTERVALS - 1);
        counts[index] += point.counts.count();
        errors[index] += failed(&point.counts);
    }
    (counts, errors)
}

/// [`POINTS`] as a length.
#[expect(clippy::cast_possible_truncation, reason = "a small number")]
const INTERVALS: usize = POINTS as usize;
