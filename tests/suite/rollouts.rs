//! Tests how new versions of plugins reach several gateways on one Postgres: on trial at one of them first.

use std::fs;

use frontgate_tests::{Gateway, Replicas, Setup, another_build, component, digest, eventually};
use serde_json::Value;

fn build(number: u8) -> Vec<u8> {
    another_build(&component("misbehaving"), number)
}

fn setup() -> Setup {
    Setup::new().plugin("plugin", &build(1)).set("plugins.probation.calls", "3")
}

fn start(count: usize) -> Replicas {
    Replicas::start(count, setup)
}

fn live(gateway: &Gateway) -> String {
    gateway.status()["plugins"]["plugin"]["live"]["digest"].as_str().unwrap_or_default().to_owned()
}

fn rollout(gateway: &Gateway) -> Value {
    gateway.status()["plugins"]["plugin"]["rollout"].take()
}

/// Waits until every replica runs this version, and none is shown as different.
fn wait_for_all(replicas: &Replicas, version: &[u8]) {
    let all_live = || replicas.gateways.iter().map(live).collect::<Vec<_>>();
    eventually("one version", all_live, |live| live.iter().all(|found| *found == digest(version)));
    for gateway in &replicas.gateways {
        eventually(
            "no replica behind",
            || rollout(gateway),
            |rollout| rollout["behind"].as_array().is_some_and(Vec::is_empty),
        );
    }
}

/// Adds a file to one replica, and waits until its version is on trial there.
fn begin_trial(replicas: &Replicas, number: usize, version: &[u8]) {
    replicas.gateways[number].drop_plugin("plugin", version);
    eventually("a trial", || live(&replicas.gateways[number]), |live| *live == digest(version));
}

/// Sends as many calls as a probation has.
fn pass_trial(gateway: &Gateway) {
    for _ in 0..3 {
        gateway.output_of("hello");
    }
}

fn outcomes(history: &[Value]) -> Vec<(String, String)> {
    let text = |receipt: &Value, key: &str| receipt[key].as_str().unwrap_or_default().to_owned();
    history.iter().map(|receipt| (text(receipt, "outcome"), text(receipt, "replica"))).collect()
}

#[test]
fn a_new_version_answers_at_one_replica_until_its_trial_has_passed() {
    let replicas = start(3);
    begin_trial(&replicas, 1, &build(2));
    let shown = eventually("the trial is shown", || rollout(&replicas.gateways[0]), |shown| !shown["trial"].is_null());
    assert_eq!((&shown["trial"], &shown["trial_replica"]), (&digest(&build(2)).into(), &"replica-1".into()));
    assert_eq!(shown["live"], digest(&build(1)));
    for other in [0, 2] {
        pass_trial(&replicas.gateways[other]);
        assert_eq!(live(&replicas.gateways[other]), digest(&build(1)));
    }
    pass_trial(&replicas.gateways[1]);
    wait_for_all(&replicas, &build(2));
}

#[test]
fn a_bad_version_answers_at_one_replica_and_is_rolled_back_for_all() {
    let replicas = start(3);
    begin_trial(&replicas, 2, &build(2));
    assert_eq!(replicas.gateways[2].instruct("panic").status, 502);
    replicas.gateways[2].log().event("plugin.rolled_back").wait_for(1);
    wait_for_all(&replicas, &build(1));
    // The same bytes are not attempted at another replica either.
    replicas.gateways[0].drop_plugin("plugin", &build(2));
    replicas.gateways[0].log().event("plugin.rolled_back").wait_for(1);
    wait_for_all(&replicas, &build(1));
    let history = replicas.gateways[1].history("plugin");
    let ran: Vec<_> = history.iter().filter(|receipt| receipt["after"] == digest(&build(2))).collect();
    assert!(ran.len() == 1 && ran[0]["replica"] == "replica-2", "{history:?}");
}

