//! Tests that plugins are added, replaced and removed while callbacks are answered.

use std::fs;
use std::thread;

use frontgate_tests::{Gateway, Setup, another_build, component, eventually, numbered_build, renamed, root, run};
use serde_json::Value;

const CONTRACT: &str = "frontgate:plugin/crm@0.1.0";

/// Returns all kinds of unusable plugin files: name, content, and a part of the expected reason.
fn bad_files() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let good = component("misbehaving");
    let trap = fs::read_to_string(root().join("tests/guests/trap-at-start.wat")).expect("the source");
    let wat = |text: &str| wat::parse_str(text).expect("WebAssembly");
    vec![
        ("empty", Vec::new(), "it is empty"),
        ("text", b"hello".to_vec(), "it is not WebAssembly"),
        ("truncated", good[..good.len() / 2].to_vec(), "it does not compile"),
        ("a core module", wat("(module)"), "it is a core module"),
        ("without roles", wat("(component)"), "exports no role of the contract: no exports"),
        ("another version", renamed(&good, CONTRACT, "frontgate:plugin/crm@0.9.0"), "this gateway supports 0.1.0"),
        (
            "another contract",
            renamed(&component("templates"), "frontgate:plugin/templates@", "frontgate:slugin/templates@"),
            "exports frontgate:slugin/templates@0.1.0",
        ),
        ("a missing import", renamed(&good, "frontgate:plugin/log@", "frontgate:plugin/fog@"), "frontgate:plugin/fog"),
        ("trap at start", wat(&trap), "it does not start"),
    ]
}

fn attempt(gateway: &Gateway) -> Value {
    gateway.status()["plugins"]["plugin"]["last_attempt"].clone()
}

#[test]
fn a_dropped_file_goes_live() {
    let gateway = Setup::new().start();
    assert_eq!(gateway.admin_get("/readyz").0, 503);
    gateway.drop_plugin("plugin", &component("misbehaving"));
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(1);
    assert_eq!(gateway.output_of("hello"), "version 1");
    assert_eq!(gateway.admin_get("/readyz").0, 200);
    let roles = serde_json::json!(["crm", "templates", "outgoing", "routing", "conversations", "calls"]);
    assert_eq!(gateway.status()["plugins"]["plugin"]["live"]["roles"], roles);
}

#[test]
fn a_file_without_a_required_role_keeps_the_live_plugin() {
    let gateway = Setup::misbehaving().set("tenants.demo.roles.templates", "[\"plugin\"]").start();
    gateway.drop_plugin("plugin", &component("directory"));
    gateway
        .log()
        .event("plugin.kept")
        .with("plugin", "plugin")
        .saying("role templates, which a tenant uses, is missing in the new file")
        .wait_for(1);
    assert_eq!(gateway.output_of("hello"), "version 1");
    assert_eq!(gateway.admin_get("/readyz").0, 200);
}

#[test]
fn a_loading_plugin_is_listed_as_loading() {
    let gateway = Setup::new().set("plugins.cache", "\"compiled\"").start();
    gateway.drop_plugin("plugin", &component("misbehaving"));
    gateway.log().wait_for("compiling plugin `plugin`");
    let status = gateway.status();
    // The compiler may have exited already.
    let plugin = &status["plugins"]["plugin"];
    assert!(plugin["loading"] == true || !plugin["live"].is_null(), "{status}");
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(1);
    // The log line is written before the status changes.
    let loading = || gateway.status()["plugins"]["plugin"]["loading"].clone();
    eventually("loading has ended", loading, |loading| *loading != true);
}

#[test]
fn every_bad_file_keeps_the_live_plugin_and_is_explained() {
    let gateway = Setup::misbehaving().start();
    for (index, (name, bytes, reason)) in bad_files().into_iter().enumerate() {
        gateway.drop_plugin("plugin", &bytes);
        gateway.log().event("plugin.kept").with("plugin", "plugin").wait_for(index + 1);
        assert_eq!(gateway.output_of("hello"), "version 1", "{name}");
        let attempt = attempt(&gateway);
        assert_eq!(attempt["outcome"], "kept", "{name}");
        assert!(attempt["reason"].as_str().expect("a reason").contains(reason), "{name}: {attempt}");
        let list = gateway.command(&["plugin", "list"]);
        let list = String::from_utf8_lossy(&list.stdout).into_owned();
        assert!(
            list.contains("live") && list.contains("newest file not used") && list.contains(reason),
            "{name}: {list}"
        );
    }
    assert_eq!(gateway.admin_get("/readyz").0, 200);
    gateway.drop_plugin("plugin", &another_build(&component("misbehaving"), 1));
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(2);
    assert_eq!(attempt(&gateway)["outcome"], "live");
}

