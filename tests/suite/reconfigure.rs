//! A reload of `config.toml`: all of it counts, or nothing.

use std::fs;

use frontgate_tests::{Action, Call, Fault, Gateway, Setup, TOKEN, root};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::delivery::{OURS, pair, workers_added};

fn reason(receipt: &Value) -> &str {
    assert_eq!(receipt["outcome"], "kept", "{receipt}");
    receipt["reason"].as_str().expect("a reason")
}

fn status_of(gateway: &Gateway, prefix: &str) -> u16 {
    gateway
        .callback_of(
            prefix,
            "crm",
            &[("Location", "GetCustomersList"), ("Worker", "ana@example.org"), ("PageSize", "10")],
        )
        .status
}

/// A component that computes for a while when it starts, some hundred times as long as what waits for it here.
fn slow_at_start() -> Vec<u8> {
    let trap = fs::read_to_string(root().join("tests/guests/trap-at-start.wat")).expect("the source");
    let step = "(local.tee 0 (i64.add (local.get 0) (i64.const 1)))";
    let count = format!("(local i64) (loop $on (br_if $on (i64.lt_u {step} (i64.const 1000000000))))");
    wat::parse_str(trap.replace("$boom unreachable", &format!("$boom {count}"))).expect("WebAssembly")
}

/// What the plugin reads as its colour, and whether it is asked for templates.
fn colour_and_role(gateway: &Gateway) -> (String, bool) {
    let form = [("Location", "GetTemplatesByCustomerId"), ("Worker", "ana@example.org"), ("CustomerId", "7")];
    (gateway.wished("setting colour"), gateway.callback("templates", &form).status == 200)
}

/// Settings under which that is blue and true.
const BLUE: [(&str, &str); 2] =
    [("plugins.named.plugin.config.colour", "\"blue\""), ("tenants.demo.roles.templates", "[\"plugin\"]")];

