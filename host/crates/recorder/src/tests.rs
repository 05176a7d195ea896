//! Tests of recording and reading.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use proptest::prelude::*;

use super::*;

/// Time of the first request.
const NOW_MS: u64 = 1_700_000_000_000;

fn facts(tenant: &str, callback: &'static str) -> Facts {
    Facts {
        id: "id".into(),
        at_ms: NOW_MS,
        tenant: Some(tenant.into()),
        callback,
        event: None,
        method: "POST",
        path: format!("/callbacks/{callback}").into(),
        stages: Stages::default(),
        took_us: 1_000,
        deadline_us: Some(5_500_000),
        outcome: Outcome::Answered,
        status: Some(200),
        code: "ok",
        detail: None,
        signature: SignatureResult::default(),
        is_accepted: true,
        plugin: Some("directory".into()),
        index: None,
        calls: Vec::new(),
        conversation: None,
        channel: None,
        deliveries: Vec::new(),
        bytes_in: 100,
        bytes_out: 100,
        is_simulated: false,
    }
}

pub(crate) fn record(tenant: &str, callback: &'static str) -> Record {
    Record::new(facts(tenant, callback), Content::default(), None)
}

fn recorder(settings: &Settings) -> Recorder {
    Recorder::new(settings, 4, NOW_MS)
}

fn add(recorder: &Recorder, facts: Facts) -> u64 {
    add_with(recorder, facts, Content::default())
}

fn add_with(recorder: &Recorder, facts: Facts, content: Content) -> u64 {
    let of = recorder.callback(facts.tenant.as_ref(), facts.callback).expect("recording is on");
    let now_ms = facts.at_ms;
    recorder.record(&of, facts, content, now_ms)
}

fn call(plugin: &str, digest: u8) -> PluginCall {
    PluginCall {
        plugin: plugin.into(),
        function: "crm.list-customers".into(),
        outcome: "answered",
        limit: None,
        digest: [digest; 32],
        queue_us: 1,
        cost: None,
    }
}

fn content(bytes: usize) -> Content {
    let capture = Capture { request: vec![0; bytes].into(), ..Capture::default() };
    Content { capture: Some(capture), ..Content::default() }
}

fn all(recorder: &Recorder) -> Vec<Arc<Record>> {
    recorder.after(0, &Filter::default(), usize::MAX).records
}

/// Returns the reason for which the record of a request is kept, after enough requests that it is no sample.
fn kept(change: impl FnOnce(&mut Facts)) -> Option<KeepReason> {
    let recorder = recorder(&Settings::default());
    (0..5).for_each(|_| _ = add(&recorder, facts("demo", "crm")));
    let mut facts = facts("demo", "crm");
    change(&mut facts);
    add(&recorder, facts);
    all(&recorder).last().expect("a record").kept
}

#[test]
fn each_reason_keeps_a_record() {
    assert_eq!(kept(|_| ()), None);
    let refused = |status| move |facts: &mut Facts| (facts.outcome, facts.status) = (Outcome::Refused, Some(status));
    assert_eq!(kept(refused(404)), Some(KeepReason::Refused));
    assert_eq!(kept(refused(503)), Some(KeepReason::Failed));
    assert_eq!(kept(|facts| facts.outcome = Outcome::LetThrough), Some(KeepReason::LetThrough));
    assert_eq!(kept(|facts| facts.outcome = Outcome::CallerGone), Some(KeepReason::Failed));
    assert_eq!(kept(|facts| facts.took_us = 2_750_001), Some(KeepReason::Slow));
    assert_eq!(kept(|facts| facts.deliveries = vec![7]), Some(KeepReason::Delivery));
    assert_eq!(kept(|facts| facts.is_simulated = true), Some(KeepReason::Simulated));
    assert_eq!(kept(|facts| facts.calls = vec![call("directory", 1)]), Some(KeepReason::NewVersion));
}

#[test]
fn five_records_of_each_callback_are_kept_each_minute() {
    let recorder = recorder(&Settings::default());
    for minute in 0..2 {
        for _ in 0..9 {
            add(&recorder, Facts { at_ms: NOW_MS + minute * 60_000, ..facts("demo", "crm") });
        }
        add(&recorder, Facts { at_ms: NOW_MS + minute * 60_000, ..facts("demo", "routing") });
    }
    assert_eq!(all(&recorder).iter().filter(|record| record.kept.is_some()).count(), 2 * (5 + 1));
}

#[test]
fn the_first_twenty_calls_of_each_version_are_kept() {
    let recorder = recorder(&Settings::default());
    for digest in [1, 2, 1] {
        for _ in 0..30 {
            add(&recorder, Facts { calls: vec![call("directory", digest)], ..facts("demo", "crm") });
        }
    }
    let is_new = |record: &&Arc<Record>| record.kept == Some(KeepReason::NewVersion);
    assert_eq!(all(&recorder).iter().filter(is_new).count(), 40);
}

