//! Tests the plugin `salesforce` with `plugin test`: its own cases, and every conformance check with the simulator as
//! upstream.

use std::fs;

use frontgate_tests::salesforce::{Org, Person};
use frontgate_tests::{Salesforce, component, root};

use super::ANA;
use crate::authors::{Project, checks_with};

/// Returns the plugin's own project, with its cases and these lines in addition.
fn project(more: &str) -> Project {
    let folder = root().join("plugins/salesforce");
    let toml = fs::read_to_string(folder.join("plugin.toml")).expect("a file");
    let toml = toml.replace("file = \"../salesforce.wasm\"\n", "");
    let cases = fs::read_dir(folder.join("cases")).expect("cases").flatten();
    cases.fold(Project::new(&component("salesforce"), &format!("{toml}\n{more}")), |project, case| {
        let text = fs::read_to_string(case.path()).expect("a case");
        let case_json = serde_json::from_str(&text).expect("JSON");
        project.case(case.path().file_stem().and_then(|name| name.to_str()).expect("a name"), &case_json)
    })
}

#[test]
fn the_plugin_passes_its_cases_and_is_marked_as_reusable() {
    let (is_passed, text) = project("").plugin(&["test", "."]);
    assert!(is_passed && text.contains("plugin is marked as reusable"), "{text}");
}

#[test]
fn the_plugin_passes_every_conformance_check() {
    let salesforce = Salesforce::start();
    salesforce.org(|org| {
        let (ana, queue, account) = (org.user(ANA), org.queue(), org.account("Lind Boats"));
        for number in 0..40 {
            let owner = if number % 2 == 0 { &ana } else { &queue };
            let person = Person::new("Mora", &format!("Lind {number}")).with("AccountId", &account);
            org.add(person.with("Phone", &format!("+1 (212) 555-{number:04}")).with("OwnerId", owner));
        }
    });
    let upstreams = format!("upstreams = {{ \"https://acme.my.salesforce.com\" = {:?} }}", salesforce.url());
    let report = project(&upstreams).test_report(&[]);
    assert!(checks_with(&report, "failed").is_empty() && checks_with(&report, "skipped").is_empty(), "{report:#}");
    assert!(checks_with(&report, "passed").iter().any(|check| check.contains("upstream 401")));
    let authorization = format!("Bearer {}", Org::TOKEN);
    assert!(salesforce.exchanges().iter().all(|exchange| exchange.authorization == authorization));
}
