//! Tests the operators' commands for plugin versions: rollback, allow, lock and reload; receipts and records.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use frontgate_tests::{Gateway, Setup, another_build, component, digest, run};
use rustix::process::Signal;
use serde_json::Value;

fn build(number: u8) -> Vec<u8> {
    another_build(&component("misbehaving"), number)
}

fn live(gateway: &Gateway) -> String {
    gateway.status()["plugins"]["plugin"]["live"]["digest"].as_str().unwrap_or("nothing").to_owned()
}

/// Runs a command, and returns its exit code and all of its output.
fn run_command(gateway: &Gateway, arguments: &[&str]) -> (Option<i32>, String) {
    let output = gateway.command(arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}

fn outcomes(receipts: &[Value]) -> Vec<&str> {
    receipts.iter().map(|receipt| receipt["outcome"].as_str().expect("an outcome")).collect()
}

/// Starts a gateway, and loads this many good versions. The last version is live.
fn with_versions(setup: Setup, count: u8) -> Gateway {
    let gateway = setup.plugin("plugin", &build(1)).start();
    for number in 2..=count {
        gateway.drop_plugin("plugin", &build(number));
        assert_eq!(outcomes(&gateway.reload()), ["live"]);
    }
    gateway
}

#[test]
fn rollback_goes_back_one_version_at_a_time() {
    let gateway = with_versions(Setup::new(), 3);
    for expected in [2, 1] {
        let (code, text) = run_command(&gateway, &["plugin", "rollback", "plugin"]);
        assert!(code == Some(0) && text.contains("rolled-back"), "{text}");
        assert_eq!(live(&gateway), digest(&build(expected)));
        assert_eq!(gateway.output_of("hello"), "version 1");
    }
    let (code, text) = run_command(&gateway, &["plugin", "rollback", "plugin"]);
    assert!(code == Some(1) && text.contains("no version to roll back to"), "{text}");
    // The folder still contains version 3.
    let gateway = gateway.restart();
    assert_eq!(live(&gateway), digest(&build(1)));
    assert_eq!(gateway.reload().len(), 0);
}

#[test]
fn rollback_accepts_the_digest_of_any_kept_version() {
    let gateway = with_versions(Setup::new().set("plugins.versions_max", "3"), 4);
    let list = run_command(&gateway, &["plugin", "list"]).1;
    for number in [2, 3] {
        assert!(list.contains(&digest(&build(number))[..12]), "{list}");
    }
    let rollback = |number: u8| run_command(&gateway, &["plugin", "rollback", "plugin", &digest(&build(number))[..12]]);
    assert_eq!(rollback(2).0, Some(0));
    assert_eq!(live(&gateway), digest(&build(2)));
    let (code, text) = rollback(2);
    assert!(code == Some(1) && text.contains("is already live"), "{text}");
    let (code, text) = rollback(1);
    assert!(code == Some(1) && text.contains("no stored version matches"), "{text}");
    // A version that was rolled back can be selected later.
    assert_eq!(rollback(4).0, Some(0));
    assert_eq!(live(&gateway.restart()), digest(&build(4)));
}

#[test]
fn a_bad_file_at_start_keeps_the_last_good_version() {
    let mut gateway = with_versions(Setup::new(), 2);
    gateway.kill();
    gateway.drop_plugin("plugin", b"hello");
    let gateway = gateway.start_again();
    assert_eq!(live(&gateway), digest(&build(2)));
    assert_eq!(gateway.status()["plugins"]["plugin"]["last_attempt"]["outcome"], "kept");
    // A removed plugin is not restored by a bad file.
    fs::remove_file(gateway.path("plugins/plugin.wasm")).expect("the file");
    assert_eq!(outcomes(&gateway.reload()), ["removed"]);
    gateway.drop_plugin("plugin", b"hello");
    assert_eq!(outcomes(&gateway.reload()), ["refused"]);
    assert_eq!(gateway.instruct("hello").code(), "no-plugin");
}

#[test]
fn a_version_that_needs_more_grants_waits_for_approval() {
    let modest = component("directory");
    let gateway = Setup::directory("Id,Name\n7,Mora Lind\n").start();
    gateway.drop_plugin("plugin", &component("misbehaving"));
    let receipts = gateway.reload();
    assert_eq!(outcomes(&receipts), ["waiting"]);
    let reason = receipts[0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("new capabilities: outbound HTTP, key-value state, the customer directory"), "{reason}");
    assert_eq!(live(&gateway), digest(&modest));
    assert_eq!(run_command(&gateway, &["reload"]).0, Some(1));
    assert!(run_command(&gateway, &["plugin", "list"]).1.contains("frontgate plugin allow plugin"));

    let gateway = gateway.restart();
    assert_eq!(live(&gateway), digest(&modest), "the version waits after a restart, too");
    let (code, text) = run_command(&gateway, &["plugin", "allow", "plugin", &digest(&component("misbehaving"))[..12]]);
    assert!(code == Some(0), "{text}");
    assert_eq!(live(&gateway), digest(&component("misbehaving")));
    let history = gateway.history("plugin");
    assert_eq!(outcomes(&history), ["live", "waiting", "waiting", "allowed", "live"]);
    let imports = history[4]["changes"]["imports"]["added"].to_string();
    assert!(imports.contains("frontgate:plugin/http-client@0.1.0"), "{imports}");
    assert_eq!(live(&gateway.restart()), digest(&component("misbehaving")));
}

#[test]
fn only_waiting_versions_can_be_allowed() {
    let gateway = Setup::misbehaving().start();
    let (code, text) = run_command(&gateway, &["plugin", "allow", "plugin"]);
    assert!(code == Some(1) && text.contains("no version of plugin `plugin` waits"), "{text}");
    let (code, text) = run_command(&gateway, &["plugin", "allow", "plugin", "abc"]);
    assert!(code == Some(1) && text.contains("use the full digest"), "{text}");
    assert!(run_command(&gateway, &["plugin", "rollback", "nobody"]).1.contains("plugin `nobody` is not live"));
}

#[test]
fn receipts_describe_changes_and_survive_a_restart() {
    let gateway = with_versions(Setup::new(), 2);
    gateway.drop_plugin("plugin", b"hello");
    gateway.reload();
    let gateway = gateway.restart();
    let history = gateway.history("plugin");
    assert_eq!(outcomes(&history), ["live", "live", "kept", "kept"]);
    assert!(history.is_sorted_by_key(|receipt| receipt["id"].to_string()), "{history:?}");
    let (first, second, third) = (&history[0], &history[1], &history[2]);
    assert_eq!(first["changes"]["sdk"], serde_json::json!([null, "0.1.0"]));
    assert_eq!(first["before"], Value::Null);
    assert_eq!((&second["before"], &second["after"]), (&first["after"], &second["digest"]));
    assert_eq!((&third["before"], &third["after"]), (&second["digest"], &second["digest"]));
    assert_eq!(third["digest"], digest(b"hello"));
    assert!(second["duration_ms"].is_u64());
    let shown = gateway.status()["receipts"].as_array().expect("receipts").clone();
    assert_eq!(outcomes(&shown), ["kept"], "receipts since the start");
    let text = run_command(&gateway, &["plugin", "history"]).1;
    assert!(text.contains("kept") && text.contains("it is not WebAssembly"), "{text}");
}

#[test]
fn the_number_of_receipts_is_limited() {
    let gateway = with_versions(Setup::new().set("plugins.receipts_max", "3"), 8);
    assert_eq!(gateway.history("plugin").len(), 3);
    let lines = fs::read_to_string(gateway.path("data/plugins/history.jsonl")).expect("the history");
    assert!(lines.lines().count() < 6, "{lines}");
    let versions = fs::read_dir(gateway.path("data/plugins/versions")).expect("the versions").count();
    assert_eq!(versions, 5);
}

#[test]
fn a_truncated_history_line_damages_no_other() {
    let mut gateway = with_versions(Setup::new(), 2);
    gateway.kill();
    let path = gateway.path("data/plugins/history.jsonl");
    let text = fs::read_to_string(&path).expect("the history");
    fs::write(&path, &text[..text.len() - 20]).expect("a file");
    fs::write(gateway.path("data/plugins/plugins.json"), "{").expect("a file");
    let gateway = gateway.start_again();
    gateway.log().wait_for("plugin records");
    assert_eq!(outcomes(&gateway.history("plugin")), ["live", "live"]);
}

#[test]
fn reload_waits_and_its_exit_code_reports_success() {
    let gateway = Setup::misbehaving().set("plugins.settle_ms", "200").start();
    let (code, text) = run_command(&gateway, &["reload"]);
    assert!(code == Some(0) && text.contains("no changes"), "{text}");
    gateway.drop_plugin("plugin", &build(2));
    let (code, text) = run_command(&gateway, &["reload"]);
    assert!(code == Some(0) && text.contains("plugin  live"), "{text}");
    gateway.drop_plugin("plugin", b"hello");
    for _ in 0..2 {
        let (code, text) = run_command(&gateway, &["reload"]);
        assert!(code == Some(1) && text.contains("kept") && text.contains("it is not WebAssembly"), "{text}");
    }
    let setup = Setup::new();
    setup.write();
    assert_eq!(run(setup.folder(), &["reload", "--config", "config.toml"]).status.code(), Some(2));
}

#[test]
fn a_sighup_reloads_plugins() {
    let gateway = Setup::misbehaving().set("plugins.settle_ms", "500").start();
    gateway.drop_plugin("plugin", &build(2));
    gateway.signal(Signal::HUP);
    gateway.log().event("gateway.reloaded").with("changed", "1").with("unusable", "0").wait_for(1);
    assert_eq!(live(&gateway), digest(&build(2)));
}

#[test]
fn a_lock_file_admits_only_listed_plugins() {
    let setup = Setup::new().set("plugins.locked", "true").plugin("plugin", &build(1));
    let gateway = setup.start();
    gateway.log().wait_for("not listed in plugins.lock; to allow the file: frontgate plugin allow");
    assert_eq!(live(&gateway), "nothing");
    let (code, text) = run_command(&gateway, &["plugin", "lock"]);
    assert!(code == Some(0) && text.contains("1 plugin in"), "{text}");
    assert_eq!(outcomes(&gateway.reload()), ["live"]);
    let lock = fs::read_to_string(gateway.path("plugins.lock")).expect("the lock");
    for words in ["[plugins.plugin]", &digest(&build(1)), "\"crm\"", "frontgate:plugin/settings@0.1.0", "0.1.0"] {
        assert!(lock.contains(words), "{words}: {lock}");
    }

    gateway.drop_plugin("plugin", &build(2));
    let receipts = gateway.reload();
    assert_eq!(outcomes(&receipts), ["kept"]);
    assert!(receipts[0]["reason"].as_str().expect("a reason").contains("plugins.lock lists"), "{receipts:?}");
    let (code, text) = run_command(&gateway, &["plugin", "allow", "plugins/plugin.wasm"]);
    assert!(code == Some(0), "{text}");
    assert_eq!(live(&gateway), digest(&build(2)));
    // The lock lists only the new version.
    let (code, text) = run_command(&gateway, &["plugin", "rollback", "plugin"]);
    assert!(code == Some(1) && text.contains("plugins.lock lists"), "{text}");
}

#[test]
fn an_unusable_plugin_is_not_locked() {
    let gateway = Setup::misbehaving().start();
    gateway.drop_plugin("other", b"hello");
    let (code, text) = run_command(&gateway, &["plugin", "lock"]);
    assert!(code == Some(1) && text.contains("other.wasm is not a usable plugin: it is not WebAssembly"), "{text}");
    assert!(!gateway.path("plugins.lock").exists());
}

#[test]
fn check_leaves_no_files_behind() {
    let setup = Setup::misbehaving();
    setup.write();
    let output = run(setup.folder(), &["check", "--config", "config.toml"]);
    assert!(output.status.success(), "{output:?}");
    assert!(!setup.folder().join("data/plugins").exists());
}

#[test]
fn only_the_gateways_user_can_send_commands() {
    let mut gateway = Setup::misbehaving().start();
    let socket = gateway.path("data/run/frontgate.sock");
    assert_eq!(fs::metadata(&socket).expect("the socket").permissions().mode() & 0o777, 0o600);
    for path in ["/reload", "/plugins/plugin/rollback"] {
        assert_eq!(frontgate_tests::post(gateway.address(), path, &[], b"").status, 404);
    }
    assert_eq!(gateway.admin_post("/nothing", "").0, 404);
    assert_eq!(gateway.admin_post("/reload", "{").0, 400);
    assert_eq!(gateway.admin_post("/plugins/plugin/allow", "{\"digest\": \"abc\"}").0, 409);
    gateway.signal(Signal::TERM);
    gateway.wait();
    assert!(!socket.exists(), "the socket is removed at shutdown");
}

#[test]
fn a_stale_socket_is_replaced_but_a_live_one_is_not() {
    let mut gateway = Setup::misbehaving().start();
    gateway.kill();
    assert!(gateway.path("data/run/frontgate.sock").exists());
    let gateway = gateway.start_again();
    assert_eq!(gateway.reload().len(), 0);
    let refused = |setup: Setup, words: &str| {
        setup.write();
        let output = run(setup.folder(), &["run", "--config", "config.toml"]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && text.contains(words), "{text}");
    };
    let socket = |path: &Path| Setup::misbehaving().set("admin.socket", format!("{path:?}"));
    refused(socket(&gateway.path("data/run/frontgate.sock")), "in use by a running gateway");
    refused(socket(&gateway.path("config.toml")), "exists and is not a socket");
    let open = tempfile::TempDir::new().expect("a folder");
    fs::set_permissions(open.path(), fs::Permissions::from_mode(0o777)).expect("the folder");
    refused(socket(&open.path().join("socket")), "others can write to the folder");
}
