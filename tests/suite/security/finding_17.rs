//! Finding 17: fewer descriptors than connections.

use frontgate_tests::{Raw, Setup, signed_callback};

fn plugin_with_a_folder() -> Setup {
    Setup::misbehaving().set("plugins.named.plugin.files", "\"files\"")
}

#[test]
fn strangers_leave_open_files_for_a_callback() {
    let gateway = plugin_with_a_folder().start_with_open_files(256);
    let mut verified = Raw::connect(gateway.address());
    let mut is_answered = || {
        let answer = verified.send(signed_callback("")).answer().expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    is_answered();
    let _held: Vec<_> = (0..296).map(|_| Raw::connect(gateway.address())).collect();
    is_answered();
    // Once more behind all of them.
    let answer = Raw::connect(gateway.address()).send(signed_callback("")).answer();
    assert_eq!(answer.map(|answer| answer.status), Some(200));
    is_answered();
}

#[test]
fn fewer_connections_than_configured_are_said_at_the_start() {
    let gateway = plugin_with_a_folder().start_with_open_files(256);
    let line = gateway.log().wait_for("limit on open files is 256");
    assert_eq!((&line["event"], &line["connections_max"]), (&"server.connections_limited".into(), &128.into()));
}

#[test]
fn enough_open_files_are_no_reason_for_a_warning() {
    let gateway = Setup::misbehaving().set("server.connections_max", "64").start();
    assert!(!gateway.log().text().contains("server.connections_limited"));
}
