//! Which callbacks need a person's attention: those that fail, that come near the platform's deadline, and those whose
//! requests are refused although only a detail of the signature is wrong.

use std::sync::Arc;

use frontgate_console_pages::pages::{Attention, Level};
use frontgate_console_pages::{mask_text, words};
use frontgate_recorder::{Counts, Facts, Filter, Record, Recorder, SeriesKey, SignatureResult};

use super::attention::item;

/// Period whose requests count.
const PERIOD_MS: u64 = 5 * 60_000;
/// Period without a further failure after which a callback is well again.
const WELL_MS: u64 = 60_000;
/// Failed requests of the period from which a person is notified, and their share of all in percent.
const FAILED_MIN: u64 = 3;
const FAILED_PERCENT_MIN: u64 = 10;
/// Requests of the period from which their duration counts.
const SLOW_MIN: u64 = 5;
/// Words of an explanation that names the one change with which a request would have been accepted. Only who has the key
/// can cause it.
const NEAR_MISS: &str = "it would match ";

/// One callback of a tenant, and its requests of the last minutes.
pub(super) struct CallbackHealth {
    tenant: Arc<str>,
    callback: Arc<str>,
    counts: Counts,
    /// The requests of the last minute.
    last: Counts,
    deadline_us: u64,
    /// Why the newest failed request failed.
    failure: Option<String>,
    /// What the newest slow request waited for.
    delay: Option<String>,
    /// The explanation of the newest request with a signature that is almost right.
    near_miss: Option<String>,
}

/// Reads the numbers of the callbacks, and the newest records of those that are not well.
pub(super) fn read(recorder: &Recorder, now_ms: u64, sees: impl Fn(&str) -> bool) -> Vec<CallbackHealth> {
    let mut all = Vec::new();
    for key in recorder.series().keys() {
        let SeriesKey::Callback { tenant, callback } = &key else { continue };
        if !sees(tenant) || &**tenant == "-" {
            continue;
        }
        let counts = recorder.series().sum(&key, now_ms.saturating_sub(PERIOD_MS));
        if counts.count() == 0 {
            continue;
        }
        let last = recorder.series().sum(&key, now_ms.saturating_sub(WELL_MS));
        let filter = format!("tenant:{tenant} callback:{callback}").parse::<Filter>().unwrap_or_default();
        let filter = filter.without_simulated();
        let from_ms = now_ms.saturating_sub(PERIOD_MS);
        let newest = |is_wanted: &dyn Fn(&Facts) -> bool| {
            let is_wanted = |record: &Record| record.facts.at_ms >= from_ms && is_wanted(&record.facts);
            recorder.newest_where(&filter, is_wanted, 1).pop()
        };
        let deadline_us = newest(&|facts| facts.deadline_us.is_some()).and_then(|record| record.facts.deadline_us);
        let deadline_us = deadline_us.unwrap_or(u64::MAX);
        let failed = if is_failing(&counts, &last) { newest(&Facts::is_failed) } else { None };
        let slow = if is_slow(&counts, &last, deadline_us) { newest(&Facts::is_slow) } else { None };
        let missed = if counts.refusals > 0 { newest(&|facts| near_miss(facts).is_some()) } else { None };
        all.push(CallbackHealth {
            failure: failed.map(|record| failure(&record.facts)),
            delay: slow.and_then(|record| delay(&record.facts)),
            near_miss: missed.and_then(|record| near_miss(&record.facts).map(str::to_owned)),
            tenant: Arc::clone(tenant),
            callback: Arc::clone(callback),
            counts,
            last,
            deadline_us,
        });
    }
    all
}

fn is_failing(counts: &Counts, last: &Counts) -> bool {
    let (errors, count) = (u64::from(counts.errors), counts.count());
    let is_well = last.count() > 0 && last.errors == 0;
    errors >= FAILED_MIN && errors * 100 >= count * FAILED_PERCENT_MIN && !is_well
}

fn is_slow(counts: &Counts, last: &Counts, deadline_us: u64) -> bool {
    let takes = |counts: &Counts| counts.percentile_us(95).is_some_and(|us| us > deadline_us / 2);
    counts.count() >= SLOW_MIN && takes(counts) && (last.count() == 0 || takes(last))
}

/// Returns the explanation of a request whose signature is almost right.
fn near_miss(facts: &Facts) -> Option<&str> {
    match &facts.signature {
        SignatureResult::Refused { explanation } if explanation.contains(NEAR_MISS) => Some(explanation),
        _ => None,
    }
}

fn failure(facts: &Facts) -> String {
    let plugin = facts.plugin.as_deref().map(|plugin| format!("Plugin {plugin}: ")).unwrap_or_default();
    let reason = facts.detail.as_deref().map_or_else(|| facts.code.to_owned(), mask_text);
    format!("{plugin}{reason}")
}

/// Returns which call of a plugin took the most time, and for what.
fn delay(facts: &Facts) -> Option<String> {
    let longest = facts.calls.iter().max_by_key(|call| call.took_us())?;
    let cost = longest.cost.as_ref()?;
    let what = if cost.cpu_us > cost.run_us / 2 {
        format!("computed for {}", words::micros(cost.cpu_us))
    } else if cost.hosts.is_empty() {
        "waited".to_owned()
    } else {
        format!("waited for {}", cost.hosts.join(", "))
    };
    Some(format!("Plugin {} took {} and {what}", longest.plugin, words::micros(longest.took_us())))
}

/// Returns the items about callbacks.
pub(super) fn items(all: &[CallbackHealth]) -> Vec<Attention> {
    all.iter().flat_map(|health| [failing(health), refused(health), slow(health)]).flatten().collect()
}

fn failing(health: &CallbackHealth) -> Option<Attention> {
    let CallbackHealth { tenant, callback, counts, last, .. } = health;
    if !is_failing(counts, last) {
        return None;
    }
    let (errors, count) = (counts.errors, words::count(counts.count(), "request", "requests"));
    let what = format!("Callback {callback} of {tenant} fails.");
    let reason = health.failure.as_deref().unwrap_or("The reason is not recorded");
    let why = format!("{reason}. {errors} of {count} in the last 5 minutes failed.");
    Some(item(Level::Bad, what, why, live(tenant, callback, "status:>=500"), "Look"))
}

fn refused(health: &CallbackHealth) -> Option<Attention> {
    let CallbackHealth { tenant, callback, .. } = health;
    let explanation = mask_text(health.near_miss.as_deref()?);
    let what = format!("Requests for {callback} of {tenant} are refused: their signature is almost right.");
    Some(item(Level::Bad, what, format!("{explanation}."), format!("/setup/{tenant}"), "Correct"))
}

fn slow(health: &CallbackHealth) -> Option<Attention> {
    let CallbackHealth { tenant, callback, counts, last, deadline_us, .. } = health;
    if !is_slow(counts, last, *deadline_us) {
        return None;
    }
    let (p95, deadline) = (counts.percentile_us(95)?, words::micros(*deadline_us));
    let what = format!("Callback {callback} of {tenant} is slow: up to {} of {deadline}.", words::micros(p95));
    let reason = health.delay.as_deref().unwrap_or("No plugin was slow");
    let took = format!("took:>{}ms", deadline_us / 2_000);
    let why = format!("{reason}. At the deadline, the platform stops waiting for an answer.");
    Some(item(Level::Wait, what, why, live(tenant, callback, &took), "Look"))
}

/// Returns the path of the page Live with the requests of a callback that match a further term.
fn live(tenant: &str, callback: &str, term: &str) -> String {
    format!("/live?q={}", words::encoded(&format!("tenant:{tenant} callback:{callback} {term}")))
}
