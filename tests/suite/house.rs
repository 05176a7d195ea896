//! The rules of the house that can be read off the sources.

use std::fs;
use std::path::{Path, PathBuf};

use frontgate_tests::root;

/// The floors, top to bottom: a module imports from its own floor and from those below.
const FLOORS: [&[&str]; 10] = [
    &["main", "crash_points", "cli"],
    &["dev"],
    &["service", "workbench"],
    &["server", "console"],
    &["gateway"],
    &["delivery"],
    &["body", "connections", "routes", "roles", "plugin", "tenants"],
    &["state", "store"],
    &["twilio", "front"],
    &[
        "bindings",
        "config",
        "error",
        "memory",
        "outbound",
        "ownership",
        "process",
        "sandbox",
        "scheduling",
        "signing",
        "starter",
        "telemetry",
    ],
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

fn floor(module: &str) -> usize {
    FLOORS.iter().position(|floor| floor.contains(&module)).unwrap_or_else(|| panic!("{module} is on no floor"))
}

/// The gateway's sources.
pub(crate) fn host() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    sources(&root().join("host/src"), &mut files);
    files.into_iter().map(|path| (path.clone(), fs::read_to_string(path).expect("a source"))).collect()
}

#[test]
fn imports_run_one_way() {
    for (path, text) in host() {
        let relative = path.strip_prefix(root().join("host/src")).expect("below host/src");
        let module = relative.components().next().expect("a name").as_os_str().to_string_lossy().replace(".rs", "");
        if module == "lib" {
            continue;
        }
        for line in text.lines().filter_map(|line| line.trim().strip_prefix("use crate::")) {
            let imported = line.split([':', ';', ' ']).next().expect("a name");
            assert!(floor(imported) >= floor(&module), "{}: {module} imports from {imported} above it", path.display());
        }
    }
}

#[test]
fn only_server_listens_only_reload_writes_the_registry_and_only_who_keeps_something_knows_the_database() {
    for (path, text) in host() {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let server = path.to_string_lossy().contains("/src/server");
        // Authors' plugins send their requests there.
        let server = server || path.ends_with("workbench/stage.rs");
        assert!(server || !text.contains("Listener::bind"), "{name} listens");
        let writes = ["replace", "remove", "note", "set_loading", "set_versions", "set_on_probation"]
            .map(|verb| format!("registry.{verb}("));
        let writes = writes.iter().any(|call| text.contains(call));
        let reload = path.to_string_lossy().contains("/load/reload");
        assert!(reload || !writes, "{name} writes the registry");
        let place = path.to_string_lossy();
        let keeps = ["/src/store", "/src/state/", "/delivery/store"].iter().any(|room| place.contains(room));
        assert!(keeps || !text.contains("rusqlite"), "{name} knows the database");
    }
}

#[test]
fn files_open_with_what_they_are_and_stay_small() {
    for (path, text) in host() {
        let tests = path.ends_with("tests.rs");
        assert!(tests || text.starts_with("//!"), "{} does not say what it is", path.display());
        assert!(text.lines().count() <= 400, "{} is past 400 lines", path.display());
    }
}
