//! Tests probation: a new version is observed, and rolled back if it fails.

use frontgate_tests::{Gateway, Setup, another_build, built_against, component, digest, eventually};

fn first() -> Vec<u8> {
    component("misbehaving")
}

fn second() -> Vec<u8> {
    another_build(&first(), 1)
}

fn live(gateway: &Gateway) -> String {
    gateway.status()["plugins"]["plugin"]["live"]["digest"].as_str().expect("a digest").to_owned()
}

/// Waits until the gateway has dropped the old generation.
fn wait_for_one_generation(gateway: &Gateway) {
    let generations = || gateway.metric("frontgate_plugin_generations");
    eventually("the old generation is dropped", generations, |count| *count <= 1.0);
}

/// Starts a gateway, and replaces its plugin by the second version.
fn start_and_replace(setup: Setup) -> Gateway {
    let gateway = setup.start();
    gateway.drop_plugin("plugin", &second());
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(2);
    assert_eq!(live(&gateway), digest(&second()));
    gateway
}

/// Starts a gateway whose second version fails and is rolled back.
fn start_and_roll_back(setup: Setup) -> Gateway {
    let gateway = start_and_replace(setup);
    assert_eq!(gateway.instruct("panic").status, 502);
    gateway.log().event("plugin.rolled_back").with("plugin", "plugin").wait_for(1);
    gateway
}

#[test]
fn a_version_that_traps_on_the_third_call_is_rolled_back() {
    let gateway = start_and_replace(Setup::misbehaving());
    assert_eq!(gateway.status()["plugins"]["plugin"]["probation"], true);
    gateway.output_of("hello");
    gateway.output_of("hello");
    assert_eq!(gateway.instruct("panic").status, 502);
    let line = gateway
        .log()
        .event("plugin.rolled_back")
        .with("plugin", "plugin")
        .saying("1 of the first 3 calls of the new version trapped")
        .wait_for(1);
    assert_eq!(line["level"], "WARN");
    assert_eq!(live(&gateway), digest(&first()));
    assert_eq!(gateway.output_of("hello"), "version 1");
    let receipt = gateway.history("plugin").pop().expect("a receipt");
    assert_eq!(receipt["outcome"], "rolled-back");
    assert_eq!(receipt["before"], digest(&second()));
    assert_eq!(receipt["after"], digest(&first()));
    assert_eq!(gateway.status()["plugins"]["plugin"]["last_attempt"]["id"], receipt["id"]);
}

#[test]
fn a_version_that_times_out_is_rolled_back() {
    let gateway = start_and_replace(Setup::misbehaving().set("plugins.limits.cpu_time_ms", "50"));
    assert_eq!(gateway.instruct("loop").status, 504);
    gateway.log().event("plugin.rolled_back").with("plugin", "plugin").wait_for(1);
}

#[test]
fn a_version_that_always_traps_is_rolled_back_after_one_call() {
    let gateway = Setup::misbehaving().start();
    gateway.drop_plugin("plugin", &built_against(str::to_owned));
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(2);
    assert_eq!(gateway.instruct("hello").code(), "plugin-trapped");
    gateway.log().event("plugin.rolled_back").with("plugin", "plugin").saying("1 of the first 1 calls").wait_for(1);
    assert_eq!(gateway.output_of("hello"), "version 1");
}

#[test]
fn errors_returned_by_a_plugin_are_no_probation_failures() {
    let gateway = start_and_replace(Setup::misbehaving().set("plugins.probation.calls", "4"));
    for instruction in ["not-found", "invalid", "unavailable", "failed"] {
        gateway.instruct(instruction);
    }
    // Probation ends, and the previous version is dropped.
    let probation = || gateway.status()["plugins"]["plugin"]["probation"].clone();
    eventually("probation has ended", probation, |probation| *probation != true);
    wait_for_one_generation(&gateway);
    assert_eq!(gateway.instruct("panic").status, 502);
    assert_eq!(gateway.reload().len(), 0);
    assert_eq!(live(&gateway), digest(&second()));
}

#[test]
fn a_version_that_fails_like_its_predecessor_stays() {
    let gateway = Setup::misbehaving().start();
    assert_eq!(gateway.instruct("panic").status, 502);
    gateway.drop_plugin("plugin", &second());
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(2);
    assert_eq!(gateway.instruct("panic").status, 502);
    assert_eq!(gateway.reload().len(), 0);
    assert_eq!(live(&gateway), digest(&second()));
}

#[test]
fn the_configured_number_of_failures_causes_a_rollback() {
    let gateway = start_and_replace(Setup::misbehaving().set("plugins.probation.failures", "2"));
    assert_eq!(gateway.instruct("panic").status, 502);
    assert_eq!(gateway.reload().len(), 0);
    assert_eq!(gateway.instruct("panic").status, 502);
    gateway.log().event("plugin.rolled_back").with("plugin", "plugin").saying("2 of the first 2 calls").wait_for(1);
}

#[test]
fn probation_ends_with_its_time_and_can_be_disabled() {
    for (key, value) in [("plugins.probation.time_ms", "1"), ("plugins.probation.calls", "0")] {
        let gateway = start_and_replace(Setup::misbehaving().set(key, value));
        wait_for_one_generation(&gateway);
        assert_eq!(gateway.instruct("panic").status, 502);
        assert_eq!(gateway.reload().len(), 0);
        assert_eq!(live(&gateway), digest(&second()));
    }
}

#[test]
fn a_rolled_back_version_is_not_retried_after_a_restart() {
    let gateway = start_and_roll_back(Setup::misbehaving());
    // The rolled-back version is added again, with the same bytes.
    gateway.drop_plugin("plugin", &second());
    assert_eq!(gateway.reload().len(), 0);
    assert_eq!(live(&gateway), digest(&first()));
    let gateway = gateway.restart();
    assert_eq!(live(&gateway), digest(&first()), "the version before it is kept");
    assert_eq!(gateway.output_of("hello"), "version 1");
    let attempt = &gateway.status()["plugins"]["plugin"]["last_attempt"];
    assert_eq!(attempt["outcome"], "rolled-back");
    assert_eq!(attempt["digest"], digest(&second()));
}

#[test]
fn a_different_build_is_tried_after_a_rollback() {
    let gateway = start_and_roll_back(Setup::misbehaving());
    let third = another_build(&first(), 2);
    gateway.drop_plugin("plugin", &third);
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(3);
    assert_eq!(live(&gateway), digest(&third));
}

#[test]
fn an_operator_can_allow_a_rolled_back_version() {
    let gateway = start_and_roll_back(Setup::misbehaving()).restart();
    let output = gateway.command(&["plugin", "allow", "plugin"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("allowed") && text.contains("live"), "{output:?}");
    assert_eq!(live(&gateway), digest(&second()));
    let outcomes: Vec<_> = gateway.history("plugin").iter().map(|receipt| receipt["outcome"].clone()).collect();
    assert_eq!(outcomes, ["live", "live", "rolled-back", "rolled-back", "allowed", "live"]);
}
