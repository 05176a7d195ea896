//! A new version is watched, and the one before it comes back if it fails.

use frontgate_tests::{Gateway, Setup, another_build, built_against, component, digest};

fn first() -> Vec<u8> {
    component("misbehaving")
}

fn second() -> Vec<u8> {
    another_build(&first(), 1)
}

fn live(gateway: &Gateway) -> String {
    gateway.status()["plugins"]["plugin"]["live"]["digest"].as_str().expect("a digest").to_owned()
}

/// A gateway whose plugin was just replaced.
fn replaced(setup: Setup) -> Gateway {
    let gateway = setup.start();
    gateway.drop_plugin("plugin", &second());
    gateway.log().wait_for_more("plugin `plugin` is live", 2);
    assert_eq!(live(&gateway), digest(&second()));
    gateway
}

/// The same, taken back.
fn rolled_back(setup: Setup) -> Gateway {
    let gateway = replaced(setup);
    assert_eq!(gateway.wish("panic").status, 502);
    gateway.log().wait_for("plugin `plugin` is rolled back");
    gateway
}

#[test]
fn a_version_that_traps_on_the_third_call_is_rolled_back_by_itself() {
    let gateway = replaced(Setup::misbehaving());
    assert_eq!(gateway.status()["plugins"]["plugin"]["probation"], true);
    gateway.wished("hello");
    gateway.wished("hello");
    assert_eq!(gateway.wish("panic").status, 502);
    let line = gateway.log().wait_for("plugin `plugin` is rolled back: 1 of its first 3 calls trapped");
    assert_eq!(line["level"], "WARN");
    assert_eq!(live(&gateway), digest(&first()));
    assert_eq!(gateway.wished("hello"), "version 1");
    let receipt = gateway.history("plugin").pop().expect("a receipt");
    assert_eq!(receipt["outcome"], "rolled-back");
    assert_eq!(receipt["before"], digest(&second()));
    assert_eq!(receipt["after"], digest(&first()));
    assert_eq!(gateway.status()["plugins"]["plugin"]["last_attempt"]["id"], receipt["id"]);
}

#[test]
fn a_version_that_runs_out_of_time_is_rolled_back_too() {
    let gateway = replaced(Setup::misbehaving().set("plugins.limits.cpu_time_ms", "50"));
    assert_eq!(gateway.wish("loop").status, 504);
    gateway.log().wait_for("plugin `plugin` is rolled back");
}

#[test]
fn one_that_traps_at_every_call_is_gone_after_the_first() {
    let gateway = Setup::misbehaving().start();
    gateway.drop_plugin("plugin", &built_against(str::to_owned));
    gateway.log().wait_for_more("plugin `plugin` is live", 2);
    assert_eq!(gateway.wish("hello").code(), "plugin-trapped");
    gateway.log().wait_for("plugin `plugin` is rolled back: 1 of its first 1 calls");
    assert_eq!(gateway.wished("hello"), "version 1");
}

#[test]
fn what_a_plugin_says_is_no_failure() {
    let gateway = replaced(Setup::misbehaving().set("plugins.probation.calls", "4"));
    for wish in ["not-found", "invalid", "unavailable", "failed"] {
        gateway.wish(wish);
    }
    // Nobody is watched any more, and the version before is let go.
    while gateway.status()["plugins"]["plugin"]["probation"] == true {}
    while gateway.metric("frontgate_plugin_generations") > 1.0 {}
    assert_eq!(gateway.wish("panic").status, 502);
    assert_eq!(gateway.reload().len(), 0);
    assert_eq!(live(&gateway), digest(&second()));
}

#[test]
fn a_version_that_fails_like_the_one_before_it_stays() {
    let gateway = Setup::misbehaving().start();
    assert_eq!(gateway.wish("panic").status, 502);
    gateway.drop_plugin("plugin", &second());
    gateway.log().wait_for_more("plugin `plugin` is live", 2);
    assert_eq!(gateway.wish("panic").status, 502);
    assert_eq!(gateway.reload().len(), 0);
    assert_eq!(live(&gateway), digest(&second()));
}

#[test]
fn as_many_failures_as_are_configured_take_it_back() {
    let gateway = replaced(Setup::misbehaving().set("plugins.probation.failures", "2"));
    assert_eq!(gateway.wish("panic").status, 502);
    assert_eq!(gateway.reload().len(), 0);
    assert_eq!(gateway.wish("panic").status, 502);
    gateway.log().wait_for("plugin `plugin` is rolled back: 2 of its first 2 calls");
}

#[test]
fn probation_ends_with_its_time_and_can_be_left_out() {
    for (key, value) in [("plugins.probation.time_ms", "1"), ("plugins.probation.calls", "0")] {
        let gateway = replaced(Setup::misbehaving().set(key, value));
        while gateway.metric("frontgate_plugin_generations") > 1.0 {}
        assert_eq!(gateway.wish("panic").status, 502);
        assert_eq!(gateway.reload().len(), 0);
        assert_eq!(live(&gateway), digest(&second()));
    }
}

#[test]
fn what_was_rolled_back_is_not_tried_again_even_after_a_restart() {
    let gateway = rolled_back(Setup::misbehaving());
    // Written once more, with the same bytes.
    gateway.drop_plugin("plugin", &second());
    assert_eq!(gateway.reload().len(), 0);
    assert_eq!(live(&gateway), digest(&first()));
    let gateway = gateway.restart();
    assert_eq!(live(&gateway), digest(&first()), "the version before it is kept");
    assert_eq!(gateway.wished("hello"), "version 1");
    let attempt = &gateway.status()["plugins"]["plugin"]["last_attempt"];
    assert_eq!(attempt["outcome"], "rolled-back");
    assert_eq!(attempt["digest"], digest(&second()));
}

#[test]
fn other_bytes_get_their_chance() {
    let gateway = rolled_back(Setup::misbehaving());
    let third = another_build(&first(), 2);
    gateway.drop_plugin("plugin", &third);
    gateway.log().wait_for_more("plugin `plugin` is live", 3);
    assert_eq!(live(&gateway), digest(&third));
}

#[test]
fn an_operator_allows_what_was_rolled_back() {
    let gateway = rolled_back(Setup::misbehaving()).restart();
    let output = gateway.command(&["plugin", "allow", "plugin"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("allowed") && said.contains("live"), "{output:?}");
    assert_eq!(live(&gateway), digest(&second()));
    let outcomes: Vec<_> = gateway.history("plugin").iter().map(|receipt| receipt["outcome"].clone()).collect();
    assert_eq!(outcomes, ["live", "live", "rolled-back", "rolled-back", "allowed", "live"]);
}
