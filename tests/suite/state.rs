//! Tests plugin state: visible to other calls after success, consistent under concurrency, separate per plugin and
//! tenant, and limited.

use std::collections::BTreeSet;
use std::thread;

use frontgate_tests::{Answer, Gateway, Setup, component, eventually, list};

pub(crate) fn setup() -> Setup {
    Setup::misbehaving().set("plugins.named.plugin.state", "true")
}

/// Runs a script of state operations in one call, and returns their results.
fn run_script(gateway: &Gateway, script: &str) -> String {
    gateway.output_of(&format!("state {script}"))
}

fn status_and_code(gateway: &Gateway, script: &str) -> (u16, String) {
    let answer = gateway.instruct(&format!("state {script}"));
    (answer.status, answer.code().to_owned())
}

/// Runs `meanwhile` while another call has executed the script and waits for the key `go`. Returns the answer to that
/// call.
fn during_call(gateway: &Gateway, script: &str, meanwhile: impl FnOnce()) -> Answer {
    let word = uuid::Uuid::new_v4();
    let answer = thread::scope(|scope| {
        let call = scope.spawn(|| gateway.instruct(&format!("state {script}; say {word}; until go")));
        gateway.log().wait_for(&word.to_string());
        meanwhile();
        assert_eq!(run_script(gateway, "set go 1"), "set");
        call.join().expect("an answer")
    });
    assert_eq!(run_script(gateway, "delete go"), "deleted");
    answer
}

#[test]
fn a_call_and_later_calls_see_its_writes() {
    let gateway = setup().start();
    let script = "get k; set k 1; get k; increment n 2; increment n 3; get n; add k 2; swap k 3; delete k; get k";
    assert_eq!(run_script(&gateway, script), "none; set; 1; 2; 5; 5; false; true; deleted; none");
    assert_eq!(run_script(&gateway, "get k; get n"), "none; 5");
    let gateway = gateway.restart();
    assert_eq!(run_script(&gateway, "get k; get n"), "none; 5");
}

#[test]
fn other_calls_see_writes_after_success_only() {
    let gateway = setup().start();
    let answer = during_call(&gateway, "set k 1; increment n 1", || {
        assert_eq!(run_script(&gateway, "get k; get n"), "none; none");
    });
    assert_eq!(answer.status, 200);
    assert_eq!(run_script(&gateway, "get k; get n"), "1; 1");
}

#[test]
fn the_writes_of_a_failed_call_are_discarded() {
    let gateway = setup().set("plugins.limits.call_timeout_ms", "400").start();
    for (how, status) in [("failed", 502), ("not-found", 404), ("panic", 502), ("sleep 20000", 504), ("loop", 504)] {
        let script = format!("set k ana@example.org; increment n 1; add a 1; delete z; {how}");
        assert_eq!(status_and_code(&gateway, &script).0, status, "{how}");
        // Locks are released too.
        assert_eq!(run_script(&gateway, "get k; get n; get a; swap a 1; delete a"), "none; none; none; true; deleted");
    }
}

#[test]
fn the_receipt_counts_the_writes_of_a_call() {
    let gateway = setup().set("log.level", "\"debug\"").start();
    run_script(&gateway, "set a one; set b two; get c");
    let line = gateway.log().wait_for("state 2 keys (8 bytes) written");
    assert!(line["message"].as_str().is_some_and(|text| text.contains("call ended: plugin")), "{line}");
}

#[test]
fn without_a_grant_nothing_is_stored() {
    let gateway = Setup::misbehaving().set("plugins.named.plugin.state", "false").start();
    assert_eq!(run_script(&gateway, "get k; set k 1; increment n 1; delete k"), ["not-granted"; 4].join("; "));
}

