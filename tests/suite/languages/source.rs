//! Tests the starters of the role `crm-source` against a simulated CRM.

use std::fs;

use frontgate_tests::{Web, run};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use super::{EVERY_ROLE, plugin};

/// Number of customers in the simulated CRM.
const CUSTOMERS: u64 = 23;
/// Starts of the names of checks that compare a source with the role `crm`.
const OF_BOTH_ROLES: [&str; 2] = ["`crm.get-customer`", "a worker's list"];

/// Answers a request as the CRM of the starters does. Several customers have the same time.
fn answer(head: &str) -> Option<Vec<u8>> {
    let url = Url::parse("https://crm.example.com").ok()?.join(head.split_whitespace().nth(1)?).ok()?;
    let value = |name: &str| url.query_pairs().find(|(other, _)| other == name).map(|(_, value)| value.into_owned());
    let all = (1..=CUSTOMERS).map(|number| {
        let owner = ["ana@example.org", "ben@example.org"].get(number as usize % 3);
        let (id, name) = (format!("c/{number:02}"), format!("Zoë \"{number}\" 李娜"));
        let phone = format!("+120255501{number:02}");
        json!({ "id": id, "name": name, "phone": phone, "owner": owner, "updated_at": 1_750_000_000 + number % 3 })
    });
    let customers: Vec<Value> = match value("ids") {
        Some(ids) => all.filter(|customer| ids.split(',').any(|id| customer["id"] == id)).collect(),
        None => {
            let (since, after) = (value("updated_since")?.parse().ok()?, value("after_id")?);
            let limit = value("limit")?.parse().ok()?;
            let changed = all.filter(|customer| customer["updated_at"].as_u64() >= Some(since));
            changed.filter(|customer| customer["id"].as_str() > Some(&after)).take(limit).collect()
        }
    };
    let body = json!({ "now": 1_760_000_000, "customers": customers }).to_string();
    Some(format!("HTTP/1.0 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

#[test]
fn every_starter_of_a_source_reports_each_customer_of_a_crm() {
    let crm = Web::scripted(answer);
    for (language, folder) in EVERY_ROLE.iter() {
        let place = TempDir::new().expect("a folder");
        let upstream =
            format!("[test]\nupstreams = {{ \"https://crm.example.com\" = \"http://{}\" }}\n", crm.address());
        let toml = fs::read_to_string(folder.join("plugin.toml")).expect("a file");
        fs::write(place.path().join("plugin.toml"), toml.replace("[test]\n", &upstream)).expect("a file");
        fs::write(place.path().join(format!("every-{language}.wasm")), plugin(folder)).expect("a file");
        let output = run(place.path(), &["plugin", "test", ".", "--format", "json"]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let checks = report["checks"].as_array().expect("checks").iter().filter(|check| check["group"] == "crm-source");
        // The customers of the role `crm` are in the starter.
        let is_own = |name: &str| !OF_BOTH_ROLES.iter().any(|start| name.starts_with(start));
        let own: Vec<&Value> = checks.filter(|check| check["name"].as_str().is_some_and(is_own)).collect();
        let passed = own.iter().filter(|check| check["outcome"] == "passed").count();
        assert!(passed > 20 && passed == own.len(), "{language}: {own:#?}");
    }
}
