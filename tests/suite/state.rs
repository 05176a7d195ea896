//! What plugins keep: seen by others once the call has succeeded, exact among concurrent calls, apart for
//! each plugin and tenant, within its limits.

use std::collections::BTreeSet;
use std::thread;

use frontgate_tests::{Answer, Gateway, PUBLIC_URL, Setup, TOKEN, component, list, post, sign};

pub(crate) fn setup() -> Setup {
    Setup::misbehaving().set("plugins.named.plugin.state", "true")
}

/// What came of each wish of a script.
fn said(gateway: &Gateway, script: &str) -> String {
    gateway.wished(&format!("state {script}"))
}

fn ended(gateway: &Gateway, script: &str) -> (u16, String) {
    let answer = gateway.wish(&format!("state {script}"));
    (answer.status, answer.code().to_owned())
}

/// Has one call say that it is at it and wait for the key `go`, does something meanwhile, and lets it end.
fn while_one_is_at_it(gateway: &Gateway, script: &str, meanwhile: impl FnOnce()) -> Answer {
    let word = uuid::Uuid::new_v4();
    let answer = thread::scope(|scope| {
        let call = scope.spawn(|| gateway.wish(&format!("state {script}; say {word}; until go")));
        gateway.log().wait_for(&word.to_string());
        meanwhile();
        assert_eq!(said(gateway, "set go 1"), "set");
        call.join().expect("an answer")
    });
    assert_eq!(said(gateway, "delete go"), "deleted");
    answer
}

#[test]
fn a_call_sees_its_own_writes_at_once_and_later_calls_see_them_too() {
    let gateway = setup().start();
    let script = "get k; set k 1; get k; increment n 2; increment n 3; get n; add k 2; swap k 3; delete k; get k";
    assert_eq!(said(&gateway, script), "none; set; 1; 2; 5; 5; false; true; deleted; none");
    assert_eq!(said(&gateway, "get k; get n"), "none; 5");
    let gateway = gateway.restart();
    assert_eq!(said(&gateway, "get k; get n"), "none; 5");
}

#[test]
fn others_see_what_a_call_has_written_when_it_has_succeeded() {
    let gateway = setup().start();
    let answer = while_one_is_at_it(&gateway, "set k 1; increment n 1", || {
        assert_eq!(said(&gateway, "get k; get n"), "none; none");
    });
    assert_eq!(answer.status, 200);
    assert_eq!(said(&gateway, "get k; get n"), "1; 1");
}

#[test]
fn what_a_call_has_written_is_dropped_if_it_fails_in_any_way() {
    let gateway = setup().set("plugins.limits.call_timeout_ms", "400").start();
    for (how, status) in [("failed", 502), ("not-found", 404), ("panic", 502), ("sleep 20000", 504), ("loop", 504)] {
        let script = format!("set k ana@example.org; increment n 1; add a 1; delete z; {how}");
        assert_eq!(ended(&gateway, &script).0, status, "{how}");
        // Nor does it hold anything any more.
        assert_eq!(said(&gateway, "get k; get n; get a; swap a 1; delete a"), "none; none; none; true; deleted");
    }
}

#[test]
fn the_receipt_says_how_much_a_call_has_written() {
    let gateway = setup().set("log.level", "\"debug\"").start();
    said(&gateway, "set a one; set b two; get c");
    let line = gateway.log().wait_for("state 2 keys (8 bytes) written");
    assert!(line["message"].as_str().is_some_and(|text| text.contains("a call ended: plugin")), "{line}");
}

#[test]
fn without_a_grant_nothing_is_kept() {
    let gateway = Setup::misbehaving().set("plugins.named.plugin.state", "false").start();
    assert_eq!(said(&gateway, "get k; set k 1; increment n 1; delete k"), ["not-granted"; 4].join("; "));
}

