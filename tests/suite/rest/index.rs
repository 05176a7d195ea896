//! Tests that the index becomes as each CRM: after changes, failures, and with many equal times.

use std::time::Duration;

use frontgate_tests::eventually;
use frontgate_tests::rest::{Action, Call, Dialect, Fault, Person};

use super::{ANA, BEN, Crm, EXPORTED, found, listed, name_of, page_of};
use crate::customer_index::wait_until_ready;

/// A run that asks for changes, and one that reads all customers.
const CHANGES: &str = "{}";
const ALL: &str = "{\"enumerate\":true}";

/// Whether the CRM reports removed customers.
enum Removals {
    Reported,
    FoundByEnumeration,
}

/// Changes customers in every way, and waits each time until the index is as the CRM.
fn follows(mut crm: Crm, removals: &Removals, is_incremental: bool) {
    let gateway = crm.start_indexed();
    crm.assert_followed(&gateway, CHANGES);
    let ids = crm.ids();
    let enumerated = gateway.log().event("customers.enumerated").count();
    for _ in 0..7 {
        crm.add();
    }
    crm.rename(&ids[0], "O'Neil & \"Søn\"");
    crm.own(&ids[1..60], BEN);
    crm.own(&ids[60..61], "");
    crm.rest.pass(EXPORTED);
    crm.assert_followed(&gateway, CHANGES);
    assert_eq!(page_of(&gateway, ANA, &ids[1]).0, 404, "the former owner");
    if matches!(removals, Removals::Reported) {
        ids[5..9].iter().for_each(|id| crm.remove(id));
        crm.rest.pass(EXPORTED);
        crm.assert_followed(&gateway, CHANGES);
    }
    if is_incremental {
        assert_eq!(gateway.log().event("customers.enumerated").count(), enumerated, "only changes were read");
    }
    if matches!(removals, Removals::FoundByEnumeration) {
        ids[5..9].iter().for_each(|id| crm.remove(id));
        crm.assert_followed(&gateway, ALL);
    }
}

#[test]
fn the_index_follows_airtable_by_enumeration() {
    follows(Crm::start(Dialect::Airtable, 250), &Removals::FoundByEnumeration, false);
}

#[test]
fn the_index_follows_airtable_by_a_field_with_the_last_change() {
    let mut crm = Crm::start(Dialect::Airtable, 250);
    crm.mapping += "modified_field = \"Changed\"\n";
    follows(crm, &Removals::FoundByEnumeration, true);
}

#[test]
fn the_index_follows_pipedrive() {
    follows(Crm::start(Dialect::Pipedrive, 1_150), &Removals::FoundByEnumeration, true);
}

#[test]
fn the_index_follows_zendesk() {
    let crm = Crm::start(Dialect::Zendesk, 250);
    // No customer.
    crm.rest.add(Person::new("Agnes", "Agent").agent());
    follows(crm, &Removals::Reported, true);
}

#[test]
fn the_index_follows_zoho() {
    follows(Crm::start(Dialect::Zoho, 450), &Removals::Reported, true);
}

#[test]
fn the_index_follows_the_mapping_of_the_documentation() {
    follows(Crm::start(Dialect::Plain, 250), &Removals::FoundByEnumeration, true);
}

/// Gives all customers to Ben at one time.
fn follows_equal_times(dialect: Dialect) {
    let mut crm = Crm::start(dialect, 2_600);
    if dialect == Dialect::Airtable {
        crm.mapping += "modified_field = \"Changed\"\n";
    }
    let gateway = crm.start_indexed();
    let enumerated = gateway.log().event("customers.enumerated").count();
    let ids = crm.ids();
    crm.own(&ids, BEN);
    crm.rest.pass(EXPORTED);
    crm.assert_followed(&gateway, CHANGES);
    assert_eq!(gateway.log().event("customers.enumerated").count(), enumerated, "only changes were read");
    crm.rest.pass(Duration::from_secs(3_600));
    // The next run is finite.
    crm.rename(&ids[7], "Last");
    crm.rest.pass(EXPORTED);
    crm.assert_followed(&gateway, CHANGES);
}

#[test]
fn thousands_of_equal_times_in_airtable_are_followed() {
    follows_equal_times(Dialect::Airtable);
}

