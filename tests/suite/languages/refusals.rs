//! Tests input that the commands for authors reject, and that existing files are never overwritten.

use std::fs;

use frontgate_tests::{component, run};
use tempfile::TempDir;

use super::walk;

/// Runs a command that must fail, and returns its error.
#[track_caller]
fn run_rejected(folder: &TempDir, arguments: &[&str]) -> String {
    let output = run(folder.path(), &[&["plugin"], arguments].concat());
    assert!(!output.status.success(), "{arguments:?} was accepted");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn folder() -> TempDir {
    TempDir::new().expect("a folder")
}

#[test]
fn existing_projects_are_not_overwritten() {
    let folder = folder();
    let new = ["new", "acme-crm", "--lang", "c", "--role", "crm"];
    assert!(run(folder.path(), &[&["plugin"], &new[..]].concat()).status.success());
    fs::write(folder.path().join("acme-crm/src/crm.c"), "mine").expect("a file");
    let before = walk(folder.path()).len();
    let output = run_rejected(&folder, &["new", "acme-crm", "--lang", "go", "--role", "crm"]);
    assert!(output.contains("folder acme-crm is not empty"), "{output}");
    let output = run_rejected(&folder, &["wit", "acme-crm"]);
    assert!(output.contains("folder acme-crm is not empty"), "{output}");
    assert_eq!(walk(folder.path()).len(), before);
    assert_eq!(fs::read_to_string(folder.path().join("acme-crm/src/crm.c")).expect("a file"), "mine");

    // An empty folder is accepted; a file instead of a folder is not.
    fs::create_dir(folder.path().join("empty")).expect("a folder");
    assert!(run(folder.path(), &["plugin", "new", "empty", "--lang", "rust", "--role", "crm"]).status.success());
    fs::write(folder.path().join("file"), "").expect("a file");
    let output = run_rejected(&folder, &["new", "file", "--lang", "rust", "--role", "crm"]);
    assert!(output.contains("file"), "{output}");
}

#[test]
fn unportable_names_are_rejected() {
    let folder = folder();
    for name in ["Acme", "acme_crm", "acme crm", "../acme", "1st", "acme-", "zoë", "test", "frontgate-sdk"] {
        let output = run_rejected(&folder, &["new", name, "--lang", "javascript", "--role", "crm"]);
        assert!(output.contains(&format!("invalid plugin name `{name}`")), "{name}: {output}");
    }
    assert_eq!(walk(folder.path()).len(), 0);
}

#[test]
fn unknown_languages_and_roles_are_rejected_with_the_known_ones() {
    let folder = folder();
    let table = [
        (&["--lang", "cobol", "--role", "crm"][..], "[possible values: rust, python, javascript, typescript, c, go]"),
        (
            &["--lang", "rust", "--role", "crm,sales"],
            "[possible values: crm, templates, outgoing, routing, conversations, channel, calls, crm-source]",
        ),
        (&["--lang", "rust"], "--role"),
        (&["--role", "crm"], "--lang"),
    ];
    for (arguments, expected) in table {
        let output = run_rejected(&folder, &[&["new", "acme-crm"], arguments].concat());
        assert!(output.contains(expected), "{output}");
    }
    assert_eq!(walk(folder.path()).len(), 0);
}

#[test]
fn componentize_accepts_only_core_modules_that_fit_the_world() {
    let folder = folder();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("a file");
    write("none.wasm", b"no wasm");
    write("component.wasm", &component("directory"));
    write("empty.wasm", b"\0asm\x01\0\0\0");
    assert!(run(folder.path(), &["plugin", "wit", "wit"]).status.success());
    let table = [
        ("missing.wasm", "crm-plugin", "failed to read missing.wasm"),
        ("none.wasm", "crm-plugin", "none.wasm is not a WebAssembly module"),
        ("component.wasm", "crm-plugin", "component.wasm is a component already"),
        ("empty.wasm", "crm-plugin", "empty.wasm does not match the world"),
        ("empty.wasm", "crm", "failed to find world `crm`"),
    ];
    for (core, world, expected) in table {
        let output = run_rejected(&folder, &["componentize", core, "--wit", "wit", "--world", world, "-o", "out.wasm"]);
        assert!(output.contains(expected), "{output}");
        assert!(!folder.path().join("out.wasm").exists());
    }
}
