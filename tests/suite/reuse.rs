//! Tests which plugins' instances are reused, for which tenant, and when an instance is dropped.

use std::fs;

use frontgate_tests::{Gateway, Setup, component, list, marked};

/// The plugin `misbehaving`, whose instruction `count` returns the number of earlier `count` calls of its instance.
fn counting() -> Setup {
    Setup::new().plugin("plugin", &marked(&component("misbehaving")))
}

fn counts<const N: usize>(gateway: &Gateway) -> [String; N] {
    [(); N].map(|()| gateway.output_of("count"))
}

fn reused(gateway: &Gateway) -> f64 {
    gateway.metric_or_zero("frontgate_plugin_instances_total{plugin=\"plugin\",instance=\"reused\"}")
}

#[test]
fn instances_of_a_marked_plugin_are_reused() {
    let gateway = counting().start();
    assert_eq!(counts(&gateway), ["0", "1", "2"]);
    assert_eq!(reused(&gateway), 2.0);
}

#[test]
fn a_plugin_without_the_mark_has_fresh_instances() {
    let gateway = Setup::misbehaving().start();
    assert_eq!(counts(&gateway), ["0", "0"]);
    assert_eq!(reused(&gateway), 0.0);
}

#[test]
fn a_mark_of_other_bytes_is_ignored() {
    let (plain, other) = (component("misbehaving"), marked(&component("flawed")));
    let mark = &other[other.len() - 53..];
    let gateway = Setup::new().plugin("plugin", &[&plain, mark].concat()).start();
    assert_eq!(counts(&gateway), ["0", "0"]);
}

#[test]
fn the_operator_can_ask_for_fresh_instances() {
    for key in ["plugins.instances", "plugins.named.plugin.instances"] {
        assert_eq!(counts(&counting().set(key, "\"fresh\"").start()), ["0", "0"], "{key}");
    }
}

#[test]
fn the_operator_can_reuse_instances_of_a_plugin_without_the_mark() {
    let gateway = Setup::misbehaving().set("plugins.named.plugin.instances", "\"reused\"").start();
    assert_eq!(counts(&gateway), ["0", "1"]);
}

#[test]
fn an_instance_serves_one_tenant_only() {
    let gateway = counting()
        .set("tenants.acme.path", "\"/acme\"")
        .set("tenants.acme.twilio.auth_tokens", "[{ file = \"token\" }]")
        .set("tenants.acme.roles.crm", "[\"plugin\"]")
        .start();
    assert_eq!(counts(&gateway), ["0", "1"]);
    let other = gateway.tenant_callback("/acme", "crm", &list(&[("Query", "count")]));
    assert_eq!(other.json["objects"]["customers"][0]["display_name"], "0", "{}", other.text);
    assert_eq!(counts(&gateway), ["2"]);
    // A reused instance logs under the tenant and the request of its current call.
    gateway.instruct("print 1");
    let line = gateway.log().wait_for("line 0");
    assert_eq!(line["tenant"], "demo");
}

#[test]
fn an_instance_serves_a_limited_number_of_calls() {
    let gateway = counting().set("plugins.reuse.calls_max", "3").start();
    assert_eq!(counts(&gateway), ["0", "1", "2", "0"]);
}

#[test]
fn an_instance_that_crashed_is_dropped() {
    let gateway = counting().start();
    assert_eq!(counts(&gateway), ["0", "1"]);
    assert_eq!(gateway.instruct("panic").code(), "plugin-trapped");
    assert_eq!(counts(&gateway), ["0", "1"]);
}

#[test]
fn an_instance_that_ran_out_of_time_is_dropped() {
    let gateway = counting().set("plugins.limits.cpu_time_ms", "100").start();
    assert_eq!(counts(&gateway), ["0", "1"]);
    assert_ne!(gateway.instruct("loop").status, 200);
    assert_eq!(counts(&gateway), ["0", "1"]);
}

#[test]
fn an_instance_whose_memory_has_grown_is_dropped() {
    let gateway = counting().start();
    assert_eq!(counts(&gateway), ["0", "1"]);
    gateway.output_of("allocate 25");
    assert_eq!(counts(&gateway), ["0", "1"]);
}

#[test]
fn a_new_version_starts_with_fresh_instances() {
    let gateway = counting().start();
    assert_eq!(counts(&gateway), ["0", "1"]);
    let next = marked(&frontgate_tests::another_build(&component("misbehaving"), b'2'));
    gateway.drop_plugin("plugin", &next);
    gateway.reload();
    assert_eq!(counts(&gateway), ["0", "1"]);
}

#[test]
fn an_instance_is_dropped_when_its_folder_is_replaced() {
    let rows = |name: &str| format!("id,name,phone\n1,{name},\n");
    let setup = Setup::directory(&rows("Mora Lind")).set("plugins.named.plugin.instances", "\"reused\"");
    let gateway = setup.set("plugins.named.plugin.config.own_customers_only", "false").start();
    let name = || gateway.crm(&list(&[])).json["objects"]["customers"][0]["display_name"].clone();
    assert_eq!(name(), "Mora Lind");
    let (files, next) = (gateway.path("files"), gateway.path("next"));
    fs::create_dir(&next).expect("a folder");
    fs::write(next.join("customers.csv"), rows("Otto Vale")).expect("a file");
    fs::rename(&files, gateway.path("earlier")).expect("a folder");
    fs::rename(&next, &files).expect("a folder");
    // An open folder serves calls for up to one second.
    frontgate_tests::eventually("the new folder is read", name, |name| *name == "Otto Vale");
}
