//! New rows of the page Live: a request is held until there are some, for a short time.
//!
//! Nothing is lost between two requests, because each names the last record that the page has. A request is an ordinary
//! one, so it passes every proxy, is checked like any other, and needs no connection of its own.

use std::sync::Arc;
use std::time::Duration;

use frontgate_console_pages::pages::{LiveRow, rows};
use frontgate_recorder::{Filter, FilterError, Page, Record};
use frontgate_telemetry::metrics::METRICS;
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use serde::Serialize;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::answers::{Answer, Format, Refusal};
use super::requests::sees;
use super::{Call, Console, answers, records};

/// Rows of one answer.
const ROWS_MAX: usize = 50;

/// Time after the first new record for which others are awaited, so that few answers have many rows.
const GATHER: Duration = Duration::from_millis(60);

/// Records by which a reader may be behind. A slower one skips to the newest.
const BEHIND_MAX: u64 = 500;

/// The number to continue after.
const NEXT: HeaderName = HeaderName::from_static("x-frontgate-next");

/// New rows as JSON.
#[derive(Serialize)]
struct NewRows {
    /// Requests, oldest first.
    rows: Vec<LiveRow>,
    /// Number of requests that are not among them, because there were too many.
    skipped: u64,
    /// Number to continue after.
    next: u64,
    /// Whether the gateway was started after the last answer.
    is_restarted: bool,
}

impl NewRows {
    fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("rows have no map keys that are no text")
    }
}

impl Console {
    /// Answers the script of the page Live.
    pub(super) async fn live_rows(self: &Arc<Self>, call: &Call) -> Result<Answer, Refusal> {
        let filter = call.query("q").unwrap_or_default().parse();
        let filter = filter.map(Filter::without_simulated);
        let filter = filter.map_err(|error: FilterError| Refusal::Invalid(error.to_string()))?;
        let after = call.query("after").and_then(|after| after.parse().ok());
        let mut new = self.new_rows(&filter, after, |record| sees(&call.session, record)).await;
        if call.session.tenants.is_some() {
            // The number would tell about the requests of other tenants.
            new.skipped = 0;
        }
        let next = HeaderValue::from(new.next);
        let mut response = if call.format == Format::Json {
            answers::json(StatusCode::OK, new.json())
        } else {
            let newest_first: Vec<LiveRow> = new.rows.into_iter().rev().collect();
            answers::html(StatusCode::OK, rows(&newest_first, new.skipped, new.is_restarted))
        };
        response.headers_mut().insert(NEXT, next);
        Ok(Answer::Ready(response))
    }

    /// Answers `frontgate events tail`.
    pub(crate) async fn rows(&self, filter: &str, after: Option<u64>) -> Result<String, String> {
        let filter: Filter = filter.parse().map_err(|error: FilterError| error.to_string())?;
        let filter = filter.without_simulated();
        let new = self.new_rows(&filter, after, |_| true).await;
        Ok(String::from_utf8_lossy(&new.json()).into_owned())
    }

    async fn new_rows(&self, filter: &Filter, after: Option<u64>, sees: impl Fn(&Record) -> bool) -> NewRows {
        let after = after.unwrap_or_else(|| self.sources.recorder.last());
        let found = self.wait(after, filter).await;
        let is_restarted = found.is_after_restart;
        let (found, skipped, next) = self.caught_up(found, filter);
        let rows = found.iter().filter(|record| sees(record)).map(|record| records::row(record)).collect();
        NewRows { rows, skipped, next, is_restarted }
    }

    /// Returns the records after a number, as soon as there are some.
    async fn wait(&self, after: u64, filter: &Filter) -> Page {
        let recorder = &self.sources.recorder;
        let deadline = Instant::now() + Duration::from_millis(self.sources.access.settings().hold_ms);
        let Ok(_permit) = self.tails.try_acquire() else { return recorder.after(after, filter, ROWS_MAX) };
        let _waiting = Waiting::new();
        let notify = Arc::new(Notify::new());
        let waker = Arc::clone(&notify);
        let watch = recorder.watch(move || waker.notify_one());
        loop {
            watch.arm();
            let page = recorder.after(after, filter, ROWS_MAX);
            if page.records.len() >= ROWS_MAX || page.is_after_restart {
                return page;
            }
            if !page.records.is_empty() {
                sleep(GATHER).await;
                return recorder.after(after, filter, ROWS_MAX);
            }
            tokio::select! {
                () = notify.notified() => {}
                () = sleep_until(deadline) => return page,
            }
        }
    }

    /// Returns records, the number that was skipped, and the number to continue after. A reader that is far behind gets
    /// the newest records.
    fn caught_up(&self, page: Page, filter: &Filter) -> (Vec<Arc<Record>>, u64, u64) {
        let recorder = &self.sources.recorder;
        if page.records.len() < ROWS_MAX || recorder.last().saturating_sub(page.next) <= BEHIND_MAX {
            return (page.records, page.skipped, page.next);
        }
        let rest = recorder.after(page.next, filter, usize::MAX);
        let mut newest = page.records;
        newest.extend(rest.records);
        let left_out = newest.len().saturating_sub(ROWS_MAX);
        newest.drain(..left_out);
        let left_out = u64::try_from(left_out).unwrap_or(u64::MAX);
        (newest, page.skipped + rest.skipped + left_out, rest.next)
    }
}

/// A request for new rows in the metrics, while it is held.
struct Waiting;

impl Waiting {
    fn new() -> Self {
        METRICS.console_tails.inc();
        Self
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        METRICS.console_tails.dec();
    }
}
