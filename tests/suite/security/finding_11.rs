//! Finding 11: damaged plugin records disable the safeguards.
//!
//! For any damage to `plugins.json`: the live version keeps answering, unknown files wait for the operator, and
//! versions needed for a rollback are kept.

use std::fs;
use std::path::{Path, PathBuf};

use frontgate_tests::{Gateway, Setup, another_build, component, digest, eventually};
use serde_json::Value;

/// Returns a plugin version that needs no grants.
fn without_grants() -> Vec<u8> {
    component("directory")
}

/// Returns a plugin version that needs outbound HTTP and state.
fn with_grants() -> Vec<u8> {
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

/// Kinds of damage, with the damaged content; `None` deletes the file.
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

/// Starts and stops a gateway with one live version.
fn stopped() -> Gateway {
    let mut gateway = Setup::new().plugin("plugin", &without_grants()).start();
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(1);
    gateway.kill();
    gateway
}

#[test]
fn after_any_damage_new_files_wait_and_the_live_version_answers() {
    let whole = fs::read_to_string(records(&stopped())).expect("the records");
    for (kind, bytes) in damages(&whole) {
        let gateway = stopped();
        damage(&records(&gateway), bytes.as_deref());
        fs::write(gateway.path("plugins/plugin.wasm"), with_grants()).expect("a file");
        let gateway = gateway.start_again();
        gateway.log().wait_for("plugin records");
        gateway.log().event("plugin.waiting").with("plugin", "plugin").saying("plugin records are corrupt").wait_for(1);
        assert_eq!(live(&gateway), digest(&without_grants()), "{kind}");
        let marker = gateway.status()["plugin_records_damaged"].as_str().expect("the damaged file").to_owned();
        assert_eq!(gateway.metric("frontgate_plugin_records_damaged"), 1.0, "{kind}");
        if let Some(bytes) = bytes {
            assert_eq!(fs::read(marker).expect("the damaged file"), bytes, "{kind}");
        }
    }
}

#[test]
fn an_unknown_plugin_waits_after_damage() {
    let gateway = stopped();
    fs::write(records(&gateway), "{").expect("a file");
    fs::write(gateway.path("plugins/other.wasm"), another_build(&without_grants(), 2)).expect("a file");
    let gateway = gateway.start_again();
    gateway.log().event("plugin.waiting").with("plugin", "other").wait_for(1);
    assert_eq!(gateway.status()["plugins"]["other"]["live"], Value::Null);
}

#[test]
fn the_history_survives_damage_to_both_record_files() {
    let gateway = stopped();
    fs::write(records(&gateway), "{").expect("a file");
    fs::write(gateway.path("data/plugins/plugins.json.previous"), "{").expect("a file");
    fs::remove_dir_all(gateway.path("data/plugins/versions")).expect("the versions");
    let gateway = gateway.start_again();
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(1);
    gateway.drop_plugin("plugin", &another_build(&without_grants(), 2));
    gateway.log().event("plugin.waiting").with("plugin", "plugin").wait_for(1);
}

#[test]
fn an_operator_can_allow_one_version_after_damage() {
    let gateway = stopped();
    fs::write(records(&gateway), "{").expect("a file");
    let gateway = gateway.start_again();
    let new = another_build(&without_grants(), 2);
    gateway.drop_plugin("plugin", &new);
    gateway.log().event("plugin.waiting").with("plugin", "plugin").wait_for(1);
    assert_eq!(gateway.admin_post("/plugins/plugin/allow", "").0, 200);
    assert_eq!(live(&gateway), digest(&new));
    gateway.drop_plugin("plugin", &another_build(&without_grants(), 3));
    gateway.log().event("plugin.waiting").with("plugin", "plugin").wait_for(2);
}

#[test]
fn the_damage_marker_survives_restarts_until_its_file_is_moved() {
    let gateway = stopped();
    fs::write(records(&gateway), "{").expect("a file");
    let gateway = gateway.start_again().restart();
    let new = another_build(&without_grants(), 2);
    gateway.drop_plugin("plugin", &new);
    gateway.log().event("plugin.waiting").with("plugin", "plugin").wait_for(1);
    let list = gateway.command(&["plugin", "list"]);
    assert!(String::from_utf8_lossy(&list.stdout).contains("plugin records are corrupt"), "{list:?}");
    for file in damaged_files(&gateway.path("data/plugins")) {
        fs::rename(file, gateway.path("looked-at")).expect("a move");
    }
    gateway.reload();
    assert_eq!(live(&gateway), digest(&new));
    assert_eq!(gateway.status()["plugin_records_damaged"], Value::Null);
    assert_eq!(gateway.restart().status()["plugin_records_damaged"], Value::Null);
}

#[test]
fn damage_keeps_versions_and_rollback_decisions() {
    let mut gateway = Setup::new().plugin("plugin", &without_grants()).start();
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(1);
    let second = another_build(&without_grants(), 2);
    gateway.drop_plugin("plugin", &second);
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(2);
    assert_eq!(gateway.admin_post("/plugins/plugin/rollback", "").0, 200);
    gateway.kill();
    fs::write(records(&gateway), "{").expect("a file");
    let gateway = gateway.start_again();
    gateway.log().wait_for("plugin records");
    eventually("the version before is live", || live(&gateway), |live| *live == digest(&without_grants()));
    // This change triggers the cleanup of versions.
    gateway.drop_plugin("other", &second);
    gateway.log().event("plugin.live").with("plugin", "other").wait_for(1);
    for version in [without_grants(), second] {
        assert!(gateway.path(&format!("data/plugins/versions/{}.wasm", digest(&version))).exists());
    }
}

#[test]
fn records_of_the_previous_release_are_migrated() {
    let mut gateway = stopped();
    let document: Value = serde_json::from_slice(&fs::read(records(&gateway)).expect("the records")).expect("JSON");
    let names = document["content"]["names"].to_string();
    let folder = gateway.path("data/plugins");
    fs::write(folder.join("plugins.json"), names).expect("a file");
    fs::remove_file(folder.join("plugins.json.previous")).expect("the file");
    gateway = gateway.start_again();
    assert_eq!(gateway.status()["plugin_records_damaged"], Value::Null);
    gateway.drop_plugin("plugin", &with_grants());
    gateway.log().event("plugin.waiting").with("plugin", "plugin").saying("new capabilities").wait_for(1);
}

#[test]
fn a_fresh_folder_loads_every_plugin() {
    let gateway = Setup::new().plugin("plugin", &with_grants()).plugin("other", &without_grants()).start();
    gateway.log().event("plugin.live").with("plugin", "other").wait_for(1);
    assert_eq!(gateway.output_of("hello"), "version 1");
    assert!(damaged_files(&gateway.path("data/plugins")).is_empty());
}

#[test]
fn check_changes_no_damaged_records() {
    let gateway = stopped();
    fs::write(records(&gateway), "{").expect("a file");
    let output = frontgate_tests::run(&gateway.path("."), &["check", "--config", "config.toml"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert_eq!(fs::read_to_string(records(&gateway)).expect("the file"), "{");
    assert!(damaged_files(&gateway.path("data/plugins")).is_empty());
}
