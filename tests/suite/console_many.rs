//! Tests the console's pages over many deliveries. `FRONTGATE_DELIVERIES=1000000` sets their number, and limits the time
//! of each page.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

use frontgate_tests::{Gateway, Person, Setup, eventually, execute_sqlite, on_postgres, query_sqlite, target};
use serde_json::Value;

use crate::customer_sync::many;

/// Deliveries of the ordinary round.
const FEW: usize = 4_000;

/// From this number on, the time of each page is limited.
const TIMED_FROM: usize = 1_000_000;

/// Time for a page, without the browser.
const PAGE_TIME: Duration = Duration::from_millis(100);

/// Visits of a page whose median time is compared.
const VISITS: usize = 7;

/// Rows of a page.
const ROWS: usize = 100;

/// A conversation with one delivery in a thousand.
const LONG: &str = "CH00000000000000000000000000000000";

/// The time of the first row, as SQL. Older rows would be deleted after their retention time.
const BEGAN: &str = "unixepoch() * 1000 - 3600000";

const STATES: [&str; 7] = ["ready", "leased", "unknown", "dead", "sent", "failed", "cancelled"];

/// Fills the database of a running gateway: 40 % sent, 30 % ready after an outage, 10 % dead, 2 % with unknown outcome, 10 %
/// failed, 8 % cancelled; of ten tenants, 200,000 conversations and 200 channels.
pub(crate) fn fill(gateway: &Gateway, count: usize) {
    let path = gateway.path("data/frontgate.db");
    let numbers = |first: usize, last: usize| {
        format!("WITH RECURSIVE n (i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})")
    };
    execute_sqlite(
        &path,
        &format!(
            "{} INSERT INTO front_channels (id, tenant, app, channel_id, key, credential, state, created_ms, changed_ms)
               SELECT i, CASE i % 10 WHEN 0 THEN 'demo' ELSE 'tenant-' || (i % 10) END, 'sms', 'cha_' || i, 'key-' || i, NULL,
                 'connected', 1, 1 FROM n;
             INSERT INTO front_channel_health (channel, failing_since_ms, refusals, reason, is_offline, is_reported)
               VALUES (1, 1, 3, 'refused', 1, 1)",
            numbers(1, 200)
        ),
    );
    for first in (1..=count).step_by(50_000) {
        let last = count.min(first + 49_999);
        let n = numbers(first, last);
        execute_sqlite(
            &path,
            &format!(
                "BEGIN IMMEDIATE;
                 {n} INSERT INTO deliveries (id, tenant, kind, name, conversation, payload, request, state, due_ms, created_ms,
                                             since_ms, changed_ms, channel)
                   SELECT i, CASE i % 10 WHEN 0 THEN 'demo' ELSE 'tenant-' || (i % 10) END,
                     CASE WHEN i % 3 > 0 THEN 'conversations' WHEN i % 5 = 0 THEN 'front-message' ELSE 'front-import' END,
                     'onMessageAdded',
                     CASE WHEN i % 1000 = 0 THEN '{LONG}' ELSE printf('CH%032x', i % 200000) END,
                     '{{\"text\": \"' || printf('%.*c', 400, 'x') || '\"}}', printf('00000000-0000-0000-0000-%012x', i), 'ready',
                     CASE WHEN i % 7 = 0 AND i % 10 > 0 THEN NULL ELSE unixepoch() * 1000 + 3600000 END, {BEGAN} + i, {BEGAN} + i,
                     {BEGAN} + i,
                     CASE WHEN i % 3 = 0 THEN CASE WHEN i % 2 = 0 THEN 1 ELSE i / 6 % 200 + 1 END END
                   FROM n;
                 UPDATE deliveries SET
                     state = CASE WHEN id / 10 % 50 < 20 THEN 'sent' WHEN id / 10 % 50 < 35 THEN 'ready'
                       WHEN id / 10 % 50 < 40 THEN 'dead' WHEN id / 10 % 50 < 41 THEN 'unknown'
                       WHEN id / 10 % 50 < 46 THEN 'failed' ELSE 'cancelled' END,
                     sending = id / 10 % 50 = 39,
                     reason_group = CASE WHEN id / 10 % 50 < 20 OR id % 11 = 0 THEN NULL ELSE 'Twilio answered ' || (500 + id / 500 % 4) END,
                     reason = CASE WHEN id / 10 % 50 < 20 OR id % 11 = 0 THEN NULL ELSE 'Twilio answered ' || (500 + id / 500 % 4) END,
                     attempts = 2
                   WHERE id BETWEEN {first} AND {last};
                 INSERT INTO attempts (delivery, number, begun_ms, took_ms, state, reason)
                   SELECT id, number, created_ms, 20, state, reason FROM deliveries, (SELECT 1 AS number UNION ALL SELECT 2)
                   WHERE id BETWEEN {first} AND {last} AND reason IS NOT NULL;
                 {n} INSERT INTO front_messages (channel, identity, outbound, external_id, external_conversation_id, settled,
                                                 created_ms)
                   SELECT CASE WHEN i % 2 = 0 THEN 1 ELSE i / 6 % 200 + 1 END, 'identity ' || i, 0, 'message ' || i,
                     'conversation ' || (i / 10), 1, {BEGAN} + i FROM n WHERE i % 3 = 0;
                 {n} INSERT INTO front_conversations (channel, external_id, lane, used_ms)
                   SELECT CASE WHEN i % 2 = 0 THEN 1 ELSE i / 60 % 200 + 1 END, 'conversation ' || i, 'lane ' || i, {BEGAN} + i
                   FROM n WHERE i % 30 = 0;
                 {n} INSERT INTO actions (time_ms, who, role, action, object, state_before, state_after)
                   SELECT {BEGAN} + i, 'person ' || (i % 7), 'operator', 'retry', 'delivery ' || i, 'dead', 'ready'
                   FROM n WHERE i % 10 = 0;
                 COMMIT"
            ),
        );
    }
}

