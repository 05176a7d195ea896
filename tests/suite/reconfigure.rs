//! Tests that a reload of `config.toml` applies all of it or nothing.

use std::fs;

use frontgate_tests::{Action, Call, Fault, Gateway, Setup, TOKEN, eventually, root};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::delivery::{OURS, start_with_twilio, workers_added};

fn reason(receipt: &Value) -> &str {
    assert_eq!(receipt["outcome"], "kept", "{receipt}");
    receipt["reason"].as_str().expect("a reason")
}

fn status_of(gateway: &Gateway, prefix: &str) -> u16 {
    gateway
        .tenant_callback(
            prefix,
            "crm",
            &[("Location", "GetCustomersList"), ("Worker", "ana@example.org"), ("PageSize", "10")],
        )
        .status
}

/// Returns a component whose start takes a hundred times longer than the timeouts in these tests.
fn slow_at_start() -> Vec<u8> {
    let trap = fs::read_to_string(root().join("tests/guests/trap-at-start.wat")).expect("the source");
    let step = "(local.tee 0 (i64.add (local.get 0) (i64.const 1)))";
    let count = format!("(local i64) (loop $on (br_if $on (i64.lt_u {step} (i64.const 1000000000))))");
    wat::parse_str(trap.replace("$boom unreachable", &format!("$boom {count}"))).expect("WebAssembly")
}

/// Returns the plugin's setting `colour`, and whether the plugin has the role `templates`.
fn colour_and_role(gateway: &Gateway) -> (String, bool) {
    let form = [("Location", "GetTemplatesByCustomerId"), ("Worker", "ana@example.org"), ("CustomerId", "7")];
    (gateway.output_of("setting colour"), gateway.callback("templates", &form).status == 200)
}

/// Settings for which `colour_and_role` returns `("blue", true)`.
const BLUE: [(&str, &str); 2] =
    [("plugins.named.plugin.config.colour", "\"blue\""), ("tenants.demo.roles.templates", "[\"plugin\"]")];

#[test]
fn tenants_and_their_roles_change_with_a_reload() {
    let gateway = Setup::misbehaving().start();
    assert_eq!(status_of(&gateway, "/other"), 404);
    let other = [
        ("tenants.other.path", "\"/other\""),
        ("tenants.other.twilio.auth_tokens", "[{ file = \"token\" }]"),
        ("tenants.other.roles.crm", "[\"plugin\"]"),
    ];
    let receipt = gateway.reconfigure(&other);
    assert_eq!(receipt["outcome"], "live", "{receipt}");
    assert_eq!(
        receipt["changes"],
        json!([
            "tenants.other.path",
            "tenants.other.roles.crm",
            "tenants.other.twilio.auth_tokens",
            "tenants.other.twilio.auth_tokens[0]"
        ])
    );
    assert_eq!((status_of(&gateway, "/other"), status_of(&gateway, "")), (200, 200));
    gateway.reconfigure(&[("tenants.other.roles.crm", "[]")]);
    assert_eq!(status_of(&gateway, "/other"), 503);
    gateway.reconfigure(&other.map(|(key, _)| (key, "")));
    assert_eq!((status_of(&gateway, "/other"), status_of(&gateway, "")), (404, 200));
}

#[test]
fn settings_and_limits_of_a_live_plugin_change_with_a_reload() {
    let gateway = Setup::misbehaving().set("plugins.named.plugin.config.colour", "\"red\"").start();
    assert_eq!(gateway.output_of("setting colour"), "red");
    assert_eq!(gateway.instruct("compute 300").status, 200);
    let before = gateway.status()["plugins"]["plugin"]["live"].clone();
    gateway.reconfigure(&[("plugins.named.plugin.config.colour", "\"blue\""), ("plugins.limits.cpu_time_ms", "50")]);
    assert_eq!(gateway.output_of("setting colour"), "blue");
    assert_eq!(gateway.instruct("compute 300").status, 504);
    assert_eq!(gateway.status()["plugins"]["plugin"]["live"], before);
    assert_eq!(gateway.reload().len(), 0);
}

