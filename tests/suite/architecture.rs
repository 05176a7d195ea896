//! Checks rules of the architecture in manifests and sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use frontgate_tests::root;
use serde_json::Value;

/// The gateway's crates, each with its allowed dependencies, lowest first. ARCHITECTURE.md shows the same graph.
const CRATES: [(&str, &[&str]); 33] = [
    ("memory", &[]),
    ("customer-search", &[]),
    ("recorder", &[]),
    ("system", &[]),
    ("signing", &[]),
    ("telemetry", &[]),
    ("net", &[]),
    ("scaffold", &[]),
    ("settings", &["system"]),
    ("tls", &["net", "settings", "system", "telemetry"]),
    ("contract", &["telemetry"]),
    ("front", &["settings", "signing"]),
    ("twilio", &["settings", "signing"]),
    ("twilio-callbacks", &["contract", "twilio"]),
    ("twilio-rest", &["net", "twilio"]),
    ("store", &["net", "settings", "system", "telemetry"]),
    ("audit", &["store", "system"]),
    ("console-access", &["audit", "settings", "store"]),
    ("console-pages", &[]),
    ("journal", &["console-pages", "recorder", "signing", "store", "system", "telemetry"]),
    ("replicas", &["audit", "store", "telemetry"]),
    ("rollouts", &["contract", "replicas", "store"]),
    ("state", &["settings", "store"]),
    ("runtime", &["contract", "net", "recorder", "settings", "signing", "state", "system", "telemetry"]),
    ("loader", &["contract", "rollouts", "runtime", "store", "system", "telemetry"]),
    ("customers", &["contract", "customer-search", "store", "telemetry"]),
    ("tenants", &["contract", "customers", "front", "runtime", "signing", "telemetry", "twilio"]),
    ("customer-sync", &["contract", "customers", "replicas", "runtime", "store", "telemetry", "tenants"]),
    (
        "delivery",
        &[
            "audit",
            "contract",
            "front",
            "net",
            "recorder",
            "replicas",
            "runtime",
            "state",
            "store",
            "telemetry",
            "tenants",
            "twilio",
            "twilio-callbacks",
            "twilio-rest",
        ],
    ),
    (
        "gateway",
        &[
            "contract",
            "delivery",
            "front",
            "memory",
            "net",
            "recorder",
            "runtime",
            "settings",
            "signing",
            "store",
            "system",
            "telemetry",
            "tenants",
            "tls",
            "twilio",
            "twilio-callbacks",
        ],
    ),
    (
        "config",
        &[
            "console-access",
            "contract",
            "delivery",
            "front",
            "gateway",
            "net",
            "recorder",
            "replicas",
            "runtime",
            "settings",
            "store",
            "system",
            "telemetry",
            "tenants",
            "tls",
            "twilio",
        ],
    ),
    (
        "plugin-test",
        &[
            "config",
            "contract",
            "delivery",
            "front",
            "loader",
            "net",
            "runtime",
            "state",
            "store",
            "telemetry",
            "twilio",
            "twilio-callbacks",
        ],
    ),
    ("frontgate", &[]),
];

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        match entry.path() {
            path if path.is_dir() => sources(&path, files),
            path if path.extension().is_some_and(|ending| ending == "rs") => files.push(path),
            _ => {}
        }
    }
}

/// Returns the gateway's sources: the program and all crates.
pub(crate) fn host() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    sources(&root().join("host/src"), &mut files);
    for entry in fs::read_dir(root().join("host/crates")).expect("the crates").flatten() {
        sources(&entry.path().join("src"), &mut files);
    }
    files.into_iter().map(|path| (path.clone(), fs::read_to_string(path).expect("a source"))).collect()
}

/// Returns cargo's metadata of the workspace.
fn metadata() -> Value {
    metadata_with(&[])
}

/// Returns the platform of this machine: cargo then ignores packages for other platforms.
fn host_platform() -> String {
    let output = Command::new("rustc").arg("-vV").current_dir(root()).output().expect("rustc");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("the host").to_owned()
}