fn filled() -> (Gateway, usize) {
    let count = many("FRONTGATE_DELIVERIES", FEW);
    let gateway = Setup::misbehaving().set("store.deliveries_keep_bytes_per_tenant_max", "1000000000000").start();
    fill(&gateway, count);
    (gateway, count)
}

/// Returns the rows of a query on the gateway's database, of a text and a number.
fn numbers(gateway: &Gateway, query: &str) -> BTreeMap<String, u64> {
    query_sqlite(&gateway.path("data/frontgate.db"), query).into_iter().collect()
}

fn group_numbers(page: &Value) -> BTreeMap<String, u64> {
    let text = |group: &Value, key: &str| group[key].as_str().unwrap_or_default().to_owned();
    let groups = page["groups"].as_array().expect("groups").iter();
    groups
        .map(|group| {
            let name = [text(group, "state"), text(group, "tenant"), text(group, "reason")].join("|");
            (name, group["count"].as_u64().expect("a number"))
        })
        .collect()
}

#[test]
fn groups_and_states_count_every_delivery() {
    if on_postgres() {
        return;
    }
    let (gateway, _) = filled();
    let person = gateway.sign_in("ana", "viewer");
    // Workers deliver some of them meanwhile.
    let groups = || {
        let stored = numbers(
            &gateway,
            "SELECT state || '|' || tenant || '|' || coalesce(reason_group, ''), count(*) FROM deliveries
             WHERE state IN ('ready', 'unknown', 'dead', 'failed') GROUP BY state, tenant, reason_group",
        );
        (group_numbers(&person.json("/deliveries.json")), stored)
    };
    eventually("equal groups", groups, |(shown, stored)| shown == stored);
    let states = || {
        let mut stored = numbers(&gateway, "SELECT state, count(*) FROM deliveries GROUP BY state");
        STATES.iter().for_each(|state| _ = stored.entry((*state).to_owned()).or_default());
        let page = person.json("/deliveries.json");
        let shown = page["states"].as_array().expect("states").iter();
        let number = |state: &Value| {
            (state["state"].as_str().expect("a name").to_owned(), state["count"].as_u64().expect("a number"))
        };
        (shown.map(number).collect::<BTreeMap<_, _>>(), stored)
    };
    eventually("equal states", states, |(shown, stored)| shown == stored);
}

