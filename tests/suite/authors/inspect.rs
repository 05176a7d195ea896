//! Tests `plugin inspect` and `plugin call`.

use frontgate_tests::{component, digest};
use serde_json::json;

use super::Project;

#[test]
fn inspect_shows_identity_requirements_and_resource_use() {
    let wasm = component("flawed");
    let project = Project::new(&wasm, "[plugin]\nstate = true\n");
    let (usable, output) = project.plugin(&["inspect", "plugin.wasm"]);
    assert!(usable, "{output}");
    for words in [
        &digest(&wasm),
        "roles      calls, channel, conversations, crm, crm-source, outgoing, routing, templates",
        "contract   0.1.0",
        "frontgate-sdk",
        "needs      outbound HTTP",
        "not granted in [plugins.named.plugin]: outbound HTTP (`outbound`)",
        "frontgate:plugin/http-client@0.1.0",
        "per call   memories: 1, 1.",
        "of machine code",
        "✓ loadable",
    ] {
        assert!(output.contains(words), "{words}: {output}");
    }
    let (_, json) = project.plugin(&["inspect", "plugin.wasm", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["digest"], digest(&wasm));
    assert!(json["takes"]["memory_bytes"].as_u64() > Some(1 << 20), "{json}");
}

#[test]
fn inspect_uses_the_operators_configuration_without_a_project() {
    let folder = tempfile::TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("flawed.wasm"), component("flawed")).expect("a file");
    let granted = "[plugins.named.flawed]\nstate = true\noutbound = [\"https://crm.example.com\"]\nsecrets = { token = { env = \"NOT_SET\" } }\n";
    for (config, is_granted) in [("", false), (granted, true)] {
        std::fs::write(folder.path().join("config.toml"), config).expect("a file");
        let (usable, text) =
            super::success_and_text(&frontgate_tests::run(folder.path(), &["plugin", "inspect", "flawed.wasm"]));
        assert!(usable, "{text}");
        assert_eq!(text.contains("imports not granted in [plugins.named.flawed]"), !is_granted, "{text}");
    }
}

#[test]
fn inspect_explains_why_a_gateway_would_reject_a_file() {
    let table: [(&[u8], &str); 4] = [
        (b"", "it is empty"),
        (b"no wasm", "it is not WebAssembly"),
        (b"\0asm\x01\0\0\0", "it is a core module, not a component"),
        (b"\0asm\x0d\0\x01\0", "exports no role of the contract"),
    ];
    for (bytes, reason) in table {
        let (usable, output) = Project::new(bytes, "").plugin(&["inspect", "plugin.wasm"]);
        assert!(!usable && output.contains(reason), "{reason}: {output}");
    }
    let project = Project::new(b"", "");
    let (usable, output) = project.plugin(&["inspect", "nothing.wasm"]);
    assert!(!usable && output.contains("nothing.wasm") && output.contains("No such file"), "{output}");
}