#[test]
fn a_kept_record_outlives_recent_ones() {
    let recorder = recorder(&Settings { memory_bytes_max: 1 << 20, ..Settings::default() });
    let failed = add(&recorder, Facts { outcome: Outcome::LetThrough, ..facts("demo", "crm") });
    (0..5_000).for_each(|_| _ = add(&recorder, facts("demo", "crm")));
    assert_eq!(all(&recorder).first().expect("a record").sequence, failed);
}

#[test]
fn requests_that_were_not_accepted_replace_no_accepted_ones() {
    let recorder = recorder(&Settings { memory_bytes_max: 1 << 20, ..Settings::default() });
    let accepted = add(&recorder, facts("demo", "crm"));
    for _ in 0..5_000 {
        let refused =
            Facts { is_accepted: false, outcome: Outcome::Refused, status: Some(403), ..facts("demo", "crm") };
        add(&recorder, refused);
    }
    assert_eq!(all(&recorder).first().expect("a record").sequence, accepted);
}

#[test]
fn memory_stays_within_its_bound() {
    let recorder = recorder(&Settings { memory_bytes_max: 1 << 20, ..Settings::default() });
    for _ in 0..200 {
        add_with(&recorder, facts("demo", "crm"), content(40_000));
        assert!(recorder.memory_bytes() <= 1 << 20);
    }
}

#[test]
fn content_is_dropped_after_its_time_and_facts_remain_for_a_day() {
    let recorder = recorder(&Settings::default());
    add_with(&recorder, facts("demo", "crm"), content(10));
    recorder.tick(NOW_MS + 3_599_999);
    assert!(all(&recorder)[0].content.is_some());
    recorder.tick(NOW_MS + 3_600_001);
    assert!(all(&recorder)[0].content.is_none());
    recorder.tick(NOW_MS + 24 * 3_600_000 + 1);
    assert_eq!((all(&recorder).len(), recorder.memory_bytes()), (0, 0));
}

#[test]
fn calls_of_attempts_are_recorded_and_counted() {
    let recorder = recorder(&Settings::default());
    recorder.record_attempt(7, 1, vec![call("directory", 1), call("directory", 1)], NOW_MS);
    recorder.record_attempt(7, 2, Vec::new(), NOW_MS);
    recorder.tick(NOW_MS);
    assert_eq!(
        recorder.attempts(7).iter().map(|attempt| (attempt.number, attempt.calls.len())).collect::<Vec<_>>(),
        [(1, 2)]
    );
    let key = SeriesKey::Plugin { plugin: "directory".into() };
    assert_eq!(recorder.series().sum(&key, 0).count(), 2);
}

#[test]
fn recording_that_is_switched_off_drops_all_attempts() {
    let recorder = recorder(&Settings::default());
    recorder.record_attempt(7, 1, vec![call("directory", 1)], NOW_MS);
    recorder.configure(&Settings { record: RecordDetail::Off, ..Settings::default() }, NOW_MS);
    recorder.record_attempt(7, 2, vec![call("directory", 1)], NOW_MS);
    assert_eq!((recorder.attempts(7).len(), recorder.memory_bytes()), (0, 0));
}

#[test]
fn recording_that_is_switched_off_drops_all_records() {
    let recorder = recorder(&Settings::default());
    add(&recorder, facts("demo", "crm"));
    recorder.configure(&Settings { record: RecordDetail::Off, ..Settings::default() }, NOW_MS);
    assert!(all(&recorder).is_empty() && recorder.callback(None, "-").is_none());
}

#[test]
fn a_change_to_facts_drops_all_content() {
    let recorder = recorder(&Settings::default());
    add_with(&recorder, facts("demo", "crm"), content(10));
    recorder.configure(&Settings { record: RecordDetail::Facts, ..Settings::default() }, NOW_MS);
    assert!(all(&recorder)[0].content.is_none());
}

#[test]
fn captures_have_a_rate_limit_for_each_callback_of_each_tenant() {
    let recorder = recorder(&Settings::default());
    let taken = |tenant: &str, is_accepted, now_ms| {
        let of = recorder.callback(Some(&tenant.into()), "crm").expect("recording is on");
        (0..1_000).filter(|_| recorder.take_capture(&of, is_accepted, now_ms).is_some()).count()
    };
    assert_eq!([taken("a", true, NOW_MS), taken("b", true, NOW_MS)], [200, 200]);
    assert_eq!([taken("a", false, NOW_MS), taken("a", true, NOW_MS + 1_000)], [4, 50]);
}

#[test]
fn facts_only_captures_nothing() {
    let recorder = recorder(&Settings { record: RecordDetail::Facts, ..Settings::default() });
    let of = recorder.callback(None, "-").expect("recording is on");
    assert_eq!((recorder.take_capture(&of, true, NOW_MS), recorder.has_content()), (None, false));
}

