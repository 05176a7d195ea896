//! Finding 2: a small file terminates the gateway.

use frontgate_tests::hostile::{
    nested_component_types, nested_components, nested_instance_types, type_chain, wide_functions,
};
use frontgate_tests::{Gateway, Setup, eventually, run};
use tempfile::TempDir;

/// A number of levels that would overflow the stack of a recursive parser.
const LEVELS: usize = 1_000;

const TOO_DEEP: &str = "it nests components and their types more than 32 levels deep";

fn reason(gateway: &Gateway, plugin: &str) -> String {
    gateway.status()["plugins"][plugin]["last_attempt"]["reason"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn nested_types_are_rejected_while_callbacks_are_answered() {
    let gateway = Setup::misbehaving().start();
    let answered = gateway.answers_during(|| {
        for (name, file) in [
            ("instances", nested_instance_types(LEVELS)),
            ("components", nested_component_types(LEVELS)),
            ("whole", nested_components(LEVELS)),
            ("deeper", nested_instance_types(1_000_000)),
        ] {
            gateway.drop_plugin(name, &file);
            gateway.log().event("plugin.refused").with("plugin", name).wait_for(1);
            assert_eq!(reason(&gateway, name), TOO_DEEP, "{name}");
        }
    });
    assert!(answered > 0);
}

#[test]
fn a_gateway_starts_despite_a_file_of_nested_types() {
    let gateway = Setup::misbehaving().plugin("nested", &nested_instance_types(LEVELS)).start();
    gateway.log().event("plugin.refused").with("plugin", "nested").wait_for(1);
    let gateway = gateway.restart();
    gateway.log().event("plugin.refused").with("plugin", "nested").wait_for(1);
    assert_eq!(gateway.output_of("hello"), "version 1");
}

#[test]
fn a_new_version_with_nested_types_keeps_the_live_plugin() {
    let gateway = Setup::misbehaving().start();
    gateway.drop_plugin("plugin", &nested_component_types(LEVELS));
    gateway.log().event("plugin.kept").with("plugin", "plugin").wait_for(1);
    assert_eq!(gateway.output_of("hello"), "version 1");
}

#[test]
fn commands_explain_what_is_wrong_with_nested_types() {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("nested.wasm"), nested_instance_types(LEVELS)).expect("a file");
    let output = run(folder.path(), &["plugin", "inspect", "nested.wasm"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.code() == Some(1) && text.contains(TOO_DEEP), "{text}");
    std::fs::write(folder.path().join("config.toml"), "").expect("a file");
    let output = run(folder.path(), &["plugin", "allow", "nested.wasm"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && text.contains(TOO_DEEP), "{text}");
    assert!(!folder.path().join("plugins.lock").exists());
}

/// Waits for pending retries, and counts the compilations of the plugin's file.
fn compilations(gateway: &Gateway, plugin: &str) -> usize {
    let scans = || gateway.metric("frontgate_plugin_folder_looks_total");
    let wait_until_loaded = || {
        let loading = || gateway.status()["plugins"][plugin]["loading"].clone();
        eventually("loading has ended", loading, |loading| *loading != true);
    };
    wait_until_loaded();
    let enough = scans() + 20.0;
    eventually("the folder is scanned 20 times", scans, |scans| *scans >= enough);
    wait_until_loaded();
    gateway.log().text().matches(&format!("compiling plugin `{plugin}`")).count()
}

#[test]
fn a_file_that_kills_the_compiler_twice_is_rejected_for_good() {
    let gateway = Setup::misbehaving().set("plugins.rescan_interval_ms", "20").start();
    gateway.drop_plugin("chain", &type_chain(1_000));
    let line = gateway
        .log()
        .event("plugin.refused")
        .with("plugin", "chain")
        .saying("it does not compile: the compiler exited")
        .wait_for(1);
    let message = line["message"].as_str().expect("a line of the log");
    assert!(message.len() < 2_000 && !message.contains(char::is_control), "{message:?}");
    assert_eq!(compilations(&gateway, "chain"), 2);
    assert_eq!(gateway.output_of("hello"), "version 1");
}

#[test]
fn a_file_that_exhausts_compiler_memory_twice_is_rejected_for_good() {
    let gateway = Setup::misbehaving()
        // The smallest allowed address space is too small for the types.
        .set("plugins.compile_memory_bytes_max", "268435456")
        .set("plugins.rescan_interval_ms", "20")
        .start();
    gateway.drop_plugin("hungry", &wide_functions(40_000));
    gateway
        .log()
        .event("plugin.refused")
        .with("plugin", "hungry")
        .saying("it does not compile: the compiler was killed by signal")
        .wait_for(1);
    gateway.log().wait_for_count("compiling plugin `hungry`", 2);
    assert_eq!(compilations(&gateway, "hungry"), 2);
    assert_eq!(gateway.output_of("hello"), "version 1");
}

#[test]
fn an_operator_can_have_a_rejected_file_compiled_again() {
    let gateway = Setup::misbehaving().start();
    gateway.drop_plugin("chain", &type_chain(1_000));
    gateway.log().event("plugin.refused").with("plugin", "chain").wait_for(1);
    gateway.reload();
    gateway.log().wait_for_count("compiling plugin `chain`", 3);
}
