//! Finding 8: a small file costs a gigabyte of memory and is compiled repeatedly.

use std::fs;

use frontgate_tests::hostile::{many_exports, padded, sparse_memories};
use frontgate_tests::{Gateway, Setup, component, numbered_build};

/// The allowed growth of resident memory after a rejected file, in KiB; before the fix the growth was 990 MiB.
const GROWTH_KIB_MAX: u64 = 16 * 1024;

fn cached_bytes(gateway: &Gateway) -> u64 {
    let files = fs::read_dir(gateway.path("compiled")).expect("the cache").flatten();
    files.map(|file| file.metadata().expect("a file").len()).sum()
}

fn with_cache() -> Setup {
    Setup::misbehaving().set("plugins.cache", "\"compiled\"")
}

#[test]
fn sparse_memories_use_neither_memory_nor_disk() {
    let gateway = with_cache().start();
    let (memory, disk) = (gateway.resident_kib(), cached_bytes(&gateway));
    for (name, modules) in [("thirty", 30), ("more", 200)] {
        gateway.drop_plugin(name, &sparse_memories(modules, (16 << 20) - 4096));
        gateway.log().event("plugin.refused").with("plugin", name).wait_for(1);
    }
    let (after, disk_after) = (gateway.resident_kib(), cached_bytes(&gateway));
    assert!(after < memory + GROWTH_KIB_MAX, "{memory} KiB before, {after} KiB after");
    assert!(disk_after < disk + (8 << 20), "{disk} bytes before, {disk_after} after");
}

#[test]
fn machine_code_over_its_limit_is_rejected_and_not_cached() {
    let gateway = with_cache().set("plugins.code_bytes_max", "4194304").start();
    let before = cached_bytes(&gateway);
    gateway.drop_plugin("large", &sparse_memories(200, 60_000));
    gateway
        .log()
        .event("plugin.refused")
        .with("plugin", "large")
        .saying("it does not compile: its machine code has")
        .wait_for(1);
    assert_eq!(cached_bytes(&gateway), before);
}

#[test]
fn the_cache_stays_within_its_byte_limit() {
    let build = |number| numbered_build(&component("keyvalue"), number);
    let gateway = with_cache().start();
    gateway.drop_plugin("first", &build(0));
    gateway.log().event("plugin.live").with("plugin", "first").wait_for(1);
    let both = cached_bytes(&gateway);
    gateway.edit_config(&[("plugins.code_bytes_max", "1048576"), ("plugins.cache_bytes_max", &both.to_string())]);
    let gateway = gateway.restart();
    gateway.drop_plugin("second", &build(1));
    gateway.log().event("plugin.live").with("plugin", "second").wait_for(1);
    assert!(cached_bytes(&gateway) <= both);
}

#[test]
fn a_million_exports_are_rejected() {
    let gateway = Setup::misbehaving().start();
    let before = gateway.resident_kib();
    gateway.drop_plugin("exports", &many_exports(1_000_000));
    gateway.log().wait_for("its modules have more than 100000 imports and exports");
    let after = gateway.resident_kib();
    assert!(after < before + GROWTH_KIB_MAX, "{before} KiB before, {after} KiB after");
}

#[test]
fn padding_is_not_kept_in_memory() {
    let gateway = Setup::misbehaving().start();
    let before = gateway.resident_kib();
    for note in 0..4 {
        let name = format!("padded-{note}");
        gateway.drop_plugin(&name, &padded(&sparse_memories(1, 1), 60 << 20, note));
        gateway.log().event("plugin.refused").with("plugin", &name).wait_for(1);
    }
    let after = gateway.resident_kib();
    assert!(after < before + GROWTH_KIB_MAX, "{before} KiB before, {after} KiB after");
}