#[test]
fn each_plugin_keeps_its_own_for_each_tenant() {
    let mut setup = setup().plugin("other", &component("misbehaving")).set("plugins.named.other.state", "true");
    for (tenant, plugin) in [("acme", "plugin"), ("bolt", "other")] {
        setup = setup
            .set(&format!("tenants.{tenant}.path"), format!("\"/{tenant}\""))
            .set(&format!("tenants.{tenant}.twilio.auth_tokens"), "[{ file = \"token\" }]")
            .set(&format!("tenants.{tenant}.roles.crm"), format!("[\"{plugin}\"]"));
    }
    let gateway = setup.start();
    let said = |path: &str, script: &str| {
        let (path, query) = (format!("{path}/callbacks/crm"), format!("state {script}"));
        let form = list(&[("Query", &query)]);
        let signature = sign(TOKEN, &format!("{PUBLIC_URL}{path}"), &form);
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let answer = post(gateway.address(), &path, &[kind, ("x-twilio-signature", &signature)], body.as_bytes());
        answer.json["objects"]["customers"][0]["display_name"].as_str().expect("a name").to_owned()
    };
    let paths = ["", "/acme", "/bolt"];
    for path in paths {
        assert_eq!(said(path, &format!("get k; set k v{path}; increment n 1")), "none; set; 1");
    }
    for path in paths {
        assert_eq!(said(path, "get k; get n"), format!("v{path}; 1"));
    }
    let status = gateway.status();
    for (plugin, tenant, bytes) in [("plugin", "demo", 4), ("plugin", "acme", 9), ("other", "bolt", 9)] {
        assert_eq!(status["state"][plugin][tenant], serde_json::json!({ "keys": 2, "bytes": bytes }), "{status}");
        let line = format!("frontgate_state_bytes{{plugin=\"{plugin}\",tenant=\"{tenant}\"}} {bytes}");
        assert!(gateway.operators("/metrics").1.contains(&line), "{line}");
    }
}

#[test]
fn a_plugin_keeps_no_more_than_it_may() {
    let gateway =
        setup().set("plugins.named.plugin.state", "{ keys_max = 3, value_bytes_max = 10, key_bytes_max = 5 }").start();
    let script = "fill a 11; fill abcdef 1; fill a 10; set b 1; set go 1; set c 1; delete go; set c 1; get c";
    assert_eq!(said(&gateway, script), "too-large; too-large; filled; set; set; full; deleted; set; 1");
    assert_eq!(said(&gateway, "delete a; delete b; delete c"), "deleted; deleted; deleted");
    // Both fit when they are written, and only the first of them when it ends.
    let answer = while_one_is_at_it(&gateway, "set a 1; set b 1", || {
        assert_eq!(said(&gateway, "set c 1; set d 1"), "set; set");
    });
    assert_eq!((answer.status, answer.code()), (502, "plugin-failed"));
    gateway.log().wait_for("what it wrote to its state does not fit");
    assert_eq!(said(&gateway, "get a; get b; get c; get d"), "none; none; 1; 1");
}

#[test]
fn what_is_kept_for_a_time_is_gone_after_it_and_takes_no_room() {
    let gateway = setup().start();
    assert_eq!(said(&gateway, "set k 1 3600; get k; set k 1 1; get k"), "set; 1; set; 1");
    while said(&gateway, "get k") != "none" {
        thread::yield_now();
    }
    // It is deleted at the start, and from time to time.
    let gateway = gateway.restart();
    while gateway.status()["state"]["plugin"]["demo"]["keys"] != 0 {
        thread::yield_now();
    }
}

#[test]
fn hundreds_of_concurrent_increments_are_all_counted_and_each_is_told_another_number() {
    const CALLERS: usize = 8;
    const EACH: usize = 40;
    let gateway = setup().set("plugins.state.wait_ms", "60000").start();
    let numbers: Vec<usize> = thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| scope.spawn(|| (0..EACH).map(|_| said(&gateway, "increment n 1")).collect::<Vec<_>>()))
            .collect();
        callers.into_iter().flat_map(|caller| caller.join().expect("answers")).map(|n| n.parse().expect(&n)).collect()
    });
    let distinct: BTreeSet<_> = numbers.iter().copied().collect();
    assert_eq!((numbers.len(), distinct), (CALLERS * EACH, (1..=CALLERS * EACH).collect()));
    assert_eq!(said(&gateway, "get n"), (CALLERS * EACH).to_string());
}

#[test]
fn a_key_that_one_call_swaps_or_increments_is_no_other_calls_until_it_ends() {
    let gateway = setup().set("plugins.state.wait_ms", "50").start();
    let answer = while_one_is_at_it(&gateway, "swap ana@example.org 1; increment n 1", || {
        assert_eq!(said(&gateway, "swap ana@example.org 2; increment n 1"), "unavailable; unavailable");
        assert_eq!(said(&gateway, "get ana@example.org; increment other 1"), "none; 1");
    });
    assert_eq!(answer.status, 200);
    assert_eq!(said(&gateway, "swap ana@example.org 2; increment n 1; add n 7"), "true; 2; false");
}

#[test]
fn one_that_waits_for_a_key_gets_it_when_the_other_ends() {
    let gateway = setup().set("plugins.state.wait_ms", "60000").start();
    thread::scope(|scope| {
        let mut next = None;
        while_one_is_at_it(&gateway, "increment n 1", || {
            next = Some(scope.spawn(|| said(&gateway, "say next; increment n 1")));
            gateway.log().wait_for("next");
        });
        assert_eq!(next.expect("it was started").join().expect("an answer"), "said; 2");
    });
}

