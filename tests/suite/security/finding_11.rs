//! Finding 11: damaged plugin records open the guards.
//!
//! Whatever happens to `plugins.json`: what was live keeps answering, bytes that are not known to have answered wait
//! for the operator, and nothing that could be gone back to is deleted.

use std::fs;
use std::path::{Path, PathBuf};

use frontgate_tests::{Gateway, Setup, another_build, component, digest, wait_until};
use serde_json::Value;

/// A version that wants nothing beyond itself.
fn small() -> Vec<u8> {
    component("directory")
}

/// One that wants HTTP and a store.
fn greedy() -> Vec<u8> {
    component("misbehaving")
}

fn records(gateway: &Gateway) -> PathBuf {
    gateway.path("data/plugins/plugins.json")
}

fn live(gateway: &Gateway) -> Value {
    gateway.status()["plugins"]["plugin"]["live"]["digest"].clone()
}

fn damaged_files(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).expect("the records").flatten().map(|entry| entry.path());
    files.filter(|path| path.to_string_lossy().contains("plugins.json.damaged-")).collect()
}

/// Every kind of damage; a text of nothing takes the file away.
fn damages(whole: &str) -> Vec<(&'static str, Option<Vec<u8>>)> {
    let newer = whole.replacen("\"format\": 1", "\"format\": 2", 1);
    assert_ne!(newer, whole);
    vec![
        ("cut off", Some(whole.as_bytes()[..whole.len() / 2].to_vec())),
        ("empty", Some(Vec::new())),
        ("an empty map", Some(b"{}".to_vec())),
        ("not UTF-8", Some(b"\xff\xfe".to_vec())),
        ("newer", Some(newer.into_bytes())),
        (
            "an unknown capability",
            Some(whole.replace("\"capabilities\": [", "\"capabilities\": [\"flying\", ").into_bytes()),
        ),
        ("another live version", Some(whole.replace("\"live\": \"", "\"live\": \"0").into_bytes())),
        ("deleted", None),
    ]
}

fn damage(path: &Path, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => fs::write(path, bytes).expect("a file"),
        None => fs::remove_file(path).expect("the file"),
    }
}

/// A gateway with one live version, stopped.
fn stopped() -> Gateway {
    let mut gateway = Setup::new().plugin("plugin", &small()).start();
    gateway.log().wait_for("plugin `plugin` is live");
    gateway.kill();
    gateway
}

#[test]
fn after_any_damage_new_bytes_wait_and_the_live_version_answers() {
    let whole = fs::read_to_string(records(&stopped())).expect("the records");
    for (kind, bytes) in damages(&whole) {
        let gateway = stopped();
        damage(&records(&gateway), bytes.as_deref());
        fs::write(gateway.path("plugins/plugin.wasm"), greedy()).expect("a file");
        let gateway = gateway.start_again();
        gateway.log().wait_for("plugin records");
        gateway.log().wait_for("the new file of plugin `plugin` waits: plugin records were damaged");
        assert_eq!(live(&gateway), digest(&small()), "{kind}");
        let marker = gateway.status()["plugin_records_damaged"].as_str().expect("the damaged file").to_owned();
        assert_eq!(gateway.metric("frontgate_plugin_records_damaged"), 1.0, "{kind}");
        if let Some(bytes) = bytes {
            assert_eq!(fs::read(marker).expect("the damaged file"), bytes, "{kind}");
        }
    }
}

#[test]
fn a_plugin_that_was_never_seen_waits_too() {
    let gateway = stopped();
    fs::write(records(&gateway), "{").expect("a file");
    fs::write(gateway.path("plugins/other.wasm"), another_build(&small(), 2)).expect("a file");
    let gateway = gateway.start_again();
    gateway.log().wait_for("the new file of plugin `other` waits");
    assert_eq!(gateway.status()["plugins"]["other"]["live"], Value::Null);
}

#[test]
fn damage_without_a_generation_before_leaves_the_history() {
    let gateway = stopped();
    fs::write(records(&gateway), "{").expect("a file");
    fs::write(gateway.path("data/plugins/plugins.json.previous"), "{").expect("a file");
    fs::remove_dir_all(gateway.path("data/plugins/versions")).expect("the versions");
    let gateway = gateway.start_again();
    gateway.log().wait_for("plugin `plugin` is live");
    gateway.drop_plugin("plugin", &another_build(&small(), 2));
    gateway.log().wait_for("the new file of plugin `plugin` waits");
}

