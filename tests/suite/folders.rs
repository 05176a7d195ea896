//! Tests kinds of plugin folders and of files in them, and the receipt of each.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use frontgate_tests::{Gateway, Setup, another_build, component, digest, eventually, root};
use serde_json::Value;

fn build(number: u8) -> Vec<u8> {
    another_build(&component("misbehaving"), number)
}

fn attempt(gateway: &Gateway, plugin: &str) -> Value {
    gateway.status()["plugins"][plugin]["last_attempt"].clone()
}

fn assert_live(gateway: &Gateway, bytes: &[u8], count: usize) {
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(count);
    assert_eq!(gateway.status()["plugins"]["plugin"]["live"]["digest"], digest(bytes));
    assert_eq!(attempt(gateway, "plugin")["outcome"], "live");
}

/// Waits until a file is rejected, and checks its receipt and that the live plugin still answers.
fn assert_rejected(gateway: &Gateway, plugin: &str, words: &str) {
    gateway.log().event("plugin.refused").with("plugin", plugin).wait_for(1);
    let attempt = attempt(gateway, plugin);
    assert_eq!(attempt["outcome"], "refused", "{attempt}");
    assert!(attempt["reason"].as_str().expect("a reason").contains(words), "{plugin}: {attempt}");
    assert_eq!(gateway.output_of("hello"), "version 1");
}

#[test]
fn an_atomically_swapped_volume_mount_is_reloaded() {
    let setup = Setup::new();
    let folder = setup.folder().join("plugins");
    let version = |name: &str, bytes: &[u8]| {
        fs::create_dir(folder.join(name)).expect("a folder");
        fs::write(folder.join(name).join("plugin.wasm"), bytes).expect("a file");
    };
    version("..2026_1", &build(1));
    symlink("..2026_1", folder.join("..data")).expect("a link");
    symlink("..data/plugin.wasm", folder.join("plugin.wasm")).expect("a link");
    let gateway = setup.start();
    assert_live(&gateway, &build(1), 1);
    version("..2026_2", &build(2));
    symlink("..2026_2", folder.join("..data_tmp")).expect("a link");
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).expect("the swap");
    assert_live(&gateway, &build(2), 2);
    fs::remove_dir_all(folder.join("..2026_1")).expect("the folder");
    assert_eq!(gateway.reload().len(), 0);
}

#[test]
fn a_renamed_and_an_overwritten_file_are_both_loaded() {
    let gateway = Setup::new().plugin("plugin", &build(1)).start();
    fs::write(gateway.path("plugins/upload"), build(2)).expect("a file");
    fs::rename(gateway.path("plugins/upload"), gateway.path("plugins/plugin.wasm")).expect("the swap");
    assert_live(&gateway, &build(2), 2);
    fs::write(gateway.path("plugins/plugin.wasm"), build(3)).expect("a file");
    assert_live(&gateway, &build(3), 3);
    // The new file has the same size and an older modification time.
    fs::write(gateway.path("plugins/plugin.wasm"), build(4)).expect("a file");
    let file = fs::File::options().write(true).open(gateway.path("plugins/plugin.wasm")).expect("the file");
    file.set_modified(std::time::UNIX_EPOCH).expect("a time");
    assert_live(&gateway, &build(4), 4);
}

#[test]
fn a_replaced_plugin_folder_is_watched() {
    let gateway = Setup::new().set("plugins.rescan_interval_ms", "50").plugin("plugin", &build(1)).start();
    let live_digest = || gateway.status()["plugins"]["plugin"]["live"]["digest"].clone();
    let next = gateway.path("next");
    fs::create_dir(&next).expect("a folder");
    fs::write(next.join("plugin.wasm"), build(2)).expect("a file");
    fs::rename(gateway.path("plugins"), gateway.path("before")).expect("a move");
    fs::rename(&next, gateway.path("plugins")).expect("a move");
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(1);
    eventually("build 2 is live", live_digest, |live| *live == digest(&build(2)));
    fs::write(gateway.path("plugins/plugin.wasm"), build(3)).expect("a file");
    eventually("build 3 is live", live_digest, |live| *live == digest(&build(3)));
}

#[test]
fn a_bind_mount_without_events_is_rescanned() {
    // Mounting requires privileges that tests lack on some machines.
    let may = Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|status| status.success());
    if !may {
        return;
    }
    let elsewhere = tempfile::TempDir::new().expect("a folder");
    fs::write(elsewhere.path().join("plugin.wasm"), build(1)).expect("a file");
    let setup = Setup::new().set("plugins.rescan_interval_ms", "50");
    let gateway = setup.start_with_mount(elsewhere.path());
    assert_live(&gateway, &build(1), 1);
    fs::write(elsewhere.path().join("plugin.wasm"), build(2)).expect("a file");
    assert_live(&gateway, &build(2), 2);
}