#[test]
fn state_is_separate_for_each_plugin_and_tenant() {
    let mut setup = setup().plugin("other", &component("misbehaving")).set("plugins.named.other.state", "true");
    for (tenant, plugin) in [("acme", "plugin"), ("bolt", "other")] {
        setup = setup
            .set(&format!("tenants.{tenant}.path"), format!("\"/{tenant}\""))
            .set(&format!("tenants.{tenant}.twilio.auth_tokens"), "[{ file = \"token\" }]")
            .set(&format!("tenants.{tenant}.roles.crm"), format!("[\"{plugin}\"]"));
    }
    let gateway = setup.start();
    let run_script = |path: &str, script: &str| {
        let answer = gateway.tenant_callback(path, "crm", &list(&[("Query", &format!("state {script}"))]));
        answer.json["objects"]["customers"][0]["display_name"].as_str().expect("a name").to_owned()
    };
    let paths = ["", "/acme", "/bolt"];
    for path in paths {
        assert_eq!(run_script(path, &format!("get k; set k v{path}; increment n 1")), "none; set; 1");
    }
    for path in paths {
        assert_eq!(run_script(path, "get k; get n"), format!("v{path}; 1"));
    }
    let status = gateway.status();
    for (plugin, tenant, bytes) in [("plugin", "demo", 4), ("plugin", "acme", 9), ("other", "bolt", 9)] {
        assert_eq!(status["state"][plugin][tenant], serde_json::json!({ "keys": 2, "bytes": bytes }), "{status}");
        let line = format!("frontgate_state_bytes{{plugin=\"{plugin}\",tenant=\"{tenant}\"}} {bytes}");
        assert!(gateway.admin_get("/metrics").1.contains(&line), "{line}");
    }
}

#[test]
fn state_limits_are_enforced() {
    let gateway =
        setup().set("plugins.named.plugin.state", "{ keys_max = 3, value_bytes_max = 10, key_bytes_max = 5 }").start();
    let script = "fill a 11; fill abcdef 1; fill a 10; set b 1; set go 1; set c 1; delete go; set c 1; get c";
    assert_eq!(run_script(&gateway, script), "too-large; too-large; filled; set; set; full; deleted; set; 1");
    assert_eq!(run_script(&gateway, "delete a; delete b; delete c"), "deleted; deleted; deleted");
    // Both writes are within the limit when the call makes them, but not when it commits.
    let answer = during_call(&gateway, "set a 1; set b 1", || {
        assert_eq!(run_script(&gateway, "set c 1; set d 1"), "set; set");
    });
    assert_eq!((answer.status, answer.code()), (502, "plugin-failed"));
    gateway.log().wait_for("plugins.state.keys_max or bytes_max reached");
    assert_eq!(run_script(&gateway, "get a; get b; get c; get d"), "none; none; 1; 1");
}

#[test]
fn expired_entries_are_invisible_and_deleted() {
    let gateway = setup().start();
    assert_eq!(run_script(&gateway, "set k 1 3600; get k; set k 1 1; get k"), "set; 1; set; 1");
    eventually("the entry has expired", || run_script(&gateway, "get k"), |value| value == "none");
    // Expired entries are deleted at start and periodically.
    let gateway = gateway.restart();
    let keys = || gateway.status()["state"]["plugin"]["demo"]["keys"].clone();
    eventually("the entry is deleted", keys, |keys| *keys == 0);
}

#[test]
fn concurrent_increments_are_all_counted() {
    const CALLERS: usize = 8;
    const EACH: usize = 40;
    let gateway = setup().set("plugins.state.wait_ms", "60000").start();
    let numbers: Vec<usize> = thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| scope.spawn(|| (0..EACH).map(|_| run_script(&gateway, "increment n 1")).collect::<Vec<_>>()))
            .collect();
        callers.into_iter().flat_map(|caller| caller.join().expect("answers")).map(|n| n.parse().expect(&n)).collect()
    });
    let distinct: BTreeSet<_> = numbers.iter().copied().collect();
    assert_eq!((numbers.len(), distinct), (CALLERS * EACH, (1..=CALLERS * EACH).collect()));
    assert_eq!(run_script(&gateway, "get n"), (CALLERS * EACH).to_string());
}

#[test]
fn a_swapped_or_incremented_key_is_locked_until_the_call_ends() {
    let gateway = setup().set("plugins.state.wait_ms", "50").start();
    let answer = during_call(&gateway, "swap ana@example.org 1; increment n 1", || {
        assert_eq!(run_script(&gateway, "swap ana@example.org 2; increment n 1"), "unavailable; unavailable");
        assert_eq!(run_script(&gateway, "get ana@example.org; increment other 1"), "none; 1");
    });
    assert_eq!(answer.status, 200);
    assert_eq!(run_script(&gateway, "swap ana@example.org 2; increment n 1; add n 7"), "true; 2; false");
}

