//! Finding 10, the cache: machine code that another user has stored there is executed.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use frontgate_tests::{Gateway, Setup, component, digest};

/// Starts a gateway with code of `misbehaving` in its cache. Returns the gateway, the path of that code, and the file
/// name for code of `keyvalue`.
fn with_false_code() -> (Gateway, PathBuf, String) {
    let gateway = Setup::misbehaving().set("plugins.cache", "\"compiled\"").start();
    let file = fs::read_dir(gateway.path("compiled")).expect("the cache").flatten().next().expect("its code").path();
    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    let (_, settings_and_digest) = name.split_once('-').expect("three digests");
    let false_name = format!("{}-{settings_and_digest}", digest(&component("keyvalue")));
    (gateway, file, false_name)
}

#[track_caller]
fn assert_compiled(gateway: &Gateway) {
    gateway.drop_plugin("keyvalue", &component("keyvalue"));
    gateway.log().wait_for("compiling plugin `keyvalue`");
    gateway.log().event("plugin.live").with("plugin", "keyvalue").wait_for(1);
}

#[test]
fn a_folder_swapped_in_for_the_cache_is_not_read() {
    let (gateway, code, false_name) = with_false_code();
    let false_cache = gateway.path("false");
    fs::create_dir(&false_cache).expect("a folder");
    fs::copy(code, false_cache.join(false_name)).expect("a copy");
    fs::rename(gateway.path("compiled"), gateway.path("moved")).expect("the cache moves");
    fs::rename(false_cache, gateway.path("compiled")).expect("the other one takes its place");
    assert_compiled(&gateway);
}

#[test]
fn a_link_to_machine_code_is_not_followed() {
    let (gateway, code, false_name) = with_false_code();
    symlink(code, gateway.path("compiled").join(false_name)).expect("a link");
    assert_compiled(&gateway);
}

#[test]
fn machine_code_writable_by_others_is_not_run() {
    let (gateway, code, false_name) = with_false_code();
    let path = gateway.path("compiled").join(false_name);
    fs::copy(code, &path).expect("a copy");
    fs::set_permissions(&path, Permissions::from_mode(0o666)).expect("a mode");
    assert_compiled(&gateway);
}
