//! What the commands for authors refuse, and that they overwrite nothing.

use std::fs;

use frontgate_tests::{component, run};
use tempfile::TempDir;

use super::walk;

/// Runs a command that is refused, and says why.
#[track_caller]
fn refused(folder: &TempDir, arguments: &[&str]) -> String {
    let output = run(folder.path(), &[&["plugin"], arguments].concat());
    assert!(!output.status.success(), "{arguments:?} was taken");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn folder() -> TempDir {
    TempDir::new().expect("a folder")
}

#[test]
fn nothing_is_overwritten() {
    let folder = folder();
    let new = ["new", "acme-crm", "--lang", "c", "--role", "crm"];
    assert!(run(folder.path(), &[&["plugin"], &new[..]].concat()).status.success());
    fs::write(folder.path().join("acme-crm/src/crm.c"), "mine").expect("a file");
    let before = walk(folder.path()).len();
    let said = refused(&folder, &["new", "acme-crm", "--lang", "go", "--role", "crm"]);
    assert!(said.contains("folder acme-crm is not empty"), "{said}");
    let said = refused(&folder, &["wit", "acme-crm"]);
    assert!(said.contains("folder acme-crm is not empty"), "{said}");
    assert_eq!(walk(folder.path()).len(), before);
    assert_eq!(fs::read_to_string(folder.path().join("acme-crm/src/crm.c")).expect("a file"), "mine");

    // An empty folder is as good as none; a file in its place is no folder.
    fs::create_dir(folder.path().join("empty")).expect("a folder");
    assert!(run(folder.path(), &["plugin", "new", "empty", "--lang", "rust", "--role", "crm"]).status.success());
    fs::write(folder.path().join("file"), "").expect("a file");
    let said = refused(&folder, &["new", "file", "--lang", "rust", "--role", "crm"]);
    assert!(said.contains("file"), "{said}");
}

#[test]
fn names_that_would_not_work_everywhere_are_refused_with_what_would() {
    let folder = folder();
    for name in ["Acme", "acme_crm", "acme crm", "../acme", "1st", "acme-", "zoë", "test", "frontgate-sdk"] {
        let said = refused(&folder, &["new", name, "--lang", "javascript", "--role", "crm"]);
        assert!(said.contains(&format!("invalid plugin name `{name}`")), "{name}: {said}");
    }
    assert_eq!(walk(folder.path()).len(), 0);
}

#[test]
fn unknown_languages_and_roles_are_refused_with_those_that_there_are() {
    let folder = folder();
    let table = [
        (&["--lang", "cobol", "--role", "crm"][..], "[possible values: rust, python, javascript, typescript, c, go]"),
        (
            &["--lang", "rust", "--role", "crm,sales"],
            "[possible values: crm, templates, outgoing, routing, conversations, channel]",
        ),
        (&["--lang", "rust"], "--role"),
        (&["--role", "crm"], "--lang"),
    ];
    for (arguments, expected) in table {
        let said = refused(&folder, &[&["new", "acme-crm"], arguments].concat());
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!(walk(folder.path()).len(), 0);
}

#[test]
fn componentize_takes_core_modules_that_fit_the_world() {
    let folder = folder();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("a file");
    write("none.wasm", b"no wasm");
    write("component.wasm", &component("directory"));
    write("empty.wasm", b"\0asm\x01\0\0\0");
    assert!(run(folder.path(), &["plugin", "wit", "wit"]).status.success());
    let table = [
        ("missing.wasm", "crm-plugin", "reading missing.wasm"),
        ("none.wasm", "crm-plugin", "none.wasm is not a WebAssembly module"),
        ("component.wasm", "crm-plugin", "component.wasm is a component already"),
        ("empty.wasm", "crm-plugin", "empty.wasm does not match the world"),
        ("empty.wasm", "crm", "looking for world `crm`"),
    ];
    for (core, world, expected) in table {
        let said = refused(&folder, &["componentize", core, "--wit", "wit", "--world", world, "-o", "out.wasm"]);
        assert!(said.contains(expected), "{said}");
        assert!(!folder.path().join("out.wasm").exists());
    }
}
