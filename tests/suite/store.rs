//! Tests the store: failed writes, versions, retention and file modes.

use frontgate_tests::{Gateway, Setup, Twilio, eventually};

fn routing(gateway: &Gateway, sid: &str) -> (u16, String) {
    let answer = gateway.callback("routing", &[("ConversationSid", sid), ("MessagingBinding.Address", "+12025550107")]);
    (answer.status, answer.code().to_owned())
}

#[test]
fn failed_writes_are_not_acknowledged_and_block_no_answer() {
    let twilio = Twilio::start();
    let gateway = Setup::every_role(&twilio)
        .set("store.timeout_ms", "200")
        .set("tenants.demo.twilio.default_worker", "\"default@example.org\"")
        .start();
    assert_eq!(routing(&gateway, "CH1").0, 200);
    let other = rusqlite::Connection::open(gateway.path("data/frontgate.db")).expect("the database");
    other.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    assert_eq!(routing(&gateway, "CH2"), (503, "not-stored".to_owned()));
    // A pre-event is still answered; only the stored answer for its retries is lost.
    let form = [("EventType", "onMessageAdd"), ("ConversationSid", "CH1"), ("Author", "x"), ("Body", "change")];
    let answer = gateway.callback_with_token("conversations", &form, "t-1");
    assert_eq!((answer.status, answer.json["body"].as_str()), (200, Some("changed")), "{}", answer.text);
    assert_eq!(gateway.crm(&frontgate_tests::list(&[])).status, 200);
    other.execute_batch("ROLLBACK").expect("an end");
    eventually("events are accepted again", || routing(&gateway, "CH3"), |(status, _)| *status == 200);
}

#[test]
fn a_newer_store_is_rejected_with_its_version() {
    let setup = Setup::misbehaving();
    std::fs::create_dir(setup.folder().join("data")).expect("a folder");
    let newer = rusqlite::Connection::open(setup.folder().join("data/frontgate.db")).expect("the database");
    newer.pragma_update(None, "user_version", 99).expect("a version");
    drop(newer);
    setup.write();
    let output = frontgate_tests::run(setup.folder(), &["run", "--config", "config.toml"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && text.contains("version 99"), "{text}");
}

#[test]
fn old_events_and_deliveries_are_deleted() {
    let twilio = Twilio::start();
    let gateway = Setup::every_role(&twilio)
        .set("store.events_keep_ms", "1")
        .set("store.deliveries_keep_ms", "1")
        .set("plugins.named.plugin.config.route", "\"worker ana@example.org\"")
        .start();
    let form = [("EventType", "onMessageAdded"), ("ConversationSid", "CH1"), ("MessageSid", "IM1")];
    assert_eq!(gateway.callback("conversations", &form).status, 200);
    gateway.wait_for_delivery(1, "sent");
    // Old rows are deleted at start and periodically.
    let gateway = gateway.restart();
    eventually("old deliveries are deleted", || gateway.deliveries(), Vec::is_empty);
    assert_eq!(gateway.callback("conversations", &form).status, 200);
    assert_eq!(gateway.deliveries().len(), 1);
}

#[test]
fn stored_data_is_readable_by_the_gateways_user_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let gateway = Setup::misbehaving().start();
    for (name, mode) in [("data", 0o700), ("data/frontgate.db", 0o600), ("data/frontgate.db-wal", 0o600)] {
        let found = std::fs::metadata(gateway.path(name)).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(found, mode, "{name}");
    }
}