#[test]
fn a_missing_folder_removes_no_plugin() {
    let gateway = Setup::new().set("plugins.rescan_interval_ms", "50").plugin("plugin", &build(1)).start();
    fs::rename(gateway.path("plugins"), gateway.path("elsewhere")).expect("a move");
    gateway.log().event("plugin.folder_unreadable").wait_for(1);
    assert_eq!(gateway.output_of("hello"), "version 1");
    let (status, text) = gateway.admin_post("/reload", "");
    assert!(status == 409 && text.contains("failed to read the plugins folder"), "{text}");
    fs::rename(gateway.path("elsewhere"), gateway.path("plugins")).expect("a move");
    gateway.drop_plugin("plugin", &build(2));
    assert_live(&gateway, &build(2), 2);
}

#[test]
fn a_plugin_name_that_is_no_regular_file_is_reported() {
    let gateway = Setup::new().plugin("plugin", &build(1)).start();
    let folder = gateway.path("plugins");
    fs::create_dir(folder.join("folder.wasm")).expect("a folder");
    assert_rejected(&gateway, "folder", "not a regular file: a folder");
    rustix::fs::mkfifoat(rustix::fs::CWD, folder.join("pipe.wasm"), rustix::fs::Mode::RUSR).expect("a pipe");
    assert_rejected(&gateway, "pipe", "not a regular file: a pipe");
    symlink("loop.wasm", folder.join("loop.wasm")).expect("a link");
    assert_rejected(&gateway, "loop", "failed to read metadata: Too many levels of symbolic links");
    // A dangling link is ignored until its target exists.
    symlink("nothing", folder.join("dangling.wasm")).expect("a link");
    assert_eq!(gateway.reload().len(), 0);
    assert_eq!(attempt(&gateway, "dangling"), Value::Null);
    fs::write(folder.join("nothing"), build(2)).expect("a file");
    gateway.log().event("plugin.live").with("plugin", "dangling").wait_for(1);
}

#[test]
fn an_unreadable_file_is_loaded_once_it_is_readable() {
    // Root can read every file, so the rejection is checked only for other users.
    let gateway = Setup::new().set("plugins.rescan_interval_ms", "50").plugin("plugin", &build(1)).start();
    let path = gateway.path("plugins/other.wasm");
    fs::write(gateway.path("upload"), build(2)).expect("a file");
    fs::set_permissions(gateway.path("upload"), fs::Permissions::from_mode(0o000)).expect("the file");
    let readable = fs::read(gateway.path("upload")).is_ok();
    fs::rename(gateway.path("upload"), &path).expect("a move");
    if !readable {
        assert_rejected(&gateway, "other", "Permission denied");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the file");
    gateway.log().event("plugin.live").with("plugin", "other").wait_for(1);
}

#[test]
fn unusable_files_are_rejected_with_the_reason() {
    let setup = Setup::new()
        .set("plugins.cache", "\"compiled\"")
        .set("plugins.file_bytes_max", "2000000")
        .set("plugins.named.hang.limits", "{ cpu_time_ms = 50 }")
        .set("plugins.named.want.limits", "{ memory_bytes_max = 65536 }")
        .plugin("plugin", &build(1));
    let gateway = setup.start();
    let start = fs::read_to_string(root().join("tests/guests/trap-at-start.wat")).expect("the source");
    let wat = |text: &str| wat::parse_str(text).expect("WebAssembly");
    let hang = start.replace("(func $boom unreachable)", "(func $boom (loop br 0))");
    let compiled = fs::read_dir(gateway.path("compiled")).expect("the cache").flatten().next().expect("a file");
    let machine_code = fs::read(compiled.path()).expect("the file");
    let cases: [(&str, Vec<u8>, &str); 8] = [
        ("empty", Vec::new(), "it is empty"),
        ("module", wat("(module)"), "it is a core module"),
        ("old", b"\0asm\x0b\0\x01\0".to_vec(), "it is WebAssembly of an unknown version"),
        ("trap", wat(&start), "it does not start: the plugin crashed"),
        ("hang", wat(&hang), "cpu_time_ms exceeded"),
        ("huge", vec![0; 2_000_001], "more than plugins.file_bytes_max = 2000000"),
        ("native", machine_code, "it is machine code, not WebAssembly"),
        ("want", component("misbehaving"), "memory_bytes_max"),
    ];
    for (name, bytes, words) in cases {
        gateway.drop_plugin(name, &bytes);
        assert_rejected(&gateway, name, words);
    }
}