#[test]
fn skipped_requests_are_counted() {
    let recorder = recorder(&Settings { memory_bytes_max: 1 << 20, ..Settings::default() });
    let start = add(&recorder, facts("demo", "crm"));
    (0..5_000).for_each(|_| _ = add(&recorder, facts("demo", "crm")));
    let page = recorder.after(start, &Filter::default(), usize::MAX);
    assert_eq!((page.skipped + page.records.len() as u64, page.next), (5_000, recorder.last()));
    assert!(page.skipped > 0);
}

#[test]
fn a_number_of_an_earlier_start_is_recognized() {
    let earlier = recorder(&Settings::default());
    let old = add(&earlier, facts("demo", "crm"));
    let recorder = Recorder::new(&Settings::default(), 4, NOW_MS + 5_000);
    add(&recorder, facts("demo", "crm"));
    let page = recorder.after(old, &Filter::default(), 10);
    assert_eq!((page.is_after_restart, page.skipped, page.records.len()), (true, 0, 1));
    assert!(!recorder.after(page.next, &Filter::default(), 10).is_after_restart);
}

#[test]
fn the_newest_records_come_first() {
    let recorder = recorder(&Settings::default());
    let last: Vec<u64> = (0..300).map(|_| add(&recorder, facts("demo", "crm"))).collect();
    let newest = recorder.newest(&Filter::default(), 200);
    assert!(newest.iter().map(|record| record.sequence).eq(last.into_iter().rev().take(200)));
}

#[test]
fn a_record_is_found_by_its_id() {
    let recorder = recorder(&Settings::default());
    add(&recorder, Facts { id: "wanted".into(), ..facts("demo", "crm") });
    add(&recorder, facts("demo", "crm"));
    assert!(recorder.by_id("wanted").is_some() && recorder.by_id("unknown").is_none());
}

#[test]
fn a_conversation_has_the_records_of_its_tenant_in_order() {
    let recorder = recorder(&Settings::default());
    let about = |tenant| Facts { conversation: Some("CH1".into()), ..facts(tenant, "conversations") };
    let expected = [about("a"), about("b"), facts("a", "crm"), about("a")].map(|facts| add(&recorder, facts));
    let found = recorder.by_conversation("a", "CH1");
    assert!(found.iter().map(|record| record.sequence).eq([expected[0], expected[3]]));
}

#[test]
fn a_reader_is_woken_once_for_each_arming() {
    let recorder = recorder(&Settings::default());
    let woken = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&woken);
    let watch = recorder.watch(move || _ = counter.fetch_add(1, Ordering::Relaxed));
    let wakes = || {
        add(&recorder, facts("demo", "crm"));
        woken.load(Ordering::Relaxed)
    };
    assert_eq!(wakes(), 0);
    watch.arm();
    assert_eq!([wakes(), wakes()], [1, 1]);
    drop(watch);
    assert_eq!(recorder.watchers(), 0);
}

#[test]
fn concurrent_requests_are_read_once_each_or_counted_as_skipped() {
    let recorder = Arc::new(recorder(&Settings { memory_bytes_max: 1 << 20, ..Settings::default() }));
    let writers = (0..4).map(|_| {
        let recorder = Arc::clone(&recorder);
        thread::spawn(move || (0..5_000).for_each(|_| _ = add(&recorder, facts("demo", "crm"))))
    });
    let writers: Vec<_> = writers.collect();
    let (mut next, mut seen, mut last) = (0, 0, 0);
    let mut read = || {
        let page = recorder.after(next, &Filter::default(), 100);
        for record in &page.records {
            assert!(record.sequence > last);
            last = record.sequence;
        }
        seen += page.skipped + page.records.len() as u64;
        next = page.next;
        seen
    };
    while writers.iter().any(|writer| !writer.is_finished()) {
        read();
    }
    writers.into_iter().for_each(|writer| writer.join().expect("a writer"));
    while read() < 20_000 {}
    assert_eq!((read(), recorder.last()), (20_000, NOW_MS * 1_000 + 20_000));
}

proptest! {
    #[test]
    fn pages_of_any_size_have_each_matching_record_once(
        tenants in prop::collection::vec(prop_oneof!["a", "b"], 0..60),
        max in 1_usize..20,
    ) {
        let recorder = recorder(&Settings::default());
        let added = tenants.iter().map(|tenant| (tenant, add(&recorder, facts(tenant, "crm"))));
        let expected: Vec<u64> = added.filter(|(tenant, _)| *tenant == "a").map(|(_, sequence)| sequence).collect();
        let (filter, mut found, mut next) = ("tenant:a".parse().expect("a filter"), Vec::new(), 0);
        loop {
            let page = recorder.after(next, &filter, max);
            prop_assert!(page.records.len() <= max && page.skipped == 0);
            found.extend(page.records.iter().map(|record| record.sequence));
            next = page.next;
            if page.records.is_empty() {
                break;
            }
        }
        prop_assert_eq!(found, expected);
    }
}
