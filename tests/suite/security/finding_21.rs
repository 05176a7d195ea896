//! Finding 21: host memory is outside a plugin's limit.

use std::thread;

use frontgate_tests::{Gateway, Names, Setup, list};

fn setup() -> Setup {
    Setup::caller(&Names::start(), 1).set("plugins.breaker.failures", "1000").set("log.level", "\"debug\"")
}

fn hoard(gateway: &Gateway, instruction: &str) -> u16 {
    gateway.crm(&list(&[("Query", instruction)])).status
}

#[test]
fn headers_behind_handles_count_against_the_call_budget() {
    let gateway = setup().start();
    assert_eq!(hoard(&gateway, "hoard fields 100 30000"), 200);
    for instruction in ["hoard fields 1000 30000", "hoard copies 1000 20000", "hoard methods 1000 100000"] {
        assert_eq!(hoard(&gateway, instruction), 502, "{instruction}");
    }
    gateway.log().wait_for_count("plugin-trapped (host_memory_bytes_max)", 3);
    // Dropped resources are released.
    assert_eq!(hoard(&gateway, "hoard dropped 5000 30000"), 200);
}

#[test]
fn a_plugin_can_have_its_own_host_memory_budget() {
    let gateway = setup().set("plugins.named.plugin.limits", "{ host_memory_bytes_max = 65536 }").start();
    assert_eq!(hoard(&gateway, "hoard fields 1 30000"), 200);
    assert_eq!(hoard(&gateway, "hoard fields 10 30000"), 502);
}

#[test]
fn hoarding_calls_stay_within_their_budgets() {
    let gateway = setup().start();
    assert_eq!(hoard(&gateway, "hoard fields 1 30000"), 200);
    let before = gateway.peak_kib();
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| assert_ne!(hoard(&gateway, "hoard fields 1000 30000"), 200));
        }
    });
    let grown = gateway.peak_kib() - before;
    // Each call may hold 8 MiB in addition to its own memory; without a budget it would hold 29 MiB.
    assert!(grown < 6 * 14 * 1024, "{grown} kB");
}

#[test]
fn instances_share_the_memory_limit_of_their_tenant() {
    let gateway = Setup::misbehaving()
        .set("plugins.memory_bytes_per_tenant_max", "67108864")
        .set("plugins.breaker.failures", "1")
        .start();
    thread::scope(|scope| {
        let hog = scope.spawn(|| gateway.instruct("hold 60 1500").status);
        gateway.log().wait_for("holding 60");
        let answer = gateway.instruct("hold 30 0");
        assert_eq!((answer.status, answer.code(), &*answer.headers["retry-after"]), (503, "busy", "1"));
        assert_eq!(hog.join().expect("no panic"), 200);
    });
    // The rejection is not a failure of the plugin, and memory is available again.
    assert_eq!(gateway.instruct("hold 30 0").status, 200);
}
