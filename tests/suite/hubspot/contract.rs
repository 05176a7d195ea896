//! Tests the plugin `hubspot` with `plugin test`, with a HubSpot simulator as upstream.

use frontgate_tests::hubspot::Person;
use frontgate_tests::{HubSpot, component};

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
    let toml = format!(
        "[plugin]\noutbound = [\"https://api.hubapi.com\"]\nstate = true\n\
         [[plugin.bound_secrets]]\nto = \"https://api.hubapi.com\"\nheader = \"authorization\"\n\
         value = \"Bearer {{token}}\"\nsecrets = {{ token = {{ env = \"NOT_SET\" }} }}\n\
         [test]\nsecrets = {{ token = {:?} }}\nupstreams = {{ \"https://api.hubapi.com\" = {:?} }}\n\
         [conformance]\nworker = {ANA:?}\naddress = \"+12125550007\"\nquery = \"Lind\"\n",
        HubSpot::TOKEN,
        hubspot.url()
    );
    let report = Project::new(&component("hubspot"), &toml).test_report(&[]);
    assert!(checks_with(&report, "failed").is_empty() && checks_with(&report, "skipped").is_empty(), "{report:#}");
    assert!(checks_with(&report, "passed").iter().any(|check| check.contains("upstream 401")));
    shapes::assert_match(&hubspot.exchanges());
}