#[test]
fn a_call_waiting_for_a_key_continues_when_the_lock_is_released() {
    let gateway = setup().set("plugins.state.wait_ms", "60000").start();
    thread::scope(|scope| {
        let mut next = None;
        during_call(&gateway, "increment n 1", || {
            next = Some(scope.spawn(|| run_script(&gateway, "say next; increment n 1")));
            gateway.log().wait_for("next");
        });
        assert_eq!(next.expect("it was started").join().expect("an answer"), "said; 2");
    });
}

#[test]
fn a_plain_write_never_waits_and_invalidates_conflicting_calls() {
    let gateway = setup().start();
    let answer = during_call(&gateway, "swap k 1; set other 1", || {
        assert_eq!(run_script(&gateway, "set k 2"), "set");
    });
    assert_eq!((answer.status, answer.code()), (503, "unavailable"));
    gateway.log().wait_for("another call changed the swapped or incremented key");
    assert_eq!(run_script(&gateway, "get k; get other"), "2; none");
    let answer = during_call(&gateway, "set k 3", || {
        assert_eq!(run_script(&gateway, "set k 4"), "set");
    });
    assert_eq!(answer.status, 200);
    assert_eq!(run_script(&gateway, "get k"), "3", "the call that ended last wins");
}

#[test]
fn a_nested_call_does_not_wait_for_its_callers_locks() {
    let gateway =
        setup().set("tenants.demo.roles.templates", "[\"plugin\"]").set("plugins.state.wait_ms", "60000").start();
    let script = "state increment n 1; set own 1; crm increment n 1; increment theirs 1; get own";
    let form = [("Worker", "ana@example.org"), ("Location", "GetTemplatesByCustomerId"), ("CustomerId", script)];
    let answer = gateway.callback("templates", &form);
    let output = answer.json[0]["templates"][0]["content"].as_str().unwrap_or(&answer.text);
    assert_eq!(output, "1; set; unavailable; 1; none");
    assert_eq!(run_script(&gateway, "get n; get own; get theirs"), "1; 1; 1");
}

#[test]
fn failed_commits_are_not_acknowledged_and_reads_still_work() {
    let gateway = setup().set("store.timeout_ms", "200").start();
    assert_eq!(run_script(&gateway, "set k 1"), "set");
    let other = rusqlite::Connection::open(gateway.path("data/frontgate.db")).expect("the database");
    other.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    assert_eq!(status_and_code(&gateway, "set k 2"), (503, "unavailable".to_owned()));
    assert_eq!(run_script(&gateway, "get k"), "1");
    other.execute_batch("ROLLBACK").expect("an end");
    eventually("writes succeed again", || status_and_code(&gateway, "set k 3"), |(status, _)| *status == 200);
    assert_eq!(run_script(&gateway, "get k"), "3");
}

#[test]
fn a_store_of_the_previous_version_is_migrated() {
    let setup = setup();
    std::fs::create_dir(setup.folder().join("data")).expect("a folder");
    let older = rusqlite::Connection::open(setup.folder().join("data/frontgate.db")).expect("the database");
    older
        .execute_batch(include_str!("../../host/crates/store/src/schema/sqlite/1-deliveries.sql"))
        .expect("its tables");
    let event =
        "INSERT INTO deliveries (tenant, kind, name, conversation, fields, request, state, created_ms, since_ms,
      changed_ms) VALUES ('demo', 'routing', 'routing', 'CH1', '[]', 'r', 'dead', 1, 1, 1)";
    older.execute(event, []).expect("a row");
    older.pragma_update(None, "user_version", 1).expect("a version");
    drop(older);
    let gateway = setup.start();
    assert_eq!(gateway.deliveries()[0]["conversation"], "CH1");
    assert_eq!(run_script(&gateway, "set k 1; get k"), "set; 1");
}

#[test]
fn wasi_keyvalue_uses_the_same_state() {
    let gateway = setup().plugin("plugin", &component("keyvalue")).start();
    let run_script = |script: &str| gateway.output_of(script);
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
        let got = run_script(script);
        assert!(got.starts_with(want), "{script}: {got}");
    }
    assert!(run_script("increment k 1; set k v; increment k 1").contains("not a counter"));
    assert!(run_script("increment n 18446744073709551615").contains("not a counter"));
    let bare = Setup::new().plugin("plugin", &component("keyvalue")).start();
    assert_eq!(bare.output_of("get k"), "Error::AccessDenied");
}