#[test]
fn thousands_of_equal_times_in_pipedrive_are_followed() {
    follows_equal_times(Dialect::Pipedrive);
}

#[test]
fn thousands_of_equal_times_in_zendesk_are_followed() {
    follows_equal_times(Dialect::Zendesk);
}

#[test]
fn thousands_of_equal_times_in_zoho_are_followed() {
    follows_equal_times(Dialect::Zoho);
}

#[test]
fn thousands_of_equal_times_with_pages_by_offset_are_followed() {
    follows_equal_times(Dialect::Plain);
}

/// Lets requests of enumerations and runs fail in every way.
fn survives_failures(dialect: Dialect) {
    let mut crm = Crm::start(dialect, 700);
    let fail = |crm: &Crm, after: usize| {
        let actions = [
            Action::Status(500),
            Action::Page(502),
            Action::Cut,
            Action::Half,
            Action::Slow(Duration::from_millis(50)),
            Action::Limited(Some(1)),
        ];
        for action in actions {
            crm.rest.fault(Fault::new(action).after(after));
        }
    };
    fail(&crm, 1);
    let gateway = crm.indexed().start();
    let state = || {
        gateway.admin_post("/customers/sync", CHANGES);
        crate::customer_index::status(&gateway)["state"].clone()
    };
    eventually("the index is ready", state, |state| state == "ready");
    crm.assert_followed(&gateway, CHANGES);
    fail(&crm, 0);
    let ids = crm.ids();
    crm.own(&ids[..300], BEN);
    crm.rest.pass(EXPORTED);
    crm.assert_followed(&gateway, CHANGES);
    // A CRM may forget its cursors between two pages, and after a run.
    crm.rest.expire_cursors();
    crm.rename(&ids[1], "Later");
    crm.rest.pass(EXPORTED);
    crm.assert_followed(&gateway, CHANGES);
}

#[test]
fn the_index_survives_failures_of_pipedrive() {
    survives_failures(Dialect::Pipedrive);
}

#[test]
fn the_index_survives_failures_of_zendesk() {
    survives_failures(Dialect::Zendesk);
}

#[test]
fn the_index_survives_failures_of_zoho() {
    survives_failures(Dialect::Zoho);
}

#[test]
fn the_index_survives_failures_with_pages_by_offset() {
    survives_failures(Dialect::Plain);
}

#[test]
fn an_enumeration_whose_cursor_expires_begins_again() {
    let mut crm = Crm::start(Dialect::Airtable, 450);
    // The second page takes a while, in which its cursor expires.
    crm.rest.fault(Fault::new(Action::Limited(None)).on(Call::List).after(1));
    crm.mapping = format!("busy_s = 1\n{}", crm.mapping);
    let gateway = crm.indexed().start();
    eventually("the first page", || crm.rest.count(Call::List), |count| *count >= 1);
    crm.rest.expire_cursors();
    wait_until_ready(&gateway);
    crm.add();
    crm.assert_followed(&gateway, CHANGES);
    gateway.log().wait_for("no longer knows the cursor");
}

#[test]
fn questions_about_indexed_customers_need_no_request() {
    for dialect in [Dialect::Airtable, Dialect::Pipedrive, Dialect::Zendesk, Dialect::Zoho, Dialect::Plain] {
        let crm = Crm::start(dialect, 60);
        let gateway = crm.indexed().set("tenants.demo.customers.interval_ms", "86400000").start();
        wait_until_ready(&gateway);
        let (id, name) = crm.of(ANA).pop_first().expect("a customer of Ana");
        let before = crm.rest.exchanges().len();
        let ask_everything = || {
            assert_eq!(listed(&gateway, ANA), crm.of(ANA), "{dialect:?}");
            assert!(found(&gateway, ANA, &name.to_lowercase()).contains(&name), "{dialect:?}");
            assert_eq!(name_of(&gateway, "+12125550001"), "Mora Lind 1", "{dialect:?}");
        };
        ask_everything();
        assert_eq!(crm.rest.exchanges().len(), before, "{dialect:?}");
        crm.rest.go_down();
        ask_everything();
        assert_eq!(page_of(&gateway, ANA, &id), (200, name), "{dialect:?}");
    }
}