#[test]
fn a_good_file_after_a_bad_first_file_goes_live() {
    let gateway = Setup::new().plugin("plugin", b"hello").start();
    gateway.log().event("plugin.refused").with("plugin", "plugin").saying("it is not WebAssembly").wait_for(1);
    assert_eq!(attempt(&gateway)["outcome"], "refused");
    gateway.drop_plugin("plugin", &component("misbehaving"));
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(1);
}

#[test]
fn a_file_written_in_pieces_is_loaded_when_it_is_complete() {
    let gateway = Setup::misbehaving().start();
    let newer = another_build(&component("misbehaving"), 1);
    let path = gateway.path("plugins/plugin.wasm");
    fs::write(&path, []).expect("a file");
    for piece in newer.chunks(10_000) {
        let mut whole = fs::read(&path).expect("the file");
        whole.extend(piece);
        fs::write(&path, whole).expect("a file");
    }
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(2);
    assert_eq!(gateway.output_of("hello"), "version 1");
}

#[test]
fn a_call_in_flight_ends_on_its_original_version() {
    let gateway = Setup::misbehaving().start();
    thread::scope(|scope| {
        let slow = scope.spawn(|| gateway.output_of("sleep 1000"));
        gateway.drop_plugin("plugin", &component("directory"));
        gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(2);
        assert_eq!(gateway.instruct("hello").status, 502, "the new version has no file to read");
        assert_eq!(slow.join().expect("an answer"), "slept");
    });
}

#[test]
fn removing_and_restoring_a_file_does_the_same_to_its_role() {
    let gateway = Setup::misbehaving().start();
    fs::remove_file(gateway.path("plugins/plugin.wasm")).expect("the file");
    gateway.log().event("plugin.removed").with("plugin", "plugin").wait_for(1);
    assert_eq!(gateway.instruct("hello").code(), "no-plugin");
    assert_eq!(gateway.admin_get("/readyz").0, 503);
    assert_eq!(attempt(&gateway)["outcome"], "removed");
    gateway.drop_plugin("plugin", &component("misbehaving"));
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(2);
    assert_eq!(gateway.output_of("hello"), "version 1");
}

#[test]
fn a_folder_without_events_is_rescanned_on_a_timer() {
    // A change of a link's target causes no event in this folder.
    let elsewhere = tempfile::TempDir::new().expect("a folder");
    let setup = Setup::new().set("plugins.rescan_interval_ms", "50");
    let link = setup.folder().join("plugins/plugin.wasm");
    let real = elsewhere.path().join("real");
    fs::write(&real, component("misbehaving")).expect("a file");
    std::os::unix::fs::symlink(&real, link).expect("a link");
    let gateway = setup.start();
    assert_eq!(gateway.output_of("hello"), "version 1");
    fs::write(&real, another_build(&component("misbehaving"), 1)).expect("a file");
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(2);
}

#[test]
fn a_transient_load_failure_is_retried() {
    let setup = Setup::misbehaving().set("plugins.rescan_interval_ms", "50").set("plugins.cache", "\"compiled\"");
    let compiled = setup.folder().join("compiled");
    let gateway = setup.start();
    fs::remove_dir_all(&compiled).expect("the cache");
    gateway.drop_plugin("plugin", &another_build(&component("misbehaving"), 1));
    gateway.log().event("plugin.kept").with("plugin", "plugin").wait_for(1);
    fs::create_dir(&compiled).expect("a folder");
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(2);
}

#[test]
fn foreign_files_in_the_cache_are_kept() {
    let setup = Setup::misbehaving().set("plugins.cache", "\"compiled\"");
    let compiled = setup.folder().join("compiled");
    fs::create_dir(&compiled).expect("a folder");
    for number in 0..100 {
        fs::write(compiled.join(format!("document-{number}.txt")), "text").expect("a file");
    }
    let _gateway = setup.start();
    assert_eq!(fs::read_dir(&compiled).expect("the folder").count(), 101);
}

