//! Finding 1: the cost of one unsigned request is quadratic in its path.

use std::time::Duration;

use frontgate_tests::{Front, Gateway, Raw, Setup};

const REQUESTS: usize = 100;

/// Sends requests to a path, and returns the CPU time used by all threads.
fn cost(gateway: &Gateway, path: &str) -> Duration {
    let ran = || gateway.threads().iter().map(|thread| thread.ran).sum::<Duration>();
    let before = ran();
    for _ in 0..REQUESTS {
        let answer = Raw::connect(gateway.address()).send(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).answer();
        assert_eq!(answer.expect("an answer").status, 404, "{path:.20}");
    }
    ran().saturating_sub(before)
}

/// Compares CPU times, not wall-clock times. The factor was 700 before the fix; `routes/tests.rs` counts the hashed
/// bytes.
#[test]
fn a_path_of_slashes_costs_as_much_as_another_of_its_length() {
    let front = Front::start();
    let gateway = Setup::misbehaving().front(&front, "plugin").set("server.refusal_lines_per_second_max", "0").start();
    let plain = cost(&gateway, &format!("/{}", "x".repeat(15_999)));
    for unit in ["/", "/front", "/front/sms/"] {
        let slashes = cost(&gateway, &format!("/nothing{}", unit.repeat(15_900 / unit.len())));
        assert!(slashes < 10 * plain, "{slashes:?} for {unit}, and {plain:?} for letters");
    }
}
