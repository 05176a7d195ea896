//! Finding 9: parsing has no limit on time and memory.

use frontgate_tests::hostile::{alias_chain, slow_to_compile, wide_types};
use frontgate_tests::{Setup, another_build, component};

#[test]
fn a_chain_of_aliases_is_followed_once() {
    let gateway = Setup::misbehaving().set("plugins.check_timeout_ms", "2000").start();
    gateway.drop_plugin("aliases", &alias_chain(32_000));
    // The file is rejected for its content. Following each alias for each name would exceed the timeout instead.
    gateway
        .log()
        .event("plugin.refused")
        .with("plugin", "aliases")
        .saying("exports no role of the contract")
        .wait_for(1);
}

#[test]
fn unbounded_types_are_rejected() {
    let gateway = Setup::misbehaving().start();
    let before = gateway.resident_kib();
    gateway.drop_plugin("wide", &wide_types(4_000, 2_000));
    gateway.log().event("plugin.refused").with("plugin", "wide").saying("it has more than").wait_for(1);
    let after = gateway.resident_kib();
    assert!(after < before + 16 * 1024, "{before} KiB before, {after} KiB after");
}

#[test]
fn a_file_that_exceeds_the_check_timeout_is_rejected() {
    let gateway = Setup::new().set("plugins.check_timeout_ms", "1").set("plugins.cache", "\"compiled\"").start();
    gateway.drop_plugin("plugin", &another_build(&component("misbehaving"), 1));
    gateway
        .log()
        .event("plugin.refused")
        .with("plugin", "plugin")
        .saying("check exceeded plugins.check_timeout_ms = 1")
        .wait_for(1);
}

#[test]
fn slow_compilations_do_not_delay_a_good_file() {
    const SLOW: u32 = 40;
    let gateway = Setup::misbehaving().set("plugins.cache", "\"compiled\"").start();
    for number in 0..SLOW {
        gateway.drop_plugin(&format!("slow-{number}"), &slow_to_compile(200, number));
    }
    gateway.log().wait_for("compiling plugin `slow-");
    gateway.drop_plugin("good", &another_build(&component("keyvalue"), 1));
    gateway.log().event("plugin.live").with("plugin", "good").wait_for(1);
    // Files are compiled in rotation, so the good file waits only for a few slow ones.
    let begun = gateway.log().text().matches("compiling plugin `slow-").count();
    assert!(begun <= 12, "{begun} of {SLOW} were compiled before");
}