#[test]
fn the_operator_allows_one_version() {
    let gateway = stopped();
    fs::write(records(&gateway), "{").expect("a file");
    let gateway = gateway.start_again();
    let new = another_build(&small(), 2);
    gateway.drop_plugin("plugin", &new);
    gateway.log().wait_for("the new file of plugin `plugin` waits");
    assert_eq!(gateway.operate("/plugins/plugin/allow", "").0, 200);
    assert_eq!(live(&gateway), digest(&new));
    gateway.drop_plugin("plugin", &another_build(&small(), 3));
    gateway.log().wait_for_more("the new file of plugin `plugin` waits", 2);
}

#[test]
fn the_guard_outlasts_a_restart_and_ends_when_the_damaged_file_is_moved_away() {
    let gateway = stopped();
    fs::write(records(&gateway), "{").expect("a file");
    let gateway = gateway.start_again().restart();
    let new = another_build(&small(), 2);
    gateway.drop_plugin("plugin", &new);
    gateway.log().wait_for("the new file of plugin `plugin` waits");
    let list = gateway.command(&["plugin", "list"]);
    assert!(String::from_utf8_lossy(&list.stdout).contains("plugin records were damaged"), "{list:?}");
    for file in damaged_files(&gateway.path("data/plugins")) {
        fs::rename(file, gateway.path("looked-at")).expect("a move");
    }
    gateway.reload();
    assert_eq!(live(&gateway), digest(&new));
    assert_eq!(gateway.status()["plugin_records_damaged"], Value::Null);
    assert_eq!(gateway.restart().status()["plugin_records_damaged"], Value::Null);
}

#[test]
fn a_version_that_was_rolled_back_stays_so_and_versions_are_kept() {
    let mut gateway = Setup::new().plugin("plugin", &small()).start();
    gateway.log().wait_for("plugin `plugin` is live");
    let second = another_build(&small(), 2);
    gateway.drop_plugin("plugin", &second);
    gateway.log().wait_for_more("plugin `plugin` is live", 2);
    assert_eq!(gateway.operate("/plugins/plugin/rollback", "").0, 200);
    gateway.kill();
    fs::write(records(&gateway), "{").expect("a file");
    let gateway = gateway.start_again();
    gateway.log().wait_for("plugin records");
    wait_until(|| live(&gateway) == digest(&small()));
    // A change, after which versions are put in order.
    gateway.drop_plugin("other", &second);
    gateway.log().wait_for("plugin `other` is live");
    for version in [small(), second] {
        assert!(gateway.path(&format!("data/plugins/versions/{}.wasm", digest(&version))).exists());
    }
}

#[test]
fn records_of_the_release_before_are_taken_over() {
    let mut gateway = stopped();
    let document: Value = serde_json::from_slice(&fs::read(records(&gateway)).expect("the records")).expect("JSON");
    let names = document["content"]["names"].to_string();
    let folder = gateway.path("data/plugins");
    fs::write(folder.join("plugins.json"), names).expect("a file");
    fs::remove_file(folder.join("plugins.json.previous")).expect("the file");
    gateway = gateway.start_again();
    assert_eq!(gateway.status()["plugin_records_damaged"], Value::Null);
    gateway.drop_plugin("plugin", &greedy());
    gateway.log().wait_for("the new file of plugin `plugin` waits: it wants");
}

#[test]
fn a_fresh_folder_takes_every_plugin() {
    let gateway = Setup::new().plugin("plugin", &greedy()).plugin("other", &small()).start();
    gateway.log().wait_for("plugin `other` is live");
    assert_eq!(gateway.wished("hello"), "version 1");
    assert!(damaged_files(&gateway.path("data/plugins")).is_empty());
}

#[test]
fn a_check_beside_the_gateway_says_it_and_changes_nothing() {
    let gateway = stopped();
    fs::write(records(&gateway), "{").expect("a file");
    let output = frontgate_tests::run(&gateway.path("."), &["check", "--config", "config.toml"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert_eq!(fs::read_to_string(records(&gateway)).expect("the file"), "{");
    assert!(damaged_files(&gateway.path("data/plugins")).is_empty());
}