#[test]
fn a_cache_writable_by_others_is_not_used() {
    let setup = Setup::misbehaving().set("plugins.cache", "\"compiled\"");
    let compiled = setup.folder().join("compiled");
    fs::create_dir(&compiled).expect("a folder");
    fs::set_permissions(&compiled, std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("the folder");
    setup.write();
    let output = run(setup.folder(), &["run"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("others can write"), "{output:?}");
}

#[test]
fn a_folder_scan_does_not_trigger_another_scan() {
    let gateway = Setup::misbehaving().start();
    for _ in 0..200 {
        gateway.output_of("hello");
    }
    let (_, metrics) = gateway.admin_get("/metrics");
    let looks = metrics.lines().find_map(|line| line.strip_prefix("frontgate_plugin_folder_looks_total "));
    let looks: u32 = looks.and_then(|looks| looks.parse().ok()).expect("a count");
    assert!(looks < 20, "{looks} looks");
}

#[test]
fn a_restart_compiles_nothing() {
    let cache = tempfile::TempDir::new().expect("a folder");
    let gateway = Setup::misbehaving().set("plugins.cache", format!("{:?}", cache.path())).start();
    let compiled =
        || -> Vec<_> { fs::read_dir(cache.path()).expect("the cache").flatten().map(|entry| entry.path()).collect() };
    let before = compiled();
    assert_eq!(before.len(), 1);
    let created = fs::metadata(&before[0]).and_then(|file| file.created()).expect("a time");
    let gateway = gateway.restart();
    assert_eq!(compiled(), before);
    assert_eq!(fs::metadata(&before[0]).and_then(|file| file.created()).expect("a time"), created);
    // A damaged file in the cache is not used; the plugin is compiled again.
    let mut bytes = fs::read(&before[0]).expect("the file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&before[0]).expect("the file");
    fs::write(&before[0], bytes).expect("a file");
    let gateway = gateway.restart();
    assert_eq!(gateway.output_of("hello"), "version 1");
    assert_eq!(compiled(), before);
}

#[test]
fn the_cache_keeps_as_many_builds_as_configured() {
    let build = |number| numbered_build(&component("keyvalue"), number);
    let names = ["plugin", "second", "third"];
    let setup = Setup::new().set("plugins.cache", "\"compiled\"").set("plugins.cache_files_max", "3");
    let setup = names.iter().zip(0..).fold(setup, |setup, (name, number)| setup.plugin(name, &build(number)));
    let gateway = setup.start();
    gateway.reload();
    let gateway = gateway.restart();
    gateway.reload();
    assert_eq!(gateway.metric("frontgate_plugins_live"), 3.0);
    assert!(!gateway.log().text().contains("compiling"));
    gateway.edit_config(&[("plugins.cache_files_max", "2")]);
    let gateway = gateway.restart();
    gateway.drop_plugin("third", &build(3));
    gateway.reload();
    assert_eq!(fs::read_dir(gateway.path("compiled")).expect("the cache").count(), 2);
    assert_eq!(gateway.metric("frontgate_plugins_live"), 3.0);
}

#[test]
fn no_call_fails_while_good_and_bad_files_alternate() {
    let gateway = Setup::misbehaving().start();
    let bad: Vec<_> = bad_files().into_iter().map(|(_, bytes, _)| bytes).collect();
    let answered = gateway.answers_during(|| {
        for round in 0..18_u8 {
            let good = another_build(&component("misbehaving"), round);
            gateway.drop_plugin("plugin", &good);
            gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(usize::from(round) + 2);
            gateway.drop_plugin("plugin", &bad[usize::from(round) % bad.len()]);
            gateway.log().event("plugin.kept").with("plugin", "plugin").wait_for(usize::from(round) + 1);
        }
    });
    assert!(answered > 100);
}

#[test]
fn a_large_plugin_serves_from_a_quick_build() {
    let gateway = Setup::misbehaving()
        .set("plugins.quick_build_bytes_min", "0")
        .set("plugins.named.plugin.quick_build", "true")
        .set("plugins.cache", "\"compiled\"")
        .start();
    gateway.log().wait_for("compiling plugin `plugin` (quick build)");
    assert_eq!(gateway.output_of("hello"), "version 1");
    assert_eq!(gateway.instruct("panic").code(), "plugin-trapped");
}

#[test]
fn the_optimized_build_replaces_the_quick_one() {
    let gateway = Setup::new()
        .plugin("plugin", &component("keyvalue"))
        .set("plugins.quick_build_bytes_min", "0")
        .set("plugins.named.plugin.quick_build", "true")
        .set("plugins.cache", "\"compiled\"")
        .set("plugins.named.plugin.state", "true")
        .start();
    assert_eq!(gateway.output_of("set a 1"), "()");
    gateway.log().event("plugin.optimized").with("plugin", "plugin").wait_for(1);
    assert_eq!(gateway.output_of("get a"), "Some(\"1\")");
    let gateway = gateway.restart();
    assert_eq!(gateway.output_of("get a"), "Some(\"1\")");
    assert!(!gateway.log().text().contains("compiling"));
}
