//! Tests the plugin `hubspot` with `plugin test`, with a HubSpot simulator as upstream.

use std::fs;

use frontgate_tests::HubSpot;
use frontgate_tests::hubspot::Person;

use super::{ANA, shapes};
use crate::authors::{Project, checks_with};

#[test]
fn the_plugin_passes_every_conformance_check() {
    let hubspot = HubSpot::start();
    let ana = hubspot.owner(ANA);
    for number in 0..40 {
        let owner = if number % 2 == 0 { &*ana } else { "" };
        let phone = format!("+1 (212) 555-{number:04}");
        hubspot
            .add(Person::new("Mora", &format!("Lind {number}")).with("phone", &phone).with("hubspot_owner_id", owner));
    }
    let project = Project::bundled("hubspot");
    let toml = fs::read_to_string(project.path().join("plugin.toml")).expect("a file");
    let upstream = format!("[test]\nupstreams = {{ \"https://api.hubapi.com\" = {:?} }}\n", hubspot.url());
    fs::write(project.path().join("plugin.toml"), toml.replace("[test]\n", &upstream)).expect("a file");
    let report = project.test_report(&[]);
    assert!(checks_with(&report, "failed").is_empty() && checks_with(&report, "skipped").is_empty(), "{report:#}");
    assert!(checks_with(&report, "passed").iter().any(|check| check.contains("upstream 401")));
    shapes::assert_match(&hubspot.exchanges());
}
