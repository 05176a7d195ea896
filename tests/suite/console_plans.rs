//! Tests the plans of all statements that the console's pages run: none reads a whole table, or sorts one.

use std::collections::BTreeSet;

use frontgate_tests::{Gateway, Setup, on_postgres, plan_of_sqlite};
use serde_json::Value;

use crate::console_many::{fill, paths};

const DELIVERIES: usize = 3_000;

/// What has few rows: groups of deliveries, the sizes of plugins' states, and results of subqueries.
const SMALL: [&str; 5] = ["store_groups", "delivery_groups", "state_buckets", "counted", "CONSTANT"];

/// Returns the statements on SQLite that the log has.
fn statements(gateway: &Gateway) -> BTreeSet<String> {
    let text = gateway.log().text();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_store = lines.filter(|line| line["event"] == "store.statement");
    of_store.filter_map(|line| line["message"].as_str().map(str::to_owned)).collect()
}

/// Returns whether a step of a plan reads a whole table.
fn is_scan(step: &str) -> bool {
    let table = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
    table.is_some_and(|table| !SMALL.contains(&table))
}

#[test]
fn no_statement_of_a_page_scans_a_table() {
    if on_postgres() {
        return;
    }
    let gateway =
        Setup::misbehaving().set("log.format", "\"json\"").set("log.level", "\"info,frontgate_store=trace\"").start();
    fill(&gateway, DELIVERIES);
    let people = [
        gateway.sign_in("ana", "operator"),
        gateway.sign_in_with(&["--for", "ben", "--role", "support", "--tenant", "demo"]),
    ];
    let before = statements(&gateway);
    for person in &people {
        for path in paths(DELIVERIES) {
            person.get(&path);
        }
        person.post("/deliveries/1/show", &[]);
    }
    let files = ["data/frontgate.db", "data/journal.db"].map(|name| gateway.path(name));
    let mut scans = Vec::new();
    let new: Vec<_> = statements(&gateway).difference(&before).cloned().collect();
    assert!(new.len() > 30, "{new:#?}");
    for statement in &new {
        let plan = files.iter().find_map(|file| plan_of_sqlite(file, statement)).expect("a plan");
        let found: Vec<_> = plan.iter().filter(|step| is_scan(step)).collect();
        let is_sorted = statement.contains("FROM deliveries") && plan.iter().any(|step| step.contains("TEMP B-TREE"));
        if !found.is_empty() || is_sorted {
            scans.push(format!("{statement}\n{plan:#?}"));
        }
    }
    assert!(scans.is_empty(), "{}", scans.join("\n"));
}
