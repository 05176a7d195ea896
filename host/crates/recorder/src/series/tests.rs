use std::sync::Arc;

use proptest::prelude::*;

use super::*;

const START_MS: u64 = 1_700_000_100_000;

fn key(callback: &str) -> SeriesKey {
    SeriesKey::Callback { tenant: "demo".into(), callback: callback.into() }
}

fn meter(series: &Series) -> Arc<Meter> {
    series.meter(key("crm")).expect("a meter")
}

#[test]
fn a_tick_ends_an_interval() {
    let series = Series::default();
    meter(&series).add(100, true, false);
    assert_eq!(series.points(&key("crm"), 0), []);
    series.tick(START_MS + 10_300);
    let points = series.points(&key("crm"), 0);
    assert_eq!((points[0].at_ms, points[0].span_ms), (START_MS, 10_000));
    assert_eq!((points[0].counts.count(), points[0].counts.errors, points[0].counts.refusals), (1, 1, 0));
}

#[test]
fn an_hour_is_kept_in_short_intervals_and_a_day_in_long_ones() {
    let series = Series::default();
    for tick in 1..=26 * 360 {
        meter(&series).add(100, false, false);
        series.tick(START_MS + tick * 10_000);
    }
    let points = series.points(&key("crm"), 0);
    let short = points.iter().filter(|point| point.span_ms == SHORT_MS).count();
    assert_eq!((short, points.len() - short), (360, 288));
    assert!(points.windows(2).all(|pair| pair[0].at_ms < pair[1].at_ms));
}

#[test]
fn a_clock_that_is_set_back_loses_no_count() {
    let series = Series::default();
    for now_ms in [START_MS + 60_000, START_MS + 10_000] {
        meter(&series).add(100, false, false);
        series.tick(now_ms);
    }
    assert_eq!(series.sum(&key("crm"), 0).count(), 2);
}

#[test]
fn the_number_of_series_is_bounded() {
    let series = Series::default();
    for index in 0..SERIES_MAX {
        assert!(series.meter(key(&index.to_string())).is_some());
    }
    assert!(series.meter(key("another")).is_none() && series.meter(key("0")).is_some());
}

#[test]
fn a_percentile_without_requests_is_absent() {
    assert_eq!(Counts::default().percentile_us(50), None);
}

#[test]
fn loaded_series_precede_those_of_this_start() {
    let (earlier, series) = (Series::default(), Series::default());
    meter(&earlier).add(100, false, false);
    earlier.tick(START_MS);
    meter(&series).add(100, false, false);
    series.tick(START_MS + 20_000);
    assert_eq!(series.load(&earlier.to_bytes(), START_MS + 20_000), Ok(1));
    let points = series.points(&key("crm"), 0);
    assert_eq!([points[0].at_ms, points[1].at_ms], [START_MS - 10_000, START_MS + 10_000]);
}

#[test]
fn series_that_are_older_than_a_day_are_not_loaded() {
    let (earlier, series) = (Series::default(), Series::default());
    meter(&earlier).add(100, false, false);
    earlier.tick(START_MS);
    series.load(&earlier.to_bytes(), START_MS + 26 * 3_600_000).expect("series");
    assert!(series.keys().is_empty());
}

#[test]
fn another_version_is_refused() {
    let mut bytes = Series::default().to_bytes();
    bytes[8] = 2;
    assert_eq!(Series::default().load(&bytes, START_MS), Err(SeriesError::Version(2)));
}

#[test]
fn foreign_bytes_are_refused() {
    assert_eq!(Series::default().load(b"{}", START_MS), Err(SeriesError::Foreign));
}

proptest! {
    #[test]
    fn a_percentile_is_within_the_width_of_its_bucket(
        mut latencies in prop::collection::vec(1_u64..4_000_000, 1..200),
        percent in 1_u32..=100,
    ) {
        let meter = Meter::default();
        latencies.iter().for_each(|latency| meter.add(*latency, false, false));
        latencies.sort_unstable();
        let exact = latencies[(latencies.len() * percent as usize).div_ceil(100) - 1];
        let found = meter.take().percentile_us(percent).expect("requests");
        prop_assert!(found <= (exact * 9).div_ceil(5).max(10) && found * 2 >= exact, "{} for {}", found, exact);
    }

    #[test]
    fn stored_series_are_loaded_again(
        counts in prop::collection::vec((0_u64..9_000, 0_u64..9_000_000, any::<bool>()), 0..200),
    ) {
        let series = Series::default();
        let mut sorted = counts;
        sorted.sort_unstable();
        for (tick, latency, is_error) in sorted {
            meter(&series).add(latency, is_error, !is_error);
            series.tick(START_MS + tick * 10_000);
        }
        let now_ms = START_MS + 90_000_000;
        series.tick(now_ms);
        let loaded = Series::default();
        loaded.load(&series.to_bytes(), now_ms).expect("series");
        prop_assert_eq!(loaded.points(&key("crm"), 0), series.points(&key("crm"), 0));
    }

    #[test]
    fn damaged_bytes_are_refused_or_harmless(
        at in 0_usize..100, byte in any::<u8>(), length in 0_usize..200,
    ) {
        let series = Series::default();
        meter(&series).add(100, false, false);
        series.tick(START_MS);
        let mut bytes = series.to_bytes();
        if let Some(damaged) = bytes.get_mut(at) {
            *damaged = byte;
        }
        bytes.truncate(length);
        let loaded = Series::default();
        let _ = loaded.load(&bytes, START_MS);
        loaded.tick(START_MS + 10_000_000);
        loaded.points(&key("crm"), 0);
    }
}
