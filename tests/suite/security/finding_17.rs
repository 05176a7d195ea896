//! Finding 17: the limit on descriptors is lower than the limit on connections.

use frontgate_tests::{Raw, Setup, signed_callback};

fn plugin_with_a_folder() -> Setup {
    Setup::misbehaving().set("plugins.named.plugin.files", "\"files\"")
}

#[test]
fn unverified_connections_leave_descriptors_for_a_callback() {
    let gateway = plugin_with_a_folder().start_with_open_files(256);
    let mut verified = Raw::connect(gateway.address());
    let mut assert_answered = || {
        let answer = verified.send(signed_callback("")).answer().expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    assert_answered();
    let _held: Vec<_> = (0..296).map(|_| Raw::connect(gateway.address())).collect();
    assert_answered();
    // A new connection is served despite all the unverified ones.
    let answer = Raw::connect(gateway.address()).send(signed_callback("")).answer();
    assert_eq!(answer.map(|answer| answer.status), Some(200));
    assert_answered();
}

#[test]
fn a_reduced_connection_limit_is_logged_at_start() {
    let gateway = plugin_with_a_folder().start_with_open_files(256);
    let line = gateway.log().wait_for("limit on open files is 256");
    assert_eq!((&line["event"], &line["connections_max"]), (&"server.connections_limited".into(), &128.into()));
}

#[test]
fn sufficient_descriptors_cause_no_warning() {
    let gateway = Setup::misbehaving().set("server.connections_max", "64").start();
    assert!(!gateway.log().text().contains("server.connections_limited"));
}
