//! Tests that the record of actions names the account that ran a command, as the system knows it.

use frontgate_tests::{Gateway, Setup};
use serde_json::Value;

use crate::customer_index::{indexed, wait_until_ready};
use crate::delivery::{OURS, start_with_twilio};

fn actions(gateway: &Gateway) -> Value {
    let output = gateway.command(&["audit", "list", "--json"]);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Returns this account as the record names it.
fn own_account() -> String {
    format!("uid {}", rustix::process::getuid().as_raw())
}

#[test]
fn a_command_on_the_socket_is_recorded_with_the_account_of_its_process() {
    let gateway = Setup::misbehaving().start_in(&[("USER", "account-of-the-gateway")]);
    gateway.reload();
    let actions = actions(&gateway);
    let who = actions[0]["who"].as_str().expect("a name");
    assert!(who.contains(&own_account()) && !who.contains("account-of-the-gateway"), "{actions}");
}

#[test]
fn a_look_at_a_delivery_by_a_command_is_recorded() {
    let (twilio, gateway) = start_with_twilio(|setup| setup);
    twilio.inbound_sms("+12025550107", OURS, "hello").expect("a conversation");
    gateway.wait_for_delivery(1, "sent");
    assert!(gateway.command(&["deliveries", "show", "1"]).status.success());
    let actions = actions(&gateway);
    let newest = &actions[0];
    assert_eq!([&newest["action"], &newest["object"], &newest["tenant"]], ["show", "delivery 1", "demo"], "{actions}");
    assert!(newest["who"].as_str().is_some_and(|who| who.contains(&own_account())), "{actions}");
    assert!(!actions.to_string().contains("12025550107"), "{actions}");
}

#[test]
fn a_login_link_is_recorded_with_the_account_that_asked_for_it() {
    let gateway = Setup::misbehaving().start();
    gateway.console_link(&["--role", "support"]);
    let actions = actions(&gateway);
    let newest = &actions[0];
    assert_eq!(newest["action"], "create link", "{actions}");
    assert!(newest["object"].as_str().is_some_and(|object| object.ends_with(", role support")), "{actions}");
    assert!(newest["who"].as_str().is_some_and(|who| who.contains(&own_account())), "{actions}");
}

#[test]
fn looks_at_customers_by_a_command_are_recorded_without_what_was_looked_for() {
    let gateway = indexed("Id,Name,Phone,Owner,Company\n7,Mora Lind,+12025550107,,\n").start();
    wait_until_ready(&gateway);
    for (command, action) in [
        (&["customers", "show", "7"][..], "show"),
        (&["customers", "find", "+12025550107"], "find"),
        (&["customers", "search", "ana@example.org", "Mora"], "search"),
    ] {
        assert!(gateway.command(command).status.success(), "{command:?}");
        let actions = actions(&gateway);
        assert_eq!([&actions[0]["action"], &actions[0]["object"]], [action, "index of customers"], "{actions}");
        assert!(!actions.to_string().contains("2025550107") && !actions.to_string().contains("Mora"), "{actions}");
    }
}
