//! Tests that the record of actions names the account that ran a command, as the system knows it.

use frontgate_tests::{Gateway, Setup};
use serde_json::Value;

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
