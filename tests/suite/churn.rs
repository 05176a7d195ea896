//! Replaces a plugin thousands of times under load. `FRONTGATE_SWAPS=10000` makes the test longer.

use frontgate_tests::{Setup, built_against, component, eventually, numbered_build};

/// The number of builds used in rotation: each is compiled once, then loaded from the cache.
const BUILDS: u32 = 12;

/// The allowed growth of resident memory after the first third, in KiB.
const GROWTH_KIB_MAX: u64 = 24 * 1024;

#[test]
fn thousands_of_swaps_fail_no_call_and_leak_no_memory() {
    let swaps: u32 = std::env::var("FRONTGATE_SWAPS").ok().and_then(|number| number.parse().ok()).unwrap_or(120);
    let gateway = Setup::misbehaving()
        .set("plugins.settle_ms", "1")
        .set("plugins.probation.calls", "3")
        .set("log.level", "\"info,frontgate_gateway=warn\"")
        .start();
    let good: Vec<_> = (0..BUILDS).map(|number| numbered_build(&component("misbehaving"), number)).collect();
    let bad = [
        b"hello".to_vec(),
        Vec::new(),
        good[0][..good[0].len() / 2].to_vec(),
        built_against(|wit| wit.replace("@0.1.0", "@0.0.9")),
    ];
    let mut settled = 0;
    let answered = gateway.answers_during(|| {
        for swap in 0..swaps {
            let (round, outcome) =
                (usize::try_from(swap).expect("a number"), if swap % 3 == 2 { "kept" } else { "live" });
            let bytes = if outcome == "kept" { &bad[round % bad.len()] } else { &good[round % good.len()] };
            gateway.drop_plugin("plugin", bytes);
            // The file watcher may have loaded the build already.
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
        gateway.output_of("hello");
    }
    let generations = || gateway.metric("frontgate_plugin_generations");
    eventually("old generations are dropped", generations, |count| *count <= 1.0);
    let grown = gateway.resident_kib().saturating_sub(settled);
    assert!(grown < GROWTH_KIB_MAX, "{grown} KiB more than after the first third");
}
