//! Thousands of swaps under load. `FRONTGATE_SWAPS=10000` makes it long.

use frontgate_tests::{Setup, built_against, component, numbered_build};

/// Builds in turn: each compiles once, and comes from the cache from then on.
const BUILDS: u32 = 12;

/// What a process may grow by between the first rounds and the last.
const GROWTH_KIB_MAX: u64 = 24 * 1024;

#[test]
fn thousands_of_swaps_fail_nothing_leave_nothing_behind_and_use_no_more_memory() {
    let swaps: u32 = std::env::var("FRONTGATE_SWAPS").ok().and_then(|number| number.parse().ok()).unwrap_or(120);
    let gateway = Setup::misbehaving()
        .set("plugins.settle_ms", "1")
        .set("plugins.probation.calls", "3")
        .set("log.level", "\"info,frontgate::gateway=warn\"")
        .start();
    let good: Vec<_> = (0..BUILDS).map(|number| numbered_build(&component("misbehaving"), number)).collect();
    let bad = [
        b"hello".to_vec(),
        Vec::new(),
        good[0][..good[0].len() / 2].to_vec(),
        built_against(|wit| wit.replace("@0.1.0", "@0.0.9")),
    ];
    let mut settled = 0;
    let answered = gateway.asked_while(|| {
        for swap in 0..swaps {
            let (round, outcome) =
                (usize::try_from(swap).expect("a number"), if swap % 3 == 2 { "kept" } else { "live" });
            let bytes = if outcome == "kept" { &bad[round % bad.len()] } else { &good[round % good.len()] };
            gateway.drop_plugin("plugin", bytes);
            // The watcher may have been faster.
            gateway.reload();
            let attempt = gateway.status()["plugins"]["plugin"]["last_attempt"].clone();
            assert_eq!(attempt["outcome"], outcome, "{attempt}");
            if swap == swaps / 3 {
                settled = gateway.resident_kib();
            }
        }
    });
    assert!(answered > 100);
    for _ in 0..3 {
        gateway.wished("hello");
    }
    while gateway.metric("frontgate_plugin_generations") > 1.0 {}
    let grown = gateway.resident_kib().saturating_sub(settled);
    assert!(grown < GROWTH_KIB_MAX, "{grown} KiB more than after the first third");
}