#[test]
fn a_plain_write_waits_for_nobody_and_takes_back_what_relied_on_another_value() {
    let gateway = setup().start();
    let answer = while_one_is_at_it(&gateway, "swap k 1; set other 1", || {
        assert_eq!(said(&gateway, "set k 2"), "set");
    });
    assert_eq!((answer.status, answer.code()), (503, "unavailable"));
    gateway.log().wait_for("was changed meanwhile");
    assert_eq!(said(&gateway, "get k; get other"), "2; none");
    let answer = while_one_is_at_it(&gateway, "set k 3", || {
        assert_eq!(said(&gateway, "set k 4"), "set");
    });
    assert_eq!(answer.status, 200);
    assert_eq!(said(&gateway, "get k"), "3", "the call that ended last wins");
}

#[test]
fn a_call_within_another_does_not_wait_for_what_that_one_holds() {
    let gateway =
        setup().set("tenants.demo.roles.templates", "[\"plugin\"]").set("plugins.state.wait_ms", "60000").start();
    let script = "state increment n 1; set own 1; crm increment n 1; increment theirs 1; get own";
    let form = [("Worker", "ana@example.org"), ("Location", "GetTemplatesByCustomerId"), ("CustomerId", script)];
    let answer = gateway.callback("templates", &form);
    let told = answer.json[0]["templates"][0]["content"].as_str().unwrap_or(&answer.text);
    assert_eq!(told, "1; set; unavailable; 1; none");
    assert_eq!(said(&gateway, "get n; get own; get theirs"), "1; 1; 1");
}

#[test]
fn what_cannot_be_written_is_not_answered_and_what_is_there_can_be_read_meanwhile() {
    let gateway = setup().set("store.timeout_ms", "200").start();
    assert_eq!(said(&gateway, "set k 1"), "set");
    let other = rusqlite::Connection::open(gateway.path("data/frontgate.db")).expect("the database");
    other.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    assert_eq!(ended(&gateway, "set k 2"), (503, "unavailable".to_owned()));
    assert_eq!(said(&gateway, "get k"), "1");
    other.execute_batch("ROLLBACK").expect("an end");
    while ended(&gateway, "set k 3").0 != 200 {}
    assert_eq!(said(&gateway, "get k"), "3");
}

#[test]
fn a_store_of_the_version_before_is_brought_up_with_what_is_in_it() {
    let setup = setup();
    std::fs::create_dir(setup.folder().join("data")).expect("a folder");
    let older = rusqlite::Connection::open(setup.folder().join("data/frontgate.db")).expect("the database");
    older.execute_batch(include_str!("../../host/crates/store/src/schema/1-deliveries.sql")).expect("its tables");
    let event =
        "INSERT INTO deliveries (tenant, kind, name, conversation, fields, request, state, created_ms, since_ms,
      changed_ms) VALUES ('demo', 'routing', 'routing', 'CH1', '[]', 'r', 'dead', 1, 1, 1)";
    older.execute(event, []).expect("a row");
    older.pragma_update(None, "user_version", 1).expect("a version");
    drop(older);
    let gateway = setup.start();
    assert_eq!(gateway.deliveries()[0]["conversation"], "CH1");
    assert_eq!(said(&gateway, "set k 1; get k"), "set; 1");
}

#[test]
fn a_plugin_of_wasi_keyvalue_keeps_its_things_in_the_same_store() {
    let gateway = setup().plugin("plugin", &component("keyvalue")).start();
    let said = |script: &str| gateway.wished(script);
    let table = [
        ("open default; open other", "opened; Error::NoSuchStore"),
        ("get k; exists k; set k v; get k; exists k", "None; false; (); Some(\"v\"); true"),
        ("increment n 2; increment n 3; get n", "2; 5; Some(\"5\")"),
        ("set-many vv a b c; delete-many b k; get-many a b c", "(); (); [Some((\"a\", 2)), None, Some((\"c\", 2))]"),
        ("count; set d v; delete a; count", "3 keys, 1 pages, true; (); (); 3 keys, 1 pages, true"),
        ("cursor 7", "Error::Other(\"unknown cursor"),
        ("fill 250; delete 00007; count", "(); (); 252 keys, 1 pages, true"),
        ("delete 00100; count; fill 120; count", "(); 251 keys, 3 pages, true; (); 253 keys, 3 pages, true"),
        ("many-handles", "10"),
    ];
    for (script, want) in table {
        let got = said(script);
        assert!(got.starts_with(want), "{script}: {got}");
    }
    assert!(said("increment k 1; set k v; increment k 1").contains("not a counter"));
    assert!(said("increment n 18446744073709551615").contains("not a counter"));
    let bare = Setup::new().plugin("plugin", &component("keyvalue")).start();
    assert_eq!(bare.wished("get k"), "Error::AccessDenied");
}