fn metadata_with(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", &host_platform()])
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo metadata");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Returns the direct dependencies that are linked into each package, by name.
fn graph(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |id: &Value| packages.iter().find(|package| package["id"] == *id).expect("a package")["name"].clone();
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let linked = |dependency: &&Value| {
        dependency["dep_kinds"].as_array().expect("kinds").iter().any(|kind| kind["kind"].is_null())
    };
    let text = |value: Value| value.as_str().expect("a name").to_owned();
    nodes
        .iter()
        .map(|node| {
            let dependencies = node["deps"].as_array().expect("dependencies").iter().filter(linked);
            (text(name(&node["id"])), dependencies.map(|dependency| text(name(&dependency["pkg"]))).collect())
        })
        .collect()
}

fn package(name: &str) -> String {
    if name == "frontgate" { name.to_owned() } else { format!("frontgate-{name}") }
}

/// Returns all direct and indirect dependencies linked into a package.
fn closure(graph: &BTreeMap<String, BTreeSet<String>>, package: &str) -> BTreeSet<String> {
    let (mut all, mut next) = (BTreeSet::new(), vec![package.to_owned()]);
    while let Some(name) = next.pop() {
        for dependency in &graph[&name] {
            if all.insert(dependency.clone()) {
                next.push(dependency.clone());
            }
        }
    }
    all
}

fn assert_links_none_of(metadata: &Value, crates: &[&str], packages: &[&str]) {
    let graph = graph(metadata);
    for name in crates {
        let linked = closure(&graph, &package(name));
        for unwanted in packages {
            assert!(!linked.contains(*unwanted), "{name} links {unwanted}");
        }
    }
}

#[test]
fn crates_depend_on_no_others_than_listed() {
    let graph = graph(&metadata());
    for (name, allowed) in CRATES.iter().filter(|(name, _)| *name != "frontgate") {
        let own = |dependency: &&String| dependency.starts_with("frontgate-");
        let found: BTreeSet<String> = graph[&package(name)].iter().filter(own).cloned().collect();
        let listed: BTreeSet<String> = allowed.iter().map(|name| package(name)).collect();
        assert_eq!(found, listed, "dependencies of {}", package(name));
    }
}

#[test]
fn every_crate_is_in_the_list() {
    let listed: BTreeSet<String> = CRATES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let folders = fs::read_dir(root().join("host/crates")).expect("the crates").flatten();
    let mut found: BTreeSet<String> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    found.insert("frontgate".to_owned());
    assert_eq!(found, listed);
}

#[test]
fn a_crate_depends_on_lower_ones_only() {
    for (index, (name, dependencies)) in CRATES.iter().enumerate() {
        for dependency in *dependencies {
            let at = CRATES.iter().position(|(other, _)| other == dependency);
            assert!(at.is_some_and(|at| at < index), "{name} depends on {dependency}, which is not below it");
        }
    }
}

#[test]
fn the_drawing_has_each_dependency_that_no_other_one_implies() {
    let graph: BTreeMap<String, BTreeSet<String>> = CRATES
        .iter()
        .map(|(name, dependencies)| ((*name).to_owned(), dependencies.iter().map(|name| (*name).to_owned()).collect()))
        .collect();
    let is_implied = |all: &BTreeSet<String>, one: &String| {
        all.iter().any(|other| other != one && closure(&graph, other).contains(one))
    };
    let needed: BTreeSet<String> = graph
        .iter()
        .flat_map(|(name, all)| {
            all.iter().filter(|one| !is_implied(all, one)).map(move |one| format!("{name} --> {one}"))
        })
        .collect();
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let drawn = page.lines().map(str::trim).filter(|line| line.contains(" --> ")).map(str::to_owned);
    assert_eq!(drawn.collect::<BTreeSet<_>>(), needed);
}

#[test]
fn pure_crates_link_no_runtime_and_no_database() {
    assert_links_none_of(
        &metadata(),
        &["customer-search", "front", "recorder", "twilio"],
        &["tokio", "wasmtime", "rusqlite"],
    );
}

#[test]
fn only_the_store_links_the_database() {
    let graph = graph(&metadata());
    for database in ["rusqlite", "tokio-postgres"] {
        let direct = graph.iter().filter(|(_, dependencies)| dependencies.contains(database));
        let direct = direct
            .map(|(name, _)| name.as_str())
            .filter(|name| name.starts_with("frontgate-") && !name.contains("test"));
        assert_eq!(direct.collect::<Vec<_>>(), ["frontgate-store"], "{database}");
    }
}

#[test]
fn request_handling_links_no_authors_tools() {
    let tools = ["frontgate-scaffold", "frontgate-plugin-test", "wit-bindgen-go"];
    assert_links_none_of(&metadata(), &["delivery", "gateway"], &tools);
}

#[test]
fn a_program_without_the_feature_authoring_links_no_authors_tools() {
    // wasmtime's macro needs wit-component at compile time; only authors need the generators of bindings.
    let tools = ["frontgate-scaffold", "frontgate-plugin-test", "wit-bindgen-c", "wit-bindgen-core", "wit-bindgen-go"];
    assert_links_none_of(&metadata_with(&["--no-default-features"]), &["frontgate"], &tools);
}

#[test]
fn a_program_without_the_feature_simulator_links_no_simulators() {
    assert_links_none_of(&metadata_with(&["--no-default-features"]), &["frontgate"], &["frontgate-simulators"]);
}

#[test]
fn simulators_depend_on_no_crate_of_the_gateway() {
    let graph = graph(&metadata());
    let own = graph["frontgate-simulators"].iter().filter(|name| name.starts_with("frontgate"));
    assert_eq!(own.collect::<Vec<_>>(), Vec::<&String>::new());
}

/// `outbound` is exempt: it contains the statuses of other servers' responses to plugins' requests.
#[test]
fn the_runtime_answers_with_no_status_code() {
    let runtime = root().join("host/crates/runtime/src");
    for (path, text) in host().into_iter().filter(|(path, _)| path.starts_with(&runtime)) {
        let is_outbound = path.starts_with(runtime.join("outbound"));
        assert!(is_outbound || !text.contains("StatusCode"), "{} names a status code", path.display());
    }
}

#[test]
fn only_the_server_and_the_authors_mock_server_listen() {
    for (path, text) in host() {
        let place = path.to_string_lossy();
        // The mock server receives the requests of plugins under test.
        let may = place.contains("/gateway/src/server") || place.ends_with("plugin-test/src/mock_server.rs");
        assert!(may || !text.contains("Listener::bind"), "{place} listens");
    }
}

#[test]
fn only_reload_writes_the_registry() {
    for (path, text) in host() {
        let place = path.to_string_lossy();
        let verbs = ["replace", "remove", "note", "set_loading", "set_versions", "set_on_probation"];
        let writes = verbs.map(|verb| format!("registry.{verb}(")).iter().any(|call| text.contains(call));
        assert!(place.contains("/loader/src/reload") || !writes, "{place} writes the registry");
    }
}

#[test]
fn files_open_with_what_they_are() {
    for (path, text) in host() {
        assert!(path.ends_with("tests.rs") || text.starts_with("//!"), "{} does not say what it is", path.display());
    }
}

#[test]
fn files_stay_small() {
    for (path, text) in host() {
        assert!(text.lines().count() <= 400, "{} is past 400 lines", path.display());
    }
}