#[test]
fn the_hundredth_page_of_a_list_has_rows_that_no_page_before_it_had() {
    if on_postgres() {
        return;
    }
    let (gateway, count) = filled();
    let person = gateway.sign_in("ana", "viewer");
    let pages = 100.min(count * 2 / 5 / ROWS);
    let (mut path, mut seen) = ("/deliveries.json?state=sent".to_owned(), BTreeSet::new());
    for page in 1..=pages {
        let found = person.json(&path);
        let rows = found["rows"].as_array().expect("rows");
        assert_eq!(rows.len(), ROWS, "page {page}");
        seen.extend(rows.iter().map(|row| row["id"].as_i64().expect("an id")));
        assert_eq!(seen.len(), page * ROWS, "page {page}");
        let Some(next) = found["next"].as_str() else { break };
        path = next.replace("/deliveries?", "/deliveries.json?");
    }
}

/// Returns a value of each row of all pages of a list.
fn all_rows(person: &Person, first: &str, rows: &str) -> Vec<i64> {
    let (mut path, mut all) = (Some(first.to_owned()), Vec::new());
    while let Some(current) = path {
        let (place, query) = current.split_once('?').unwrap_or((&current, ""));
        let page = person.json(&format!("{place}.json?{query}"));
        let found = page[rows].as_array().expect("rows");
        assert!(found.len() <= ROWS, "{current}");
        all.extend(found.iter().map(|row| row["id"].as_i64().expect("an id")));
        path = page["next"].as_str().map(str::to_owned);
    }
    all
}

#[test]
fn pages_of_channels_have_each_channel_once() {
    if on_postgres() {
        return;
    }
    let (gateway, _) = filled();
    for (role, count) in [(&["--for", "ana", "--role", "viewer"][..], 200), (&["--for", "ben", "--tenant", "demo"], 20)]
    {
        let all = all_rows(&gateway.sign_in_with(role), "/channels", "channels");
        assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (count, count));
    }
}

#[test]
fn pages_of_a_long_conversation_have_each_delivery_once() {
    if on_postgres() {
        return;
    }
    let (gateway, _) = filled();
    execute_sqlite(
        &gateway.path("data/frontgate.db"),
        &format!("UPDATE deliveries SET conversation = '{LONG}' WHERE tenant = 'demo' AND id <= 3000"),
    );
    let all = all_rows(&gateway.sign_in("ana", "viewer"), &format!("/conversations/demo/{LONG}"), "deliveries");
    let select = format!("SELECT 'all', count(*) FROM deliveries WHERE tenant = 'demo' AND conversation = '{LONG}'");
    let count = usize::try_from(numbers(&gateway, &select)["all"]).expect("a small number");
    assert!(count > 2 * ROWS && all.len() == count, "{count}");
    assert!(all.is_sorted_by(|newer, older| newer > older), "{all:?}");
}

#[test]
fn a_preview_of_many_deliveries_is_their_outcome() {
    if on_postgres() {
        return;
    }
    let (gateway, _) = filled();
    let person = gateway.sign_in("ana", "operator");
    for query in [
        "state=sent&tenant=demo",
        "state=unknown&tenant=demo",
        "state=cancelled&tenant=demo&reason=",
        "state=dead&tenant=demo&reason=Twilio%20answered%20501",
    ] {
        let preview = person.json(&format!("/deliveries/bulk.json?change=retry&{query}"));
        let total = preview["total"].as_u64().expect("a number").to_string();
        let before: u64 = last_action(&gateway);
        let form = [("change", "retry"), ("total", &*total)];
        let started = person.post(&format!("/deliveries/bulk?{query}"), &form);
        assert_eq!(started.status, 303, "{query}: {started:?}");
        let path = format!("{}.json", started.headers["location"]);
        let ended = person.wait_for(&path, "the end", |bulk| bulk["is_finished"] == true);
        assert_eq!((&ended["changed"], &ended["rejected"]), (&preview["total"], &0.into()), "{query}: {preview}");
        let select = format!(
            "SELECT state_after, count(*) FROM actions
             WHERE id > {before} AND action = 'retry' AND object LIKE 'delivery %' GROUP BY state_after"
        );
        let after = preview["after"].as_object().expect("states").iter();
        let after: BTreeMap<_, _> =
            after.map(|(state, count)| (state.clone(), count.as_u64().expect("a number"))).collect();
        assert_eq!(numbers(&gateway, &select), after, "{query}: {preview}");
    }
}

