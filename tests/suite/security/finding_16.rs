//! Finding 16: the author chooses the compiler.

use frontgate_tests::hostile::{module, padded};
use frontgate_tests::{Setup, component};

#[test]
fn padding_does_not_select_the_quick_compiler() {
    let gateway = Setup::new().set("plugins.cache", "\"compiled\"").start();
    gateway.drop_plugin("plugin", &padded(&component("keyvalue"), 3 << 20, 1));
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(1);
    assert!(!gateway.log().text().contains("quick build"));
}

#[test]
fn an_operator_can_select_the_quick_compiler() {
    let gateway =
        Setup::new().set("plugins.cache", "\"compiled\"").set("plugins.named.plugin.quick_build", "true").start();
    gateway.drop_plugin("plugin", &padded(&component("keyvalue"), 3 << 20, 1));
    gateway.log().wait_for("compiling plugin `plugin` (quick build)");
    gateway.log().event("plugin.optimized").with("plugin", "plugin").wait_for(1);
}

#[test]
fn unneeded_wasm_proposals_are_rejected_by_name() {
    let table = [
        ("memory64", "(memory i64 1)", "memory64"),
        ("table64", "(table i64 1 funcref)", "memory64"),
        ("multi-memory", "(memory 1) (memory 1)", "multi-memory"),
        (
            "relaxed-simd",
            "(func (param v128 v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 1))))",
            "relaxed SIMD",
        ),
        ("function-references", "(type $f (func)) (func (param (ref $f)))", "function references"),
        ("gc", "(type (struct))", "gc"),
        ("exceptions", "(tag)", "exceptions"),
        ("threads", "(memory 1 1 shared)", "threads"),
        ("tail-call", "(func $f (return_call $f))", "tail calls"),
        ("custom-page-sizes", "(memory 1 (pagesize 1))", "custom page sizes"),
        (
            "wide-arithmetic",
            "(func (drop (drop (i64.add128 (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)))))",
            "wide arithmetic",
        ),
        ("stack-switching", "(type $f (func)) (type (cont $f))", "stack switching"),
    ];
    let gateway = Setup::misbehaving().start();
    for (name, text, words) in table {
        gateway.drop_plugin(name, &module(text));
        let line = gateway.log().event("plugin.refused").with("plugin", name).saying("it does not compile").wait_for(1);
        let message = line["message"].as_str().expect("a message").to_lowercase();
        assert!(message.contains(&words.to_lowercase()), "{name}: {message}");
    }
}
