//! Finding 10: machine code of another user is run.
//!
//! A user who can write to a folder above the gateway's own files can replace them, so every folder of a path is
//! checked. Tests with files of another user need root, and are skipped without it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

use frontgate_tests::{Setup, another_build, component, digest, run};

/// The id of a user that exists on every system and differs from the current user.
const ANOTHER_USER: u32 = 65_534;

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// Changes the owner of a file; only root is allowed to do so.
#[expect(clippy::print_stdout, reason = "the test output has to show what was not tested")]
fn give_away(path: &Path) -> bool {
    let given = chown(path, Some(ANOTHER_USER), None).is_ok();
    if !given {
        println!("not tested: only root can give files to another user");
    }
    given
}

/// Asserts that the gateway does not start, and that its error message contains these words.
fn assert_rejected(setup: &Setup, words: &[&str]) {
    setup.write();
    assert_rejected_as_written(setup, words);
}

fn assert_rejected_as_written(setup: &Setup, words: &[&str]) {
    let output = run(setup.folder(), &["run", "--config", "config.toml"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(words.iter().all(|word| text.contains(word)), "{words:?}: {text}");
}

/// Creates a setup with an additional folder `outer`.
fn with_outer() -> Setup {
    let setup = Setup::misbehaving();
    fs::create_dir(setup.folder().join("outer")).expect("a folder");
    setup
}

#[test]
fn a_cache_below_a_folder_writable_by_others_is_rejected() {
    let setup = with_outer().set("plugins.cache", "\"outer/compiled\"");
    chmod(&setup.folder().join("outer"), 0o777);
    assert_rejected(
        &setup,
        &["plugin cache folder", "others can write to the folder", "outer (mode 0777)", "chmod go-w"],
    );
    assert!(!setup.folder().join("outer/compiled").exists(), "nothing is created there");
}

#[test]
fn every_ancestor_folder_is_checked() {
    let setup = with_outer().set("plugins.cache", "\"outer/a/b/c/compiled\"");
    fs::create_dir_all(setup.folder().join("outer/a/b/c")).expect("folders");
    chmod(&setup.folder().join("outer"), 0o777);
    assert_rejected(&setup, &["others can write to the folder", "outer (mode 0777)"]);
}

#[test]
fn records_below_a_folder_writable_by_others_are_rejected() {
    let setup = with_outer().set("plugins.records", "\"outer/records\"");
    chmod(&setup.folder().join("outer"), 0o777);
    assert_rejected(&setup, &["plugin records folder", "others can write to the folder"]);
}

#[test]
fn a_socket_below_a_folder_writable_by_others_is_rejected() {
    let setup = with_outer().set("admin.socket", "\"outer/run/socket\"");
    chmod(&setup.folder().join("outer"), 0o777);
    assert_rejected(&setup, &["admin.socket", "others can write to the folder"]);
}

#[test]
fn a_database_below_a_folder_writable_by_others_is_rejected() {
    let setup = with_outer().set("store.url", "\"sqlite:outer/data/frontgate.db\"");
    chmod(&setup.folder().join("outer"), 0o777);
    assert_rejected(&setup, &["frontgate.db", "others can write to the folder"]);
}

#[test]
fn a_plugin_folder_writable_by_others_is_rejected() {
    let setup = Setup::misbehaving();
    chmod(&setup.folder().join("plugins"), 0o777);
    assert_rejected(&setup, &["plugins.directory: ", "others can write to the folder", "FRONTGATE_TRUSTED_FOLDERS"]);
}

#[test]
fn plugins_below_a_folder_writable_by_others_are_rejected() {
    let setup = with_outer().set("plugins.directory", "\"outer/plugins\"");
    fs::create_dir(setup.folder().join("outer/plugins")).expect("a folder");
    chmod(&setup.folder().join("outer"), 0o777);
    assert_rejected(&setup, &["plugins.directory: ", "others can write to the folder"]);
}

#[test]
fn a_configuration_writable_by_others_is_rejected() {
    let setup = Setup::misbehaving();
    chmod(&setup.write(), 0o666);
    assert_rejected_as_written(
        &setup,
        &["failed to read the configuration", "others can write to the file", "chmod go-w"],
    );
}

#[test]
fn a_configuration_in_a_folder_writable_by_others_is_rejected() {
    let setup = Setup::misbehaving();
    chmod(setup.folder(), 0o777);
    assert_rejected(&setup, &["failed to read the configuration", "others can write to the folder"]);
}

#[test]
fn a_secret_file_writable_by_others_is_rejected() {
    let setup = Setup::misbehaving();
    chmod(&setup.folder().join("token"), 0o666);
    assert_rejected(&setup, &["tenants.demo.twilio.auth_tokens[0]", "others can write to the file"]);
}

#[test]
fn folders_and_files_of_another_user_are_rejected() {
    let setup = with_outer().set("plugins.cache", "\"outer/compiled\"");
    if !give_away(&setup.folder().join("outer")) {
        return;
    }
    assert_rejected(&setup, &["plugin cache folder", "belongs to another user", "chown"]);
    let setup = Setup::misbehaving();
    give_away(&setup.folder().join("plugins"));
    assert_rejected(&setup, &["plugins.directory: ", "belongs to another user"]);
    let setup = Setup::misbehaving();
    give_away(&setup.write());
    assert_rejected_as_written(&setup, &["failed to read the configuration", "belongs to another user"]);
}

#[test]
fn a_link_into_a_folder_writable_by_others_is_rejected() {
    let setup = with_outer().set("plugins.cache", "\"compiled\"");
    fs::create_dir(setup.folder().join("outer/compiled")).expect("a folder");
    chmod(&setup.folder().join("outer"), 0o777);
    symlink("outer/compiled", setup.folder().join("compiled")).expect("a link");
    assert_rejected(&setup, &["plugin cache folder", "others can write to the folder", "outer (mode 0777)"]);
}

#[test]
fn a_plugin_writable_by_others_does_not_go_live() {
    let gateway = Setup::misbehaving().start();
    let next = another_build(&component("misbehaving"), 2);
    fs::write(gateway.path("next"), &next).expect("a file");
    chmod(&gateway.path("next"), 0o666);
    fs::rename(gateway.path("next"), gateway.path("plugins/plugin.wasm")).expect("the swap");
    gateway.log().event("plugin.kept").with("plugin", "plugin").wait_for(1);
    assert!(gateway.log().text().contains("others can write to the file"));
    assert_eq!(gateway.output_of("hello"), "version 1");
    chmod(&gateway.path("plugins/plugin.wasm"), 0o644);
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(2);
    assert_eq!(gateway.status()["plugins"]["plugin"]["live"]["digest"], digest(&next));
}

#[test]
fn a_plugin_of_another_user_does_not_go_live() {
    let gateway = Setup::misbehaving().start();
    fs::write(gateway.path("next"), another_build(&component("misbehaving"), 2)).expect("a file");
    if !give_away(&gateway.path("next")) {
        return;
    }
    fs::rename(gateway.path("next"), gateway.path("plugins/plugin.wasm")).expect("the swap");
    gateway.log().event("plugin.kept").with("plugin", "plugin").wait_for(1);
    assert!(gateway.log().text().contains("belongs to another user"));
}

#[test]
fn a_plugin_folder_that_becomes_writable_by_others_is_not_read() {
    let gateway = Setup::misbehaving().set("plugins.rescan_interval_ms", "50").start();
    chmod(&gateway.path("plugins"), 0o777);
    gateway.drop_plugin("plugin", &another_build(&component("misbehaving"), 2));
    gateway.log().event("plugin.folder_unreadable").saying("others can write to the folder").wait_for(1);
    assert_eq!(gateway.output_of("hello"), "version 1");
    chmod(&gateway.path("plugins"), 0o755);
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(2);
}

#[test]
fn a_trusted_folder_is_accepted_and_logged() {
    let setup = with_outer().set("plugins.cache", "\"outer/compiled\"").set("plugins.directory", "\"outer/plugins\"");
    let outer = setup.folder().join("outer");
    fs::rename(setup.folder().join("plugins"), outer.join("plugins")).expect("a move");
    chmod(&outer.join("plugins"), 0o777);
    chmod(&outer, 0o777);
    let trusted = outer.to_str().expect("text").to_owned();
    let gateway = setup.start_in(&[("FRONTGATE_TRUSTED_FOLDERS", &trusted)]);
    assert_eq!(gateway.output_of("hello"), "version 1");
    gateway.log().wait_for("FRONTGATE_TRUSTED_FOLDERS: owners and modes below ");
}

#[test]
fn a_private_folder_is_checked_below_a_trusted_one_too() {
    let setup = with_outer().set("plugins.cache", "\"outer/compiled\"");
    let outer = setup.folder().join("outer");
    fs::create_dir(outer.join("compiled")).expect("a folder");
    chmod(&outer.join("compiled"), 0o777);
    setup.write();
    let output = std::process::Command::new(frontgate_tests::program())
        .args(["run", "--config", "config.toml"])
        .env("FRONTGATE_TRUSTED_FOLDERS", &outer)
        .current_dir(setup.folder())
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && text.contains("others can write to the folder"), "{text}");
}
