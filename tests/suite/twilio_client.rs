//! Tests the simulator and the gateway with Twilio's official client for Python: `tests/twilio_client`.
//!
//! `cargo xtask test` installs the client, at a fixed version.

use std::process::Command;

use frontgate_tests::{Gateway, PUBLIC_URL, Setup, TOKEN, Twilio, languages_path, root};

/// Runs a script with the Python that has the client.
#[track_caller]
fn python(script: &str, arguments: &[&str]) {
    let path = root().join("tests/twilio_client").join(script);
    let output = Command::new("twilio-python").arg(path).args(arguments).env("PATH", languages_path()).output();
    let output = output.unwrap_or_else(|error| panic!("twilio-python: {error}; run `cargo xtask test`"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} {arguments:?}: {text}");
}

/// Uses the client against a simulator.
#[track_caller]
fn client(twilio: &Twilio, subject: &str) {
    let key = [Twilio::API_KEY_SID, Twilio::API_KEY_SECRET];
    python("rest.py", &[subject, twilio.url(), Twilio::ACCOUNT_SID, key[0], key[1], Twilio::SERVICE_SID]);
}

/// Sends each pre-event with an instruction for the plugin.
#[track_caller]
fn pre_events(instruction: &str) -> Gateway {
    let twilio = Twilio::start();
    let gateway = Setup::every_role(&twilio).start();
    python("webhooks.py", &[instruction, &gateway.address().to_string(), PUBLIC_URL, TOKEN]);
    gateway
}

#[test]
fn the_client_creates_changes_lists_and_removes_conversations() {
    client(&Twilio::start(), "conversations");
}

#[test]
fn the_client_creates_changes_lists_and_removes_participants() {
    client(&Twilio::start(), "participants");
}

#[test]
fn the_client_creates_changes_lists_and_removes_messages() {
    client(&Twilio::start(), "messages");
}

#[test]
fn the_client_creates_changes_lists_and_removes_webhooks_of_a_conversation() {
    client(&Twilio::start(), "scoped_webhooks");
}

#[test]
fn the_client_sets_the_webhooks_of_account_and_service() {
    client(&Twilio::start(), "webhook_configuration");
}

#[test]
fn the_client_creates_changes_lists_and_removes_addresses() {
    client(&Twilio::start(), "addresses");
}

#[test]
fn the_client_fetches_and_changes_a_user_of_frontline() {
    let twilio = Twilio::start();
    twilio.log_in("ana@example.org");
    client(&twilio, "users");
}

#[test]
fn the_client_reports_wrong_credentials() {
    let twilio = Twilio::start();
    let arguments = ["credentials", twilio.url(), Twilio::ACCOUNT_SID, Twilio::API_KEY_SID, "wrong"];
    python("rest.py", &[&arguments[..], &[Twilio::SERVICE_SID]].concat());
}

#[test]
fn a_change_by_the_client_is_rejected_or_changed_by_a_plugin() {
    let twilio = Twilio::start();
    let gateway = Setup::every_role(&twilio).start();
    twilio.point_at(gateway.address(), PUBLIC_URL, "", TOKEN);
    client(&twilio, "intercepted");
    gateway.log().wait_for_count("the text for the log", 8);
}

#[test]
fn each_pre_event_that_twilios_library_signs_is_accepted() {
    pre_events("accept");
}

#[test]
fn each_pre_event_that_twilios_library_signs_can_be_rejected() {
    let gateway = pre_events("reject");
    gateway.log().wait_for_count("the text for the log", 10);
}

#[test]
fn each_pre_event_that_twilios_library_signs_is_changed_where_twilio_allows_it() {
    pre_events("change");
}

#[test]
fn each_pre_event_with_another_field_than_the_signed_one_is_refused() {
    pre_events("forged");
}