#[test]
fn tenants_come_and_go_and_their_roles_change() {
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
fn what_a_live_plugin_may_do_changes_without_a_new_file() {
    let gateway = Setup::misbehaving().set("plugins.named.plugin.config.colour", "\"red\"").start();
    assert_eq!(gateway.wished("setting colour"), "red");
    assert_eq!(gateway.wish("compute 300").status, 200);
    let before = gateway.status()["plugins"]["plugin"]["live"].clone();
    gateway.reconfigure(&[("plugins.named.plugin.config.colour", "\"blue\""), ("plugins.limits.cpu_time_ms", "50")]);
    assert_eq!(gateway.wished("setting colour"), "blue");
    assert_eq!(gateway.wish("compute 300").status, 504);
    assert_eq!(gateway.status()["plugins"]["plugin"]["live"], before);
    assert_eq!(gateway.reload().len(), 0);
}

#[test]
fn a_secret_that_was_rotated_in_its_file_counts_from_the_reload_on() {
    let gateway = Setup::misbehaving().start();
    fs::write(gateway.path("token"), "another token").expect("a file");
    assert_eq!(status_of(&gateway, ""), 200);
    let receipt = gateway.reconfigure(&[]);
    assert_eq!(receipt["changes"], json!(["tenants.demo.twilio.auth_tokens[0]"]));
    assert_eq!(status_of(&gateway, ""), 403);
    fs::write(gateway.path("token"), TOKEN).expect("a file");
    gateway.signal(Signal::HUP);
    gateway.log().wait_for("reloaded: 0 changed, 0 not usable");
    assert_eq!(status_of(&gateway, ""), 200);
}

#[test]
fn a_file_with_faults_changes_nothing_and_each_is_named() {
    let gateway = Setup::misbehaving().start();
    let faulty = [("server.public_url", "\"example\""), ("plugins.limits.cpu_time_ms", "0")];
    let receipt = gateway.reconfigure(&faulty);
    for part in ["config.toml:", "server.public_url", "plugins.limits.cpu_time_ms"] {
        assert!(reason(&receipt).contains(part), "{receipt}");
    }
    assert_eq!(gateway.status()["configuration"]["outcome"], "kept");
    assert_eq!(status_of(&gateway, ""), 200);
    gateway.set(&[("tenants.other", "{ nonsense = 1 }")]);
    let output = gateway.command(&["reload"]);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_command_shows_what_became_of_the_configuration() {
    let gateway = Setup::misbehaving().start();
    let said = || {
        let output = gateway.command(&["reload"]);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, text) = said();
    assert!(code == Some(0) && text.contains("nothing has changed"), "{text}");
    gateway.set(&[("plugins.limits.cpu_time_ms", "900")]);
    let (code, text) = said();
    assert!(code == Some(0) && text.contains("live") && text.contains("plugins.limits.cpu_time_ms"), "{text}");
    gateway.set(&[("store.queue_max", "7")]);
    let (code, text) = said();
    assert!(code == Some(1) && text.contains("kept") && text.contains("store"), "{text}");
}

#[test]
fn what_needs_a_restart_is_named_and_nothing_of_the_file_counts() {
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
    assert_eq!(gateway.wished("setting colour"), "red");
    let gateway = gateway.restart();
    assert_eq!(gateway.wished("setting colour"), "blue");
}

#[test]
fn a_configuration_under_which_a_live_plugin_does_not_start_is_refused_whole() {
    let gateway = Setup::misbehaving().start();
    let receipt = gateway.reconfigure(&[
        ("plugins.named.plugin.limits.memory_bytes_max", "65536"),
        ("tenants.other.path", "\"/other\""),
        ("tenants.other.twilio.auth_tokens", "[{ file = \"token\" }]"),
        ("tenants.other.roles.crm", "[\"plugin\"]"),
    ]);
    assert!(reason(&receipt).contains("plugin `plugin` is not usable with it"), "{receipt}");
    assert_eq!((status_of(&gateway, "/other"), gateway.wish("hello").status), (404, 200));
}

#[test]
fn a_reload_ends_whole_even_if_whoever_asked_for_it_hangs_up_at_once() {
    let gateway = Setup::misbehaving().set(BLUE[0].0, "\"red\"").set(BLUE[1].0, "[]").start();
    assert_eq!(colour_and_role(&gateway), ("red".to_owned(), false));
    gateway.set(&BLUE);
    gateway.operate_and_leave("/reload");
    gateway.log().wait_for("counts as it is now");
    assert_eq!(colour_and_role(&gateway), ("blue".to_owned(), true));
}

#[test]
fn a_reload_that_takes_longer_than_the_operator_is_kept_waiting_ends_whole() {
    let gateway = Setup::misbehaving()
        .plugin("slow", &slow_at_start())
        .set("plugins.named.slow.limits", "{ cpu_time_ms = 60000, call_timeout_ms = 30000 }")
        .set("plugins.named.plugin.limits.call_timeout_ms", "5000")
        .set(BLUE[0].0, "\"red\"")
        .set(BLUE[1].0, "[]")
        .start();
    gateway.log().wait_for("plugin `slow` is live");
    gateway.reconfigure(&[("plugins.compile_timeout_ms", "1"), ("plugins.limits.call_timeout_ms", "1")]);
    gateway.set(&BLUE);
    let (status, text) = gateway.operate("/reload", "");
    assert!(status == 504 && text.contains("it is still being done"), "{text}");
    gateway.log().wait_for_more("counts as it is now", 2);
    assert_eq!(colour_and_role(&gateway), ("blue".to_owned(), true));
}

#[test]
fn a_role_that_is_answered_is_not_lost_to_a_name_that_is_not_there() {
    let gateway = Setup::misbehaving().start();
    let receipt = gateway.reconfigure(&[("tenants.demo.roles.crm", "[\"other\"]")]);
    assert!(reason(&receipt).contains("tenant demo: no plugin would answer the role crm (named: "), "{receipt}");
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
fn no_callback_fails_while_one_configuration_follows_the_other() {
    let gateway = Setup::misbehaving().start();
    let answered = gateway.asked_while(|| {
        for round in 0..40 {
            let receipt = gateway.reconfigure(&[("plugins.named.plugin.config.round", &format!("\"{round}\""))]);
            assert_eq!(receipt["outcome"], "live", "{receipt}");
            assert_eq!(gateway.wished("setting round"), round.to_string());
        }
    });
    assert!(answered > 40);
    while gateway.metric("frontgate_plugin_generations") > 1.0 {}
}

#[test]
fn deliveries_of_a_tenant_that_was_left_out_are_counted_no_longer() {
    let sent = r#"frontgate_deliveries{tenant="demo",state="sent"}"#;
    let (twilio, gateway) = pair(|setup| setup);
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
    // More may have been sent in the meantime.
    assert!(gateway.metric(sent) >= number);
}

#[test]
fn what_is_to_be_delivered_is_delivered_once_while_configurations_change() {
    let (twilio, gateway) = pair(|setup| setup);
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