#[test]
fn a_version_that_fails_after_its_trial_is_rolled_back_for_all() {
    let replicas = start(2);
    begin_trial(&replicas, 0, &build(2));
    pass_trial(&replicas.gateways[0]);
    wait_for_all(&replicas, &build(2));
    assert_eq!(replicas.gateways[1].instruct("panic").status, 502);
    wait_for_all(&replicas, &build(1));
    replicas.gateways[0].log().event("plugin.rolled_back").wait_for(1);
}

#[test]
fn the_trial_of_a_killed_replica_continues_at_another() {
    let mut replicas = start(3);
    begin_trial(&replicas, 1, &build(2));
    replicas.kill_and_start_again(1);
    let shown = || replicas.gateways.iter().position(|gateway| live(gateway) == digest(&build(2)));
    let heir = eventually("another trial", shown, Option::is_some).expect("a replica");
    let trials = replicas.gateways.iter().filter(|gateway| live(gateway) == digest(&build(2))).count();
    assert_eq!(trials, 1);
    pass_trial(&replicas.gateways[heir]);
    wait_for_all(&replicas, &build(2));
}

#[test]
fn a_version_is_withdrawn_after_three_replicas_have_ended_during_its_trial() {
    let mut replicas = start(2);
    begin_trial(&replicas, 0, &build(2));
    for _ in 0..3 {
        let shown = || replicas.gateways.iter().position(|gateway| live(gateway) == digest(&build(2)));
        let heir = eventually("a trial", shown, Option::is_some).expect("a replica");
        replicas.kill_and_start_again(heir);
    }
    eventually("no trial", || rollout(&replicas.gateways[0]), |shown| shown["trial"].is_null());
    wait_for_all(&replicas, &build(1));
}

#[test]
fn a_replica_that_starts_with_an_old_file_runs_the_agreed_version() {
    let replicas = start(2);
    begin_trial(&replicas, 0, &build(2));
    pass_trial(&replicas.gateways[0]);
    wait_for_all(&replicas, &build(2));
    // Its folder still has the first version.
    let mut replicas = replicas;
    replicas.kill_and_start_again(1);
    wait_for_all(&replicas, &build(2));
    let line = replicas.gateways[1].log().event("plugin.kept").wait_for(1);
    assert!(line["message"].as_str().is_some_and(|text| text.contains("have agreed on another one")), "{line}");
}

#[test]
fn an_old_version_is_offered_again_by_a_file_that_is_put_there_anew() {
    let replicas = start(2);
    begin_trial(&replicas, 0, &build(2));
    pass_trial(&replicas.gateways[0]);
    wait_for_all(&replicas, &build(2));
    begin_trial(&replicas, 1, &build(1));
    pass_trial(&replicas.gateways[1]);
    wait_for_all(&replicas, &build(1));
}

#[test]
fn a_file_that_arrives_during_a_trial_is_offered_after_it() {
    let replicas = start(2);
    begin_trial(&replicas, 0, &build(2));
    replicas.gateways[1].drop_plugin("plugin", &build(3));
    replicas.gateways[1].log().event("plugin.kept").saying("is on trial at replica `replica-0`").wait_for(1);
    pass_trial(&replicas.gateways[0]);
    eventually("the next trial", || live(&replicas.gateways[1]), |live| *live == digest(&build(3)));
    pass_trial(&replicas.gateways[1]);
    wait_for_all(&replicas, &build(3));
}

#[test]
fn an_operator_rolls_back_all_replicas_from_any_of_them() {
    let replicas = start(3);
    begin_trial(&replicas, 0, &build(2));
    pass_trial(&replicas.gateways[0]);
    wait_for_all(&replicas, &build(2));
    let output = replicas.gateways[2].command(&["plugin", "rollback", "plugin"]);
    assert!(output.status.success(), "{output:?}");
    wait_for_all(&replicas, &build(1));
}

