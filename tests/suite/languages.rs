//! Tests the starter projects in every language: each builds, passes its checks and answers callbacks.

mod generators;
mod refusals;
mod source;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::thread;

use frontgate_tests::{Gateway, Setup, languages_path, program, run, target};
use rustix::process::Signal;
use serde_json::{Value, json};

pub(crate) const LANGUAGES: [&str; 6] = ["rust", "python", "javascript", "typescript", "c", "go"];
pub(crate) const ROLES: [&str; 8] =
    ["crm", "templates", "outgoing", "routing", "conversations", "channel", "calls", "crm-source"];

/// The folders of projects with every role, by language. Each project is built once for all tests.
static EVERY_ROLE: LazyLock<BTreeMap<&str, PathBuf>> = LazyLock::new(|| {
    thread::scope(|scope| {
        let builds = LANGUAGES.map(|language| (language, scope.spawn(move || build(language, "every", &ROLES))));
        builds.into_iter().map(|(language, build)| (language, build.join().expect("a plugin"))).collect()
    })
});

/// Creates a project, and builds it as its author would. The path of the folder is fixed, so that cargo can reuse code
/// compiled in an earlier run.
fn build(language: &str, name: &str, roles: &[&str]) -> PathBuf {
    let (place, name) = (target().join("starters"), format!("{name}-{language}"));
    fs::create_dir_all(&place).expect("a folder");
    let folder = place.join(&name);
    // The folder does not exist in the first run.
    let _ = fs::remove_dir_all(&folder);
    let output = run(&place, &["plugin", "new", &name, "--lang", language, "--role", &roles.join(",")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    run_as_author(&folder, "./build.sh", &[]);
    folder
}

/// Runs a command as an author would, with the compilers that `cargo xtask test` has installed.
#[track_caller]
pub(crate) fn run_as_author(folder: &Path, command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command)
        .args(arguments)
        .current_dir(folder)
        .env("PATH", languages_path())
        .env("FRONTGATE", program())
        .env("CARGO_TARGET_DIR", target().join("starters/target"))
        .output()
        .unwrap_or_else(|error| panic!("{command}: {error}"));
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{}: {command}: {text}", folder.display());
    text
}

fn plugin(folder: &Path) -> Vec<u8> {
    let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
    fs::read(folder.join(format!("{name}.wasm"))).expect("the plugin")
}

/// Starts a gateway with one tenant per plugin. Each plugin has every role.
fn serve(plugins: &[(&str, Vec<u8>)]) -> Gateway {
    let setup = Setup::new().set("tenants.demo.roles.crm", "[]").set("plugins.quick_build_bytes_min", "1000000");
    let setup = plugins.iter().fold(setup, |setup, (name, component)| {
        let roles = ["crm", "templates", "outgoing", "conversations"];
        let setup = setup
            .plugin(name, component)
            .set(&format!("plugins.named.{name}.quick_build"), "true")
            .set(&format!("tenants.{name}.path"), format!("\"/{name}\""))
            .set(&format!("tenants.{name}.twilio.auth_tokens"), "[{ file = \"token\" }]");
        roles
            .iter()
            .fold(setup, |setup, role| setup.set(&format!("tenants.{name}.roles.{role}"), format!("[{name:?}]")))
    });
    setup.start()
}

#[test]
fn every_starter_answers_signed_callbacks() {
    let plugins: Vec<(&str, Vec<u8>)> = EVERY_ROLE.iter().map(|(name, folder)| (*name, plugin(folder))).collect();
    let mut gateway = serve(&plugins);
    for (language, _) in &plugins {
        let ask = |name: &str, form: &[(&str, &str)]| {
            let form = [&[("Worker", "ana@example.org")], form].concat();
            let answer = gateway.tenant_callback(&format!("/{language}"), name, &form);
            assert_eq!(answer.status, 200, "{language} {name}: {}", answer.text);
            answer.json
        };
        let names = |page: Value| -> Vec<String> {
            let customers = page["objects"]["customers"].as_array().expect("a list").clone();
            customers.iter().map(|customer| customer["display_name"].as_str().expect("a name").to_owned()).collect()
        };
        let list = ("Location", "GetCustomersList");
        let all = ["Kateřina Sharma", "Mora Lind", "Zoë Marín", "李娜"];
        assert_eq!(names(ask("crm", &[list, ("PageSize", "30")])), all, "{language}");
        assert_eq!(names(ask("crm", &[list, ("PageSize", "30"), ("Query", "lind")])), ["Mora Lind"], "{language}");
        let first = ask("crm", &[list, ("PageSize", "3")]);
        let token = first["objects"]["next_page_token"].as_str().expect("more").to_owned();
        assert_eq!(names(ask("crm", &[list, ("PageSize", "3"), ("NextPageToken", &token)])), ["李娜"], "{language}");

        let customer = ("CustomerId", "c-001");
        let shown = ask("crm", &[("Location", "GetCustomerDetailsByCustomerId"), customer]);
        assert_eq!(shown["objects"]["customer"]["details"]["content"], "Tier: silver\nSince: 2022", "{language}");
        let templates = ask("templates", &[("Location", "GetTemplatesByCustomerId"), customer]);
        let greeting = "Hello Kateřina Sharma, how can we help you today?";
        assert_eq!(templates[0]["templates"][0]["content"], greeting, "{language}");
        let channel = [("ChannelType", "whatsapp"), ("ChannelValue", "whatsapp:+12125550143")];
        let number =
            ask("outgoing-conversation", &[&[("Location", "GetProxyAddress"), customer], &channel[..]].concat());
        assert_eq!(number["proxy_address"], "whatsapp:+12025550199", "{language}");
        let address = ("MessagingBinding.Address", "+12125550143");
        let named = ask("conversations", &[("EventType", "onConversationAdd"), ("Attributes", "{}"), address]);
        assert_eq!(named["friendly_name"], "Kateřina Sharma", "{language}");
    }
    // Shutdown also stops compilers that are still optimizing large plugins.
    gateway.signal(Signal::TERM);
    gateway.wait();
}

#[test]
fn every_starter_passes_its_cases_and_the_conformance_checks() {
    for (language, folder) in EVERY_ROLE.iter() {
        let output = run(folder, &["plugin", "test", ".", "--format", "json"]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let checks = report["checks"].as_array().expect("checks");
        let failed: Vec<&Value> = checks.iter().filter(|check| check["outcome"] == "failed").collect();
        assert!(output.status.success() && failed.is_empty(), "{language}: {failed:#?}");
        let cases = fs::read_dir(folder.join("cases")).expect("cases").count();
        assert!(checks.len() > cases, "{language}: {} checks, {cases} cases", checks.len());
    }
}

#[test]
fn a_project_has_exactly_the_requested_roles() {
    // Python is left out: its build is slow, and its files do not depend on the roles.
    let some: [(&str, [&str; 2]); 5] = [
        ("rust", ["crm", "templates"]),
        ("javascript", ["crm-source", "channel"]),
        ("typescript", ["outgoing", "routing"]),
        ("c", ["calls", "crm-source"]),
        ("go", ["conversations", "crm"]),
    ];
    for (language, mut roles) in some {
        let folder = build(language, "some", &roles);
        let output = run(&folder, &["plugin", "inspect", &format!("some-{language}.wasm"), "--json"]);
        let inspected: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        roles.sort_unstable();
        assert_eq!(inspected["roles"], json!(roles), "{language}");
        let made_with = match language {
            "javascript" | "typescript" => Some("JavaScript"),
            "go" => Some("Go"),
            _ => None,
        };
        let named: Vec<&String> = inspected["made_with"].as_object().expect("tools").keys().collect();
        assert!(made_with.is_none_or(|made_with| named.iter().any(|name| *name == made_with)), "{language}: {named:?}");
        assert!(
            language == "rust" || !named.iter().any(|name| *name == "Rust"),
            "the adapter is not the plugin: {language}: {named:?}"
        );
    }
}

#[test]
fn a_project_of_one_role_does_not_mention_the_others() {
    let place = tempfile::TempDir::new().expect("a folder");
    for language in LANGUAGES {
        for role in ROLES {
            let name = format!("only-{role}-{language}");
            let output = run(place.path(), &["plugin", "new", &name, "--lang", language, "--role", role]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            for entry in walk(&place.path().join(&name)) {
                let path = entry.strip_prefix(place.path()).expect("inside").to_string_lossy().into_owned();
                if path.contains("/sdk/") || path.contains("/wit/deps/") || path.ends_with("lock.json") {
                    continue;
                }
                let text = fs::read_to_string(&entry).expect("a text");
                assert!(!text.contains("starter-name") && !text.contains("starter_name"), "{path}");
                let marked = text.lines().find(|line| ROLES.iter().any(|role| line.contains(&format!(" @{role}"))));
                assert_eq!(marked, None, "{path}");
                let file = entry.file_stem().expect("a name").to_string_lossy().replace('_', "-");
                let is_own = file == role || file.starts_with(&format!("{role}-"));
                for other in ROLES.iter().filter(|other| **other != role) {
                    assert!(is_own || (file != *other && !file.starts_with(&format!("{other}-"))), "{path}");
                    let module = other.replace('-', "_");
                    for use_ in [format!("mod {module};"), format!("from {module} import"), format!("./{other}.js")] {
                        assert!(!text.contains(&use_), "{path}: {use_}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_rust_project_has_native_tests() {
    let output = run_as_author(&EVERY_ROLE["rust"], "cargo", &["test", "--offline", "--locked"]);
    assert!(output.contains("a_search_ignores_case ... ok"), "{output}");
}

#[test]
fn a_compile_error_keeps_the_last_plugin() {
    let folder = &EVERY_ROLE["typescript"];
    let before = plugin(folder);
    let copy = tempfile::TempDir::new().expect("a folder");
    run_as_author(copy.path(), "cp", &["-r", &format!("{}/.", folder.display()), "."]);
    fs::write(copy.path().join("src/mistake.ts"), "export const count: number = 'two';\n").expect("a file");
    let output = Command::new("./build.sh")
        .current_dir(copy.path())
        .env("PATH", languages_path())
        .env("FRONTGATE", program())
        .output()
        .expect("a build");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(!output.status.success() && text.contains("src/mistake.ts(1,14)"), "{text}");
    assert_eq!(fs::read(copy.path().join("every-typescript.wasm")).expect("the plugin"), before);
}

pub(crate) fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    entries.flat_map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { vec![entry.path()] }).collect()
}
