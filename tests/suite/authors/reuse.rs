//! Tests the comparison of fresh and used instances by `plugin test`, and the mark that it leaves.

use std::fs;

use frontgate_tests::{component, marked, root};
use serde_json::{Value, json};

use super::{Project, checks_with};

const REUSABLE: &str = "reusable = true\n";

/// A case of the plugin `misbehaving`.
fn instruction(query: &str, name: &str) -> Value {
    json!({
        "call": "crm.list-customers",
        "with": { "worker": "ana", "page-size": 1, "position": "first", "query": query },
        "answer-includes": { "ok": { "customers": [{ "display-name": name }] } },
    })
}

/// The plugin `echo-channel` with two of its cases.
fn echo(toml: &str) -> Project {
    let folder = root().join("plugins/echo-channel/cases");
    ["markup", "receive", "sign-in"].into_iter().fold(
        Project::new(&component("echo-channel"), toml),
        |project, name| {
            let case = fs::read(folder.join(format!("{name}.json"))).expect("a case");
            project.case(name, &serde_json::from_slice(&case).expect("JSON"))
        },
    )
}

fn file(project: &Project) -> Vec<u8> {
    fs::read(project.path().join("plugin.wasm")).expect("a file")
}

#[test]
fn a_hidden_counter_is_found() {
    let project = Project::new(&component("misbehaving"), REUSABLE).case("count", &instruction("count", "0"));
    let (passed, output) = project.plugin(&["test", "plugin.wasm"]);
    assert!(!passed, "{output}");
    for words in [
        "✓ count",
        "✗ each case is answered as in a fresh instance",
        "`count` after count",
        "expected \"0\", found \"1\"",
        "fresh instance: {",
        "used instance:  {",
        "Repeat this order with --seed ",
        "plugin is not marked as reusable",
    ] {
        assert!(output.contains(words), "{words}: {output}");
    }
    assert_eq!(file(&project), component("misbehaving"));
}

#[test]
fn a_seed_repeats_the_order_of_a_failure() {
    let project = (0..4).fold(Project::new(&component("misbehaving"), REUSABLE), |project, number| {
        project.case(&format!("count-{number}"), &instruction("count", "0"))
    });
    let failure = |seed: &str| checks_with(&project.test_report(&["--seed", seed]), "failed").concat();
    let explained = |text: String| {
        text.split("each case is answered").nth(1).map(|text| text.split("took_ms").next().map(str::to_owned))
    };
    let first = explained(failure("1"));
    assert!(first.is_some());
    assert_eq!(first, explained(failure("1")));
    assert_ne!(first, explained(failure("2")));
}

#[test]
fn a_plugin_that_remembers_nothing_is_marked() {
    let project = echo(REUSABLE);
    let (passed, output) = project.plugin(&["test", "plugin.wasm"]);
    assert!(passed && output.contains("plugin is marked as reusable"), "{output}");
    assert_eq!(file(&project), marked(&component("echo-channel")));
    let (usable, output) = project.plugin(&["inspect", "plugin.wasm"]);
    assert!(usable && output.contains("reused (marked by `plugin test`)"), "{output}");
}

#[test]
fn every_bundled_plugin_is_marked() {
    let plugins = fs::read_dir(root().join("plugins")).expect("a folder").flatten();
    let plugins: Vec<_> = plugins.filter(|entry| entry.path().join("Cargo.toml").is_file()).collect();
    assert!(plugins.len() >= 9, "{plugins:?}");
    for plugin in plugins {
        let (passed, output) = Project::bundled(&plugin.file_name().to_string_lossy()).plugin(&["test", "."]);
        assert!(passed && output.contains("plugin is marked as reusable"), "{plugin:?}: {output}");
    }
}

#[test]
fn a_marked_plugin_is_marked_again_without_a_change() {
    let project = echo(REUSABLE);
    for _ in 0..2 {
        let (passed, output) = project.plugin(&["test", "plugin.wasm"]);
        assert!(passed, "{output}");
        assert_eq!(file(&project), marked(&component("echo-channel")));
    }
}

#[test]
fn a_plugin_that_does_not_say_it_is_reusable_is_not_marked() {
    let project = echo("");
    let (passed, output) = project.plugin(&["test", "plugin.wasm"]);
    assert!(passed && !output.contains("marked"), "{output}");
    assert_eq!(file(&project), component("echo-channel"));
}

#[test]
fn a_selection_of_checks_leaves_no_mark() {
    let project = echo(REUSABLE);
    for selection in [&["--case", "receive"][..], &["--no-conformance"]] {
        let (passed, output) = project.plugin(&[&["test", "plugin.wasm"], selection].concat());
        assert!(passed, "{output}");
        assert_eq!(file(&project), component("echo-channel"));
    }
}

#[test]
fn a_plugin_loses_the_mark_when_its_test_fails() {
    let project = Project::new(&marked(&component("misbehaving")), REUSABLE).case("count", &instruction("count", "0"));
    let (passed, output) = project.plugin(&["test", "plugin.wasm"]);
    assert!(!passed, "{output}");
    assert_eq!(file(&project), component("misbehaving"));
}

#[test]
fn a_role_without_a_case_leaves_no_mark() {
    let project = Project::new(&component("echo-channel"), REUSABLE);
    let (passed, output) = project.plugin(&["test", "plugin.wasm"]);
    assert!(passed && output.contains("no case calls the role channel"), "{output}");
    assert_eq!(file(&project), component("echo-channel"));
}
