//! Tests `frontgate setup twilio --apply` where a write fails, and where another system shares a level.

use frontgate_tests::{Action, Call, Effect, Fault, PUBLIC_URL, Setup, TOKEN, Twilio};
use serde_json::Value;

use super::{ACCOUNT, Fixture, NUMBER, OTHER, assert_has, service};

const WRITE: [&str; 4] = ["--apply", "--yes", "--event", "onUserAdded"];

/// Creates a tenant that needs two writes: of its service, and of the account, which alone sends events of users.
fn of_two_writes() -> Fixture {
    let fixture = Fixture::of_service();
    fixture.set(&service(), &[("PreWebhookUrl", &super::ours()), ("Filters", "onMessageAdd")]);
    fixture
}

/// Fails a write of webhooks. The test has written webhooks before, which is not counted.
fn fail(fixture: &Fixture, action: Action, spared: usize) {
    fixture.twilio.fault(Fault::new(action).on(Call::UpdateWebhooks).after(spared));
}

fn method(fixture: &Fixture, path: &str) -> Value {
    fixture.client.get(path).1["method"].clone()
}

#[test]
fn a_method_that_another_systems_url_needs_is_kept() {
    let mut fixture = Fixture::of_account();
    fixture.set(ACCOUNT, &[("PreWebhookUrl", OTHER), ("Filters", "onMessageAdd"), ("Method", "GET")]);
    fixture.setup = fixture.setup.set("tenants.demo.roles.crm", "[]");
    fixture.setup.write();
    let (code, shown) = fixture.run(&WRITE);
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains("Method ="), "{shown}");
    assert_eq!(method(&fixture, ACCOUNT), "GET");
    let kept = format!("! the webhooks of the account, inherited by service {} are sent by GET", Twilio::SERVICE_SID);
    assert_has(&shown, &[&kept, OTHER, "the gateway verifies webhooks by GET too", "Twilio's console"]);
}

#[test]
fn a_second_run_accepts_the_kept_method() {
    let mut fixture = Fixture::of_account();
    let form =
        [("PreWebhookUrl", OTHER), ("PostWebhookUrl", &*super::ours()), ("Filters", "onUserAdded"), ("Method", "GET")];
    fixture.set(ACCOUNT, &form);
    fixture.setup = fixture.setup.set("tenants.demo.roles.crm", "[]");
    fixture.setup.write();
    let (code, shown) = fixture.run(&["--event", "onUserAdded"]);
    assert_eq!(code, Some(0), "{shown}");
    assert_has(&shown, &["nothing to change", "  [x] Conversations > Manage"]);
}

#[test]
fn the_method_is_post_after_the_last_foreign_url_of_a_level_is_replaced() {
    let fixture = Fixture::of_account();
    fixture.set(ACCOUNT, &[("PostWebhookUrl", OTHER), ("Filters", "onMessageAdded"), ("Method", "GET")]);
    let (code, shown) = fixture.run(&["--apply", "--yes", "--replace", OTHER]);
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(method(&fixture, ACCOUNT), "POST");
}

#[test]
fn webhooks_by_get_reach_the_gateway() {
    let fixture = Fixture::of_account();
    let gateway = Setup::every_role(&fixture.twilio).start();
    fixture.twilio.point_at(gateway.address(), PUBLIC_URL, "", TOKEN);
    fixture.twilio.custom_routing(false);
    fixture.set(ACCOUNT, &[("Method", "GET")]);
    fixture.twilio.inbound_sms("+12025550107", NUMBER, "Hello").expect("no webhook rejects it");
    let fired = fixture.twilio.webhooks();
    assert!(!fired.is_empty() && fired.iter().all(|fired| fired.status == Some(200)), "{fired:?}");
}

#[test]
fn a_failed_second_write_is_reported_with_the_first_one() {
    let fixture = of_two_writes();
    fail(&fixture, Action::Unauthorized, 1);
    let (code, shown) = fixture.run(&WRITE);
    assert_eq!((code, fixture.changes()), (Some(2), 2), "{shown}");
    let written = format!("written      webhooks of the service {}", Twilio::SERVICE_SID);
    assert_has(
        &shown,
        &[&written, "not written  webhooks of the account: Twilio answered 401", "run the command again"],
    );
}

#[test]
fn changes_after_a_failed_write_are_reported_as_not_written() {
    let fixture = of_two_writes();
    fail(&fixture, Action::Unauthorized, 0);
    let (code, shown) = fixture.run(&[&WRITE[..], &["--number", NUMBER]].concat());
    assert_eq!((code, fixture.changes()), (Some(2), 1), "{shown}");
    let account = "not written  webhooks of the account: not tried";
    assert_has(&shown, &[account, &format!("not written  address {NUMBER}: not tried"), "nothing was written"]);
}

#[test]
fn a_write_without_an_answer_is_reported_as_unknown() {
    let fixture = of_two_writes();
    fail(&fixture, Action::CloseAfterActing, 1);
    let (code, shown) = fixture.run(&WRITE);
    assert_eq!(code, Some(2), "{shown}");
    assert_has(&shown, &["unknown      webhooks of the account: "]);
}

#[test]
fn a_second_run_completes_a_partial_write() {
    let fixture = of_two_writes();
    fail(&fixture, Action::FailBefore(500), 1);
    assert_eq!(fixture.run(&WRITE).0, Some(2));
    let (code, shown) = fixture.run(&WRITE);
    assert_eq!((code, fixture.changes()), (Some(0), 3), "{shown}");
    assert_eq!(fixture.twilio.effects(), [Effect::WebhooksSet, Effect::WebhooksSet, Effect::WebhooksSet]);
}

#[test]
fn a_failed_read_after_the_writes_says_that_all_is_written() {
    let fixture = of_two_writes();
    // The command reads both levels before the plan, and again after the confirmation.
    fixture.twilio.fault(Fault::new(Action::Unauthorized).on(Call::FetchWebhooks).after(4));
    let (code, shown) = fixture.run(&WRITE);
    assert_eq!((code, fixture.changes()), (Some(2), 3), "{shown}");
    assert_has(&shown, &["all changes are written", "failed to read them back: Twilio answered 401"]);
}

#[test]
fn a_failed_read_before_the_writes_says_that_nothing_is_written() {
    let fixture = of_two_writes();
    fixture.twilio.fault(Fault::new(Action::Unauthorized).on(Call::FetchWebhooks).after(2));
    let (code, shown) = fixture.run(&WRITE);
    assert_eq!((code, fixture.changes()), (Some(2), 1), "{shown}");
    assert_has(&shown, &["Twilio answered 401", "nothing was written"]);
}

#[test]
fn a_repeated_number_is_written_once() {
    let fixture = Fixture::of_service();
    let (code, shown) = fixture.run(&["--apply", "--yes", "--number", NUMBER, "--number", NUMBER]);
    assert_eq!((code, fixture.changes()), (Some(0), 2), "{shown}");
}
