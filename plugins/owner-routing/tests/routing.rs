//! Tests the assignment of conversations.

use frontgate_sdk::{Assignment, Customer, Error, InboundConversation, Result, Routing as _, testing};
use owner_routing::OwnerRouting;

const ANA: &str = "ana@example.org";
const BEN: &str = "ben@example.org";
const MORA: &str = "+12025550107";
const OTTO: &str = "+12025550108";
const STRANGER: &str = "+12025550109";

fn route(addresses: &[&str], author: Option<&str>, proxy: &str) -> Result<Option<Assignment>> {
    OwnerRouting::route(InboundConversation {
        addresses: addresses.iter().map(|&address| address.to_owned()).collect(),
        proxy_address: (!proxy.is_empty()).then(|| proxy.to_owned()),
        author: author.map(str::to_owned),
        ..InboundConversation::of("")
    })
}

fn customers() {
    testing::customers([
        Customer::new("7", "Mora Lind").sms(MORA).owned_by(ANA),
        Customer::new("8", "Otto Vale").sms(OTTO).owned_by(BEN),
        Customer::new("9", "Nobody's").sms("+12025550106"),
    ]);
}

#[test]
fn the_customers_owner_precedes_the_numbers_and_that_the_round_robin() {
    customers();
    testing::settings([
        ("numbers.+12025550190", "chloe@example.org"),
        ("numbers.+12025550191", "chloe@example.org"),
        ("numbers.whatsapp:+12025550191", "dan@example.org"),
        ("numbers.whatsapp:+12025550192", "dan@example.org"),
        ("round_robin", "ana@example.org, ben@example.org,"),
    ]);
    let whatsapp = format!("whatsapp:{MORA}");
    let in_turn = || Assignment::one_of([ANA, BEN]);
    let table: [(&[&str], Option<&str>, &str, Assignment); 11] = [
        (&[MORA], None, "+12025550190", Assignment::worker(ANA)),
        (&[&whatsapp], None, "", Assignment::worker(ANA)),
        (&[MORA, OTTO], None, "", Assignment::worker(ANA)),
        (&[MORA, OTTO], Some(OTTO), "", Assignment::worker(BEN)),
        (&["+12025550106", OTTO], None, "+12025550190", Assignment::worker(BEN)),
        (&["+12025550106"], None, "+12025550190", Assignment::worker("chloe@example.org")),
        (&[STRANGER], None, "whatsapp:+12025550190", Assignment::worker("chloe@example.org")),
        (&[STRANGER], None, "whatsapp:+12025550191", Assignment::worker("dan@example.org")),
        (&[STRANGER], None, "+12025550191", Assignment::worker("chloe@example.org")),
        (&[STRANGER], None, "+12025550192", in_turn()),
        (&[], None, "", in_turn()),
    ];
    for (addresses, author, proxy, want) in table {
        assert_eq!(route(addresses, author, proxy), Ok(Some(want)), "{addresses:?} {author:?} {proxy}");
    }
}

#[test]
fn without_a_matching_rule_the_default_worker_is_assigned() {
    customers();
    testing::settings([("round_robin", " , ")]);
    assert_eq!(route(&[STRANGER], None, "+12025550190"), Ok(None));
}

#[test]
fn workers_that_are_not_assignable_are_skipped_and_not_named_in_the_log() {
    customers();
    testing::settings([
        ("workers", "Ben@example.org"),
        ("numbers.+12025550190", "chloe@example.org"),
        ("round_robin", "ana@example.org, ben@example.org"),
    ]);
    assert_eq!(route(&[MORA, OTTO], None, ""), Ok(Some(Assignment::worker("Ben@example.org"))));
    assert_eq!(testing::logged(), ["warn: the customer's owner is not in `workers`, ignored"]);

    assert_eq!(route(&[MORA], None, "+12025550190"), Ok(Some(Assignment::one_of(["Ben@example.org"]))));
    let logged = testing::logged();
    let left_out = ["the customer's owner", "the owner of the number", "one of `round_robin`"];
    assert_eq!(logged, left_out.map(|who| format!("warn: {who} is not in `workers`, ignored")));
}

#[test]
fn invalid_settings_are_rejected() {
    let table = [
        ("without_crm", "go on", "the setting `without_crm` is `go on`; write wait or continue"),
        ("without_crn", "wait", "unknown setting `without_crn`: did you mean `without_crm`?"),
        ("number.+12025550199", ANA, "unknown setting `number.+12025550199`: did you mean `numbers.+12025550199`?"),
        ("pool.berlin.workers", ANA, "unknown setting `pool.berlin.workers`: did you mean `pools.berlin.workers`?"),
        (
            "numbers.12025550199",
            ANA,
            "setting `numbers.12025550199` names no E.164 number; write for example \"+12025550199\"",
        ),
    ];
    for (key, value, want) in table {
        testing::settings([(key, value)]);
        assert_eq!(route(&[MORA], None, ""), Err(Error::failed(want)), "{key} = {value}");
    }
}
