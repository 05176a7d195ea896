//! Plays a day in two time zones, with workers who come and go.

use std::time::{Duration, SystemTime};

use frontgate_sdk::actions::Action;
use frontgate_sdk::http::Response;
use frontgate_sdk::{Assignment, InboundConversation, Routing as _, clock, testing};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use owner_routing::OwnerRouting;

const STEP: Duration = Duration::from_secs(30 * 60);

/// Two offices with the same hours, each in its zone. The day is a holiday in Paris only.
const SETTINGS: [(&str, &str); 15] = [
    ("availability", "frontline"),
    ("numbers.+4930901820", "pool:berlin"),
    ("numbers.+12125550190", "pool:new-york"),
    ("numbers.+33155550190", "pool:paris"),
    ("pools.berlin.workers", "ida, jon"),
    ("pools.berlin.hours.zone", "Europe/Berlin"),
    ("pools.new-york.workers", "nia"),
    ("pools.new-york.hours.zone", "America/New_York"),
    ("pools.paris.workers", "ida, jon"),
    ("pools.paris.hours.zone", "Europe/Paris"),
    ("pools.paris.hours.holidays", "2026-03-09"),
    ("hours.zone", "UTC"),
    ("hours.mon", "09:00-17:00"),
    ("closed.answer", "We are closed."),
    ("away.answer", "All of us are busy."),
];

/// Returns the hour of the day in UTC.
fn hour() -> i8 {
    TimeZone::UTC.to_datetime(Timestamp::try_from(clock::now()).expect("a time")).hour()
}

/// Returns whether a worker has switched themselves on.
fn is_on(worker: &str) -> bool {
    match worker {
        "ida" => hour() < 11,
        "jon" => hour() >= 10,
        _ => hour() != 17,
    }
}

/// Sends a customer to a number every half an hour, and returns the assignments as they change, and the answers.
fn play(number: &str) -> (Vec<String>, Vec<String>) {
    testing::reset();
    testing::settings(SETTINGS);
    let midnight = "2026-03-09T00:00:00Z".parse::<Timestamp>().expect("a time");
    testing::now(SystemTime::try_from(midnight).expect("a time"));
    testing::answer_with(|request| {
        let worker = request.url.rsplit('/').next().unwrap_or_default();
        Ok(Response::new(200, format!("{{\"is_available\":{}}}", is_on(worker))))
    });
    let (mut changes, mut answers) = (Vec::new(), Vec::new());
    for step in 0..48 {
        let assigned = OwnerRouting::route(InboundConversation::of("+12025550107").to(number)).expect("an answer");
        let workers = match assigned {
            Some(Assignment::OneOf(workers)) => workers.join("+"),
            Some(Assignment::Worker(worker)) => worker,
            None => "default".to_owned(),
        };
        if changes.last().is_none_or(|last: &String| last.split_once(' ').map(|(_, last)| last) != Some(&*workers)) {
            changes.push(format!("{:02}:{:02} {workers}", step / 2, step % 2 * 30));
        }
        for (_, action) in testing::actions() {
            let Action::PostMessage(message) = action else { panic!("{action:?}") };
            answers.push(format!("{:02} {}", hour(), message.body.unwrap_or_default()));
        }
        testing::pass(STEP);
    }
    (changes, answers)
}

#[test]
fn each_office_works_in_its_own_time_zone_with_its_available_workers() {
    // In UTC. Berlin is one hour ahead; New York is four behind since the day before.
    let (changes, answers) = play("+4930901820");
    assert_eq!(changes, ["00:00 default", "08:00 ida", "10:00 ida+jon", "11:00 jon", "16:00 default"]);
    assert_eq!(answers, ["00 We are closed.", "16 We are closed."]);

    let (changes, answers) = play("+12125550190");
    assert_eq!(changes, ["00:00 default", "13:00 nia", "17:00 default", "18:00 nia", "21:00 default"]);
    assert_eq!(answers, ["00 We are closed.", "17 All of us are busy.", "21 We are closed."]);
}

#[test]
fn an_office_on_holiday_is_closed_while_the_others_work() {
    let (changes, answers) = play("+33155550190");
    assert_eq!((changes, answers), (vec!["00:00 default".to_owned()], vec!["00 We are closed.".to_owned()]));
}
