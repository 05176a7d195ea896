//! Finding 15: a pipe in a granted folder blocks threads.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use frontgate_tests::Setup;
use rustix::fs::{CWD, Mode, mkfifoat};

#[test]
fn only_regular_files_and_folders_of_a_granted_folder_are_readable() {
    let setup = Setup::misbehaving()
        .file("note", "a note")
        .set("plugins.named.plugin.files", "\"files\"")
        .set("plugins.file_threads_per_plugin_max", "1")
        .set("plugins.limits.call_timeout_ms", "2000");
    let files = setup.folder().join("files");
    fs::create_dir(files.join("below")).expect("a folder");
    mkfifoat(CWD, files.join("pipe"), Mode::RUSR | Mode::WUSR).expect("a pipe");
    mkfifoat(CWD, files.join("below/pipe"), Mode::RUSR | Mode::WUSR).expect("a pipe");
    let _socket = UnixListener::bind(files.join("socket")).expect("a socket");
    symlink("pipe", files.join("link")).expect("a link");
    symlink("below/pipe", files.join("link-below")).expect("a link");
    symlink("below", files.join("folder")).expect("a link");
    symlink("/dev/zero", files.join("device")).expect("a link");
    let gateway = setup.start();
    for name in ["pipe", "below/pipe", "socket", "link", "link-below", "folder/pipe", "folder/../pipe", "./pipe"] {
        assert_eq!(gateway.output_of(&format!("files {name}")), "Err(PermissionDenied) false", "{name}");
    }
    for name in ["device", "pipe/", "/dev/zero", "../token"] {
        let output = gateway.output_of(&format!("files {name}"));
        assert!(output.starts_with("Err(") && output.ends_with(" false"), "{name}: {output}");
    }
    // The only file thread must not be blocked.
    for name in ["note", "./note", "below/../note", "folder/../note"] {
        assert_eq!(gateway.output_of(&format!("files {name}")), "Ok(\"a note\") false", "{name}");
    }
}

#[test]
fn a_file_that_was_replaced_by_a_pipe_is_checked_again() {
    let setup = Setup::misbehaving()
        .file("note", "a note")
        .set("plugins.named.plugin.files", "\"files\"")
        .set("plugins.limits.call_timeout_ms", "2000");
    let note = setup.folder().join("files/note");
    let gateway = setup.start();
    assert_eq!(gateway.output_of("files note"), "Ok(\"a note\") false");
    fs::remove_file(&note).expect("the file");
    mkfifoat(CWD, &note, Mode::RUSR | Mode::WUSR).expect("a pipe");
    assert_eq!(gateway.output_of("files note"), "Err(PermissionDenied) false");
}

#[test]
fn a_folder_listing_is_limited() {
    let setup = Setup::misbehaving().set("plugins.named.plugin.files", "\"files\"");
    let files = setup.folder().join("files");
    for folder in ["few", "many"] {
        fs::create_dir(files.join(folder)).expect("a folder");
    }
    for entry in 0..100 {
        fs::write(files.join(format!("few/{entry}")), "").expect("a file");
    }
    for entry in 0..16_385 {
        fs::hard_link(files.join("few/0"), files.join(format!("many/{entry}"))).expect("a file");
    }
    let gateway = setup.start();
    assert_eq!(gateway.output_of("list few"), "Ok(100)");
    assert_eq!(gateway.output_of("list many"), "Err(OutOfMemory)");
}