#[test]
fn call_shows_answer_log_and_receipt() {
    let project = Project::new(&component("misbehaving"), "");
    let ask = |json: &str| project.plugin(&["call", "plugin.wasm", "crm.list-customers", "--json", json]);
    let (usable, output) = ask(r#"{"worker":"ana@example.org","page-size":3,"position":"first","query":"print 1"}"#);
    assert!(usable, "{output}");
    for words in [
        "\"display-name\": \"printed\"",
        "log, warn: warning 0",
        "log, info: line 0",
        "receipt: plugin crm.list-customers: answered",
        " cpu ",
    ] {
        assert!(output.contains(words), "{words}: {output}");
    }
    let (usable, output) = ask(r#"{"worker":"ana","page-size":3,"position":"first","query":"forbidden"}"#);
    assert!(usable && output.contains("\"forbidden\":"), "{output}");
    let (usable, output) = ask(r#"{"worker":"ana","page-size":3,"position":"first","query":"panic"}"#);
    assert!(!usable && output.contains("returned no answer") && output.contains("plugin-trapped"), "{output}");
}

#[test]
fn call_accepts_customers_for_the_directory() {
    let project =
        Project::new(&component("numbers"), "[plugin.config]\nown_customers_only = true\nsms = \"+12025550199\"\n");
    let request = r#"{"worker":"ana","customer-id":"7","channel":{"kind":"sms","value":"+12025550107"}}"#;
    let ask = |customers: &str| {
        project.plugin(&["call", ".", "outgoing.proxy-address", "--json", request, "--customers", customers])
    };
    let mora = json!([{
        "customer-id": "7",
        "display-name": "Mora Lind",
        "channels": [{ "kind": "sms", "value": "+12025550107" }],
        "worker": "ana",
    }]);
    let (usable, output) = ask(&mora.to_string());
    assert!(usable && output.contains(r#""ok": "+12025550199""#), "{output}");
    // The address belongs to another customer.
    let (usable, output) = ask(&mora.to_string().replace("\"7\"", "\"8\""));
    assert!(usable && output.contains(r#""error": "not-found""#), "{output}");
    let (usable, output) = ask(r#"[{"id":"7"}]"#);
    assert!(!usable && output.contains("invalid --customers: unknown field `id`"), "{output}");
}

#[test]
fn a_missing_build_and_a_missing_project_are_reported() {
    let project = Project::new(b"", "build = [\"./build.sh\"]\n");
    std::fs::remove_file(project.path().join("plugin.wasm")).expect("a file");
    let (usable, output) = project.plugin(&["inspect", "."]);
    assert!(!usable && output.contains("plugin.wasm not found; build it with ./build.sh"), "{output}");
    std::fs::create_dir(project.path().join("src")).expect("a folder");
    let (usable, output) = project.plugin(&["inspect", "src"]);
    assert!(!usable && output.contains("plugin.toml not found in src"), "{output}");
}

#[test]
fn call_without_a_secret_suggests_a_test_secret() {
    let secrets = "[plugin]\nsecrets = { token = { env = \"NOT_SET\" } }\n[test]\nsecrets = { token = \"made-up\" }\n";
    let project = Project::new(&component("misbehaving"), secrets);
    let request = r#"{"worker":"ana@example.org","page-size":3,"position":"first"}"#;
    let ask = |how: &[&str]| project.plugin(&[&["call", ".", "crm.list-customers", "--json", request], how].concat());
    let (usable, output) = ask(&[]);
    assert!(!usable && output.contains("`NOT_SET` is not set") && output.contains("add --test"), "{output}");
    let (usable, output) = ask(&["--test"]);
    assert!(usable, "{output}");
}

#[test]
fn call_reports_where_a_request_is_invalid() {
    let project = Project::new(&component("misbehaving"), "");
    for (function, json, words) in [
        ("crm.nothing", "null", "unknown function `crm.nothing`; the plugin has: crm.list-customers"),
        ("crm.list-customers", "{", "invalid JSON"),
        ("crm.list-customers", "{}", "request.worker: missing field; expected a string"),
        (
            "crm.list-customers",
            r#"{"worker":"a","page-size":-1,"position":"first"}"#,
            "request.page-size: expected an integer from 0, found -1",
        ),
        (
            "crm.list-customers",
            r#"{"worker":"a","page-size":1,"position":{"before":"x"}}"#,
            r#"request.position: expected "first" or {"after": ...} or {"token": ...}, found {"before":"x"}"#,
        ),
        ("crm.list-customers", r#"{"worker":"a","size":1}"#, "request.size: unknown field; the record has: worker"),
        ("crm.get-customer", r#"{"id":"1"}"#, "unknown parameter `id`; the function has: worker, customer-id"),
    ] {
        let (usable, output) = project.plugin(&["call", "plugin.wasm", function, "--json", json]);
        assert!(!usable && output.contains(words), "{function} {json}: {output}");
    }
}