#[test]
fn an_operator_ends_a_trial_from_any_replica() {
    let replicas = start(2);
    begin_trial(&replicas, 0, &build(2));
    let output = replicas.gateways[1].command(&["plugin", "rollback", "plugin"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("rolled-back"), "{output:?}");
    wait_for_all(&replicas, &build(1));
    // An operator can allow it again; its trial is then at that replica.
    let output = replicas.gateways[1].command(&["plugin", "allow", "plugin", &digest(&build(2))[..12]]);
    assert!(output.status.success(), "{output:?}");
    eventually("a trial", || live(&replicas.gateways[1]), |live| *live == digest(&build(2)));
    assert_eq!(live(&replicas.gateways[0]), digest(&build(1)));
}

#[test]
fn a_version_that_waits_at_one_replica_is_allowed_at_another() {
    let replicas = Replicas::start(2, || Setup::directory("Id,Name\n7,Mora Lind\n"));
    replicas.gateways[0].drop_plugin("plugin", &component("misbehaving"));
    replicas.gateways[0].log().event("plugin.waiting").wait_for(1);
    eventually("the wait is shown", || rollout(&replicas.gateways[1]), |shown| !shown["waiting"].is_null());
    let output = replicas.gateways[1].command(&["plugin", "allow", "plugin"]);
    assert!(output.status.success(), "{output:?}");
    eventually("a trial", || live(&replicas.gateways[0]), |live| *live == digest(&component("misbehaving")));
}

#[test]
fn a_removed_file_removes_nothing_but_an_operator_does() {
    let replicas = start(2);
    fs::remove_file(replicas.gateways[0].path("plugins/plugin.wasm")).expect("the file");
    replicas.gateways[0].log().event("plugin.file_removed").wait_for(1);
    assert_eq!(live(&replicas.gateways[0]), digest(&build(1)));
    let output = replicas.gateways[1].command(&["plugin", "remove", "plugin"]);
    assert!(output.status.success(), "{output:?}");
    let all_live = || replicas.gateways.iter().map(live).collect::<Vec<_>>();
    eventually("no version", all_live, |live| live.iter().all(String::is_empty));
}

#[test]
fn a_replica_that_cannot_load_the_agreed_version_keeps_its_own_and_says_why() {
    let replicas = start(2);
    let strict = Setup::new()
        .plugin("plugin", &build(1))
        .on_postgres(&replicas.database)
        .set("replica.name", "\"strict\"")
        .set("plugins.file_bytes_max", (build(1).len() + 10).to_string());
    let strict = strict.start();
    let larger = [&build(2)[..], &[0, 40, 1, b'n'], &[0; 38]].concat();
    begin_trial(&replicas, 0, &larger);
    pass_trial(&replicas.gateways[0]);
    strict.log().event("plugin.kept").wait_for(1);
    assert_eq!(live(&strict), digest(&build(1)));
    let behind = || rollout(&replicas.gateways[1])["behind"].clone();
    eventually("the replica is shown", behind, |behind| *behind == serde_json::json!(["strict"]));
    eventually(
        "a metric",
        || replicas.gateways[1].metric("frontgate_plugin_replicas_behind{plugin=\"plugin\"}"),
        |count| *count == 1.0,
    );
    let kept = ("kept".to_owned(), "strict".to_owned());
    assert!(outcomes(&replicas.gateways[0].history("plugin")).contains(&kept));
}

#[test]
fn replicas_with_plugins_from_their_folders_differ_as_their_files_do() {
    let replicas = Replicas::start(2, || setup().set("plugins.source", "\"folder\""));
    replicas.gateways[0].drop_plugin("plugin", &build(2));
    eventually("the new version", || live(&replicas.gateways[0]), |live| *live == digest(&build(2)));
    let differs = || replicas.gateways[0].status()["replicas"].clone();
    let is_shown =
        |peers: &Value| peers.as_array().is_some_and(|peers| peers.iter().any(|peer| peer["same_plugins"] == false));
    eventually("the difference", differs, is_shown);
    assert_eq!(live(&replicas.gateways[1]), digest(&build(1)));
}
