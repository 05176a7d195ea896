//! What `plugin test` says of the plugin, with the simulator of HubSpot.

use frontgate_tests::hubspot::Person;
use frontgate_tests::{HubSpot, component};

use super::{ANA, shapes};
use crate::authors::{Project, ended};

#[test]
fn the_contract_has_nothing_against_it() {
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
    let report = Project::new(&component("hubspot"), &toml).tested(&[]);
    assert!(ended(&report, "failed").is_empty() && ended(&report, "skipped").is_empty(), "{report:#}");
    assert!(ended(&report, "passed").iter().any(|check| check.contains("an upstream that refuses the token")));
    shapes::check(&hubspot.exchanges());
}
