//! Finding 29: plugin records keep every plugin name forever.

use std::fs;

use frontgate_tests::{Setup, another_build, component, digest};
use serde_json::Value;

#[test]
fn removed_files_are_forgotten() {
    let gateway = Setup::misbehaving().start();
    for number in 0..150 {
        gateway.drop_plugin(&format!("flood-{number}"), b"hello");
    }
    gateway.reload();
    for number in 0..150 {
        fs::remove_file(gateway.path(&format!("plugins/flood-{number}.wasm"))).expect("the file");
    }
    gateway.reload();
    let records = fs::read_to_string(gateway.path("data/plugins/plugins.json")).expect("the records");
    assert!(!records.contains("flood-"), "{records}");
    let shown = gateway.status()["plugins"].as_object().expect("plugins").len();
    assert!(shown <= 101, "{shown} plugins are shown");
}

#[test]
fn a_flood_of_names_displaces_no_known_or_configured_plugin() {
    let setup = Setup::misbehaving().set("plugins.names_max", "5").set("plugins.named.wanted.calls_max", "1");
    let gateway = setup.start();
    for number in 0..20 {
        gateway.drop_plugin(&format!("a-flood-{number}"), b"hello");
    }
    gateway.reload();
    gateway.log().wait_for("plugin files not loaded, plugins.names_max = 5 reached");
    gateway.drop_plugin("wanted", &component("directory"));
    gateway.log().event("plugin.live").with("plugin", "wanted").wait_for(1);
    let next = another_build(&component("misbehaving"), 2);
    gateway.drop_plugin("plugin", &next);
    gateway.reload();
    let status = gateway.status();
    assert_eq!(status["plugins"]["plugin"]["live"]["digest"], digest(&next));
    let tried = status["plugins"].as_object().expect("plugins").values();
    assert!(tried.filter(|plugin| plugin["last_attempt"] != Value::Null).count() <= 6 + 4, "{status}");
    assert!(gateway.metric("frontgate_plugin_files_left_out") > 0.0);
}

#[test]
fn versions_of_removed_plugins_are_deleted_first() {
    let bytes = component("directory").len();
    let setup = Setup::misbehaving().set("plugins.versions_bytes_max", (2 * bytes).to_string());
    let gateway = setup.start();
    let versions: Vec<Vec<u8>> = (1..6).map(|number| another_build(&component("directory"), number)).collect();
    for (number, version) in versions.iter().enumerate() {
        gateway.drop_plugin(&format!("short-{number}"), version);
        gateway.reload();
        fs::remove_file(gateway.path(&format!("plugins/short-{number}.wasm"))).expect("the file");
        gateway.reload();
    }
    let kept = fs::read_dir(gateway.path("data/plugins/versions")).expect("the versions").flatten();
    let kept: Vec<String> = kept.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert!(kept.len() <= 3, "{kept:?}");
    let live = digest(&component("misbehaving"));
    assert!(kept.iter().any(|name| name.starts_with(&live)), "the live version stays");
}
