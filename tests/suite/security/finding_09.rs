//! Finding 9: parsing has no limit on time and memory.

use frontgate_tests::hostile::{alias_chain, slow_to_compile, wide_types};
use frontgate_tests::{Setup, another_build, component};

#[test]
fn a_chain_of_aliases_is_followed_once() {
    let gateway = Setup::misbehaving().set("plugins.check_timeout_ms", "2000").start();
    gateway.drop_plugin("aliases", &alias_chain(32_000));
    // It is refused for what it is: reading it fits into a time that following each link for each name does not.
    gateway.log().wait_for("plugin `aliases` is not usable: it answers no role");
}

#[test]
fn types_without_end_are_refused() {
    let gateway = Setup::misbehaving().start();
    let before = gateway.resident_kib();
    gateway.drop_plugin("wide", &wide_types(4_000, 2_000));
    gateway.log().wait_for("plugin `wide` is not usable: it has more than");
    let after = gateway.resident_kib();
    assert!(after < before + 16 * 1024, "{before} KiB before, {after} KiB after");
}

#[test]
fn a_file_that_takes_longer_to_read_than_it_may_is_refused() {
    let gateway = Setup::new().set("plugins.check_timeout_ms", "1").set("plugins.cache", "\"compiled\"").start();
    gateway.drop_plugin("plugin", &another_build(&component("misbehaving"), 1));
    gateway.log().wait_for("plugin `plugin` is not usable: checking it takes longer than plugins.check_timeout_ms = 1");
}

#[test]
fn files_that_are_slow_to_compile_delay_no_good_one() {
    const SLOW: u32 = 40;
    let gateway = Setup::misbehaving().set("plugins.cache", "\"compiled\"").start();
    for number in 0..SLOW {
        gateway.drop_plugin(&format!("slow-{number}"), &slow_to_compile(200, number));
    }
    gateway.log().wait_for("compiling plugin `slow-");
    gateway.drop_plugin("good", &another_build(&component("keyvalue"), 1));
    gateway.log().wait_for("plugin `good` is live");
    // Each of them has a turn; the good one did not wait for more than a few.
    let begun = gateway.log().text().matches("compiling plugin `slow-").count();
    assert!(begun <= 12, "{begun} of {SLOW} were compiled before");
}