fn last_action(gateway: &Gateway) -> u64 {
    let found = numbers(gateway, "SELECT 'last', max(id) FROM actions");
    found["last"]
}

/// Returns the median time of a page.
fn time(person: &Person, path: &str) -> Duration {
    let mut times: Vec<Duration> = (0..VISITS)
        .map(|_| {
            let began = Instant::now();
            let answer = person.get(path);
            assert!(matches!(answer.status, 200 | 303), "{path}: {answer:?}");
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[VISITS / 2]
}

/// Returns the pages of a console with this number of deliveries.
pub(crate) fn paths(count: usize) -> Vec<String> {
    let last = count.to_string();
    let far = count / 2;
    let mut paths: Vec<String> = [
        "/",
        "/live",
        "/conversations",
        "/conversations/demo/CH00000000000000000000000000000000",
        "/conversations/demo/CH00000000000000000000000000000000?before=3000",
        "/deliveries",
        "/deliveries.csv",
        "/deliveries/1",
        "/deliveries/bulk?change=retry&state=dead&tenant=demo",
        "/deliveries/bulk?change=cancel&state=ready",
        "/deliveries/bulk?change=retry&state=dead&tenant=demo&reason=Twilio%20answered%20501",
        "/channels",
        "/channels?after=100",
        "/channels/1",
        "/plugins",
        "/simulator",
        "/setup",
        "/setup/demo",
        "/replicas",
        "/audit",
        "/audit?who=person%203",
        "/audit?who=no-person",
        "/find?q=CH00000000000000000000000000000000",
        "/find?q=cha_7",
    ]
    .map(str::to_owned)
    .into();
    paths.push(format!("/deliveries/{last}"));
    for state in STATES {
        paths.push(format!("/deliveries?state={state}"));
        paths.push(format!("/deliveries?state={state}&before={far}"));
        paths.push(format!("/deliveries?state={state}&tenant=demo"));
        paths.push(format!("/deliveries?state={state}&tenant=demo&reason=Twilio%20answered%20501"));
        paths.push(format!("/deliveries?state={state}&tenant=demo&reason="));
        paths.push(format!("/deliveries?state={state}&reason=Twilio%20answered%20501"));
    }
    paths
}

#[test]
fn each_page_is_fast_over_many_deliveries() {
    if on_postgres() {
        return;
    }
    let (gateway, count) = filled();
    let person = gateway.sign_in("ana", "operator");
    let paths = paths(count);
    let limited = gateway.sign_in_with(&["--for", "ben", "--role", "viewer", "--tenant", "demo"]);
    let (mut slow, mut measured) = (Vec::new(), String::new());
    for (who, person) in [("all tenants", &person), ("one tenant", &limited)] {
        for path in &paths {
            let is_hidden = who == "one tenant" && person.get(path).status >= 400;
            if is_hidden {
                continue;
            }
            let took = time(person, path);
            measured.push_str(&format!("{:>8.1} ms  {who}  {path}\n", took.as_secs_f64() * 1_000.0));
            if took > PAGE_TIME {
                slow.push(format!("{took:?} {who} {path}"));
            }
        }
    }
    fs::write(target().join("console-pages.txt"), measured).expect("a file");
    assert!(count < TIMED_FROM || slow.is_empty(), "{slow:#?}");
}