#[test]
fn a_rotated_secret_takes_effect_with_a_reload() {
    let gateway = Setup::misbehaving().start();
    fs::write(gateway.path("token"), "another token").expect("a file");
    assert_eq!(status_of(&gateway, ""), 200);
    let receipt = gateway.reconfigure(&[]);
    assert_eq!(receipt["changes"], json!(["tenants.demo.twilio.auth_tokens[0]"]));
    assert_eq!(status_of(&gateway, ""), 403);
    fs::write(gateway.path("token"), TOKEN).expect("a file");
    gateway.signal(Signal::HUP);
    gateway.log().event("gateway.reloaded").with("changed", "0").with("unusable", "0").wait_for(1);
    assert_eq!(status_of(&gateway, ""), 200);
}

#[test]
fn a_faulty_configuration_changes_nothing() {
    let gateway = Setup::misbehaving().start();
    let faulty = [("server.public_url", "\"example\""), ("plugins.limits.cpu_time_ms", "0")];
    let receipt = gateway.reconfigure(&faulty);
    for part in ["config.toml:", "server.public_url", "plugins.limits.cpu_time_ms"] {
        assert!(reason(&receipt).contains(part), "{receipt}");
    }
    assert_eq!(gateway.status()["configuration"]["outcome"], "kept");
    assert_eq!(status_of(&gateway, ""), 200);
    gateway.edit_config(&[("tenants.other", "{ nonsense = 1 }")]);
    let output = gateway.command(&["reload"]);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_reload_command_shows_the_result() {
    let gateway = Setup::misbehaving().start();
    let reload = || {
        let output = gateway.command(&["reload"]);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, text) = reload();
    assert!(code == Some(0) && text.contains("no changes"), "{text}");
    gateway.edit_config(&[("plugins.limits.cpu_time_ms", "900")]);
    let (code, text) = reload();
    assert!(code == Some(0) && text.contains("live") && text.contains("plugins.limits.cpu_time_ms"), "{text}");
    gateway.edit_config(&[("store.queue_max", "7")]);
    let (code, text) = reload();
    assert!(code == Some(1) && text.contains("kept") && text.contains("store"), "{text}");
}

#[test]
fn a_change_that_needs_a_restart_rejects_the_whole_reload() {
    let gateway = Setup::misbehaving().set("plugins.named.plugin.config.colour", "\"red\"").start();
    let changed = [
        ("store.queue_max", "7"),
        ("plugins.calls_max", "7"),
        ("plugins.cache_files_max", "7"),
        ("plugins.limits.memory_bytes_max", "1073741824"),
        ("plugins.named.plugin.config.colour", "\"blue\""),
    ];
    let receipt = gateway.reconfigure(&changed);
    for part in ["store", "plugins.calls_max", "plugins.cache_files_max", "the largest memory_bytes_max", "restart"] {
        assert!(reason(&receipt).contains(part), "{receipt}");
    }
    assert_eq!(gateway.output_of("setting colour"), "red");
    let gateway = gateway.restart();
    assert_eq!(gateway.output_of("setting colour"), "blue");
}

#[test]
fn a_configuration_that_a_live_plugin_cannot_start_with_is_rejected() {
    let gateway = Setup::misbehaving().start();
    let receipt = gateway.reconfigure(&[
        ("plugins.named.plugin.limits.memory_bytes_max", "65536"),
        ("tenants.other.path", "\"/other\""),
        ("tenants.other.twilio.auth_tokens", "[{ file = \"token\" }]"),
        ("tenants.other.roles.crm", "[\"plugin\"]"),
    ]);
    assert!(reason(&receipt).contains("plugin `plugin` cannot start under the new configuration"), "{receipt}");
    assert_eq!((status_of(&gateway, "/other"), gateway.instruct("hello").status), (404, 200));
}

#[test]
fn a_reload_completes_after_its_caller_disconnects() {
    let gateway = Setup::misbehaving().set(BLUE[0].0, "\"red\"").set(BLUE[1].0, "[]").start();
    assert_eq!(colour_and_role(&gateway), ("red".to_owned(), false));
    gateway.edit_config(&BLUE);
    gateway.admin_post_and_disconnect("/reload");
    gateway.log().event("config.applied").wait_for(1);
    assert_eq!(colour_and_role(&gateway), ("blue".to_owned(), true));
}

#[test]
fn a_reload_completes_after_its_caller_timed_out() {
    let gateway = Setup::misbehaving()
        .plugin("slow", &slow_at_start())
        .set("plugins.named.slow.limits", "{ cpu_time_ms = 60000, call_timeout_ms = 30000 }")
        .set("plugins.named.plugin.limits.call_timeout_ms", "5000")
        .set(BLUE[0].0, "\"red\"")
        .set(BLUE[1].0, "[]")
        .start();
    gateway.log().event("plugin.live").with("plugin", "slow").wait_for(1);
    gateway.reconfigure(&[("plugins.compile_timeout_ms", "1"), ("plugins.limits.call_timeout_ms", "1")]);
    gateway.edit_config(&BLUE);
    let (status, text) = gateway.admin_post("/reload", "");
    assert!(status == 504 && text.contains("command still running"), "{text}");
    gateway.log().event("config.applied").wait_for(2);
    assert_eq!(colour_and_role(&gateway), ("blue".to_owned(), true));
}

#[test]
fn a_role_is_not_lost_to_a_plugin_that_does_not_exist() {
    let gateway = Setup::misbehaving().start();
    let receipt = gateway.reconfigure(&[("tenants.demo.roles.crm", "[\"other\"]")]);
    assert!(
        reason(&receipt).contains("tenant demo: no live plugin would have the role crm (configured: "),
        "{receipt}"
    );
    assert_eq!(status_of(&gateway, ""), 200);
    let component = fs::read(gateway.path("plugins/plugin.wasm")).expect("the plugin");
    gateway.drop_plugin("other", &component);
    gateway.reload();
    assert_eq!(gateway.status()["configuration"]["outcome"], "kept");
    gateway.reload();
    assert_eq!(gateway.status()["configuration"]["outcome"], "live");
    assert_eq!(status_of(&gateway, ""), 200);
}

#[test]
fn no_callback_fails_during_reloads() {
    let gateway = Setup::misbehaving().start();
    let answered = gateway.answers_during(|| {
        for round in 0..40 {
            let receipt = gateway.reconfigure(&[("plugins.named.plugin.config.round", &format!("\"{round}\""))]);
            assert_eq!(receipt["outcome"], "live", "{receipt}");
            assert_eq!(gateway.output_of("setting round"), round.to_string());
        }
    });
    assert!(answered > 40);
    let generations = || gateway.metric("frontgate_plugin_generations");
    eventually("old generations are dropped", generations, |count| *count <= 1.0);
}

#[test]
fn deliveries_of_a_removed_tenant_leave_the_metrics() {
    let sent = r#"frontgate_deliveries{tenant="demo",state="sent"}"#;
    let (twilio, gateway) = start_with_twilio(|setup| setup);
    twilio.inbound_sms("+12025550107", OURS, "planted text").expect("a conversation");
    gateway.wait_for_deliveries();
    let number = gateway.metric(sent);
    assert!(number > 0.0, "{number}");
    let settings = fs::read_to_string(gateway.path("config.toml")).expect("the configuration");
    fs::write(gateway.path("config.toml"), settings.replace("tenants.demo.", "tenants.other.")).expect("a file");
    assert_eq!(gateway.reconfigure(&[])["outcome"], "live");
    assert_eq!(gateway.metric(sent), 0.0);
    fs::write(gateway.path("config.toml"), settings).expect("a file");
    gateway.reload();
    // More deliveries may have been sent meanwhile.
    assert!(gateway.metric(sent) >= number);
}

#[test]
fn deliveries_happen_exactly_once_during_reloads() {
    let (twilio, gateway) = start_with_twilio(|setup| setup);
    twilio.fault(Fault::new(Action::FailBefore(503)).on(Call::AddParticipant).times(10));
    let conversations: Vec<String> = (0..20)
        .map(|index| {
            let colour = format!("\"{index}\"");
            let receipt = gateway.reconfigure(&[("plugins.named.plugin.config.colour", &colour)]);
            assert_eq!(receipt["outcome"], "live", "{receipt}");
            twilio.inbound_sms(&format!("+12025550{index:03}"), OURS, "planted text").expect("a conversation")
        })
        .collect();
    let deliveries = gateway.wait_for_deliveries();
    assert!(deliveries.iter().all(|delivery| delivery["state"] == "sent"), "{deliveries:?}");
    for sid in conversations {
        assert_eq!(workers_added(&twilio, &sid), 1);
    }
}
