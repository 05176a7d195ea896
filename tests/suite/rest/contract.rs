//! Tests the plugin `rest` with `plugin test`, with the simulators of the vendors' APIs as upstreams.

use std::fs;

use frontgate_tests::rest::Dialect;
use frontgate_tests::{RestCrm, component};

use super::{ANA, Crm};
use crate::authors::{Project, checks_with};

fn passes(dialect: Dialect) {
    let crm = Crm::start(dialect, 40);
    let site = "https://crm.example.com";
    let (header, _) = dialect.authentication();
    let value = match dialect {
        Dialect::Pipedrive => "{token}".to_owned(),
        Dialect::Zendesk => format!("Basic {}/token:{{token}}", RestCrm::USER),
        Dialect::Zoho => "Zoho-oauthtoken {token}".to_owned(),
        Dialect::Airtable | Dialect::Plain => "Bearer {token}".to_owned(),
    };
    let toml = format!(
        "[plugin]\noutbound = [{site:?}]\nstate = true\nfiles = \"mappings\"\n\
         [[plugin.bound_secrets]]\nto = {site:?}\nheader = {header:?}\nvalue = {value:?}\n\
         secrets = {{ token = {{ env = \"NOT_SET\" }} }}\n\
         [test]\nsecrets = {{ token = {:?} }}\nupstreams = {{ {site:?} = {:?} }}\n\
         [conformance]\nworker = {ANA:?}\nquery = \"Lind\"\n",
        RestCrm::TOKEN,
        crm.rest.url()
    );
    let project = Project::new(&component("rest"), &toml);
    fs::create_dir(project.path().join("mappings")).expect("a folder");
    let mapping = crm.mapping.replace(&crm.rest.url(), site);
    fs::write(project.path().join("mappings/mapping.toml"), mapping).expect("a file");
    let report = project.test_report(&[]);
    let failed = checks_with(&report, "failed");
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(
        checks_with(&report, "passed").iter().any(|check| check.contains("all customers can be read")),
        "{report:#}"
    );
    // Conformance asks for everything.
    std::mem::forget(crm);
}

#[test]
fn the_preset_of_airtable_passes_every_conformance_check() {
    passes(Dialect::Airtable);
}

#[test]
fn the_preset_of_pipedrive_passes_every_conformance_check() {
    passes(Dialect::Pipedrive);
}

#[test]
fn the_preset_of_zendesk_passes_every_conformance_check() {
    passes(Dialect::Zendesk);
}

#[test]
fn the_preset_of_zoho_passes_every_conformance_check() {
    passes(Dialect::Zoho);
}

#[test]
fn the_mapping_of_the_documentation_passes_every_conformance_check() {
    passes(Dialect::Plain);
}
