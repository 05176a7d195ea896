//! Tests HubSpot as the source of the gateway's index of customers.

use frontgate_tests::hubspot::{Call, Person};
use frontgate_tests::{Gateway, HubSpot, Setup, eventually, list};

use super::{ANA, Account, ids, people, setup};
use crate::customer_index::wait_until_ready;

const BEN: &str = "ben@example.org";

/// Starts an account with an index of its contacts, and waits until it answers.
fn indexed(hubspot: HubSpot) -> Account {
    let setup = setup(&hubspot);
    indexed_by(hubspot, setup, &[])
}

/// Works like [`indexed`], with this setup of the gateway and these settings.
pub(super) fn indexed_by(hubspot: HubSpot, setup: Setup, more: &[(&str, &str)]) -> Account {
    let settings = [
        ("tenants.demo.customers.index", "true"),
        ("tenants.demo.customers.interval_ms", "1000"),
        ("tenants.demo.customers.requests_per_second", "1000"),
        ("tenants.demo.roles.crm-source", "[\"hubspot\"]"),
        ("plugins.named.hubspot.config.owners_keep_s", "0"),
    ];
    let settings = settings.iter().chain(more);
    let gateway = settings.fold(setup, |setup, (key, value)| setup.set(key, *value)).start();
    wait_until_ready(&gateway);
    Account { hubspot, gateway }
}

pub(super) fn listed(gateway: &Gateway, worker: &str) -> Vec<String> {
    let mut ids = ids(&gateway.crm(&list(&[("Worker", worker), ("PageSize", "1000")])));
    ids.sort();
    ids
}

/// Waits until a worker's list has these contacts.
pub(super) fn wait_for_list(account: &Account, worker: &str, mut expected: Vec<String>) {
    expected.sort();
    eventually("the list", || listed(&account.gateway, worker), |listed| *listed == expected);
}

pub(super) fn owned(hubspot: &HubSpot, name: &str, owner: &str) -> String {
    hubspot.add(Person::new(name, "Lind").with("hubspot_owner_id", owner))
}

#[test]
fn lists_and_searches_come_from_the_index() {
    let hubspot = HubSpot::start();
    let all = people(&hubspot, 450);
    let account = indexed(hubspot);
    let searches = |account: &Account| {
        let live = |body: &serde_json::Value| !body["filterGroups"].to_string().contains("lastmodifieddate");
        let exchanges = account.hubspot.exchanges();
        exchanges.iter().filter(|exchange| exchange.call == Call::Search && live(&exchange.request)).count()
    };
    assert_eq!(searches(&account), 3, "the enumeration");
    assert_eq!(account.pages("50", true, |_| {}).len(), all.len());
    let found = account.list(&[("Query", "lind 449")]);
    assert_eq!(ids(&found), [&*all[449]]);
    assert_eq!(searches(&account), 3, "no request for lists");
}

#[test]
fn every_worker_sees_what_hubspots_lists_show() {
    let hubspot = HubSpot::start();
    let (ana, ben) = (hubspot.owner(ANA), hubspot.owner("Ben@Example.org"));
    let everyones = owned(&hubspot, "Otto", "");
    let (anas, bens) = (owned(&hubspot, "Mora", &ana), owned(&hubspot, "Irma", &ben));
    owned(&hubspot, "Tove", "99");
    let account = indexed(hubspot);
    for (worker, own) in
        [(ANA, Some(&anas)), ("ANA@example.org", Some(&anas)), (BEN, Some(&bens)), ("eve@example.org", None)]
    {
        let expected: Vec<_> = [&everyones].into_iter().chain(own).cloned().collect();
        assert_eq!(listed(&account.gateway, worker), expected, "{worker}");
    }
    assert_eq!(account.customer(ANA, &bens).status, 404);
    assert_eq!(account.customer(BEN, &bens).status, 200);
}

#[test]
fn changes_reach_the_index() {
    let hubspot = HubSpot::start();
    let (ana, ben) = (hubspot.owner(ANA), hubspot.owner(BEN));
    let contacts: Vec<_> = ["Mora", "Otto", "Irma", "Tove"].map(|name| owned(&hubspot, name, &ana)).to_vec();
    let account = indexed(hubspot);
    assert_eq!(listed(&account.gateway, ANA), contacts);
    let new = owned(&account.hubspot, "Nils", &ana);
    account.hubspot.archive(&contacts[0]);
    account.hubspot.change(&contacts[1], "hubspot_owner_id", &ben);
    account.hubspot.merge(&contacts[2], &contacts[3]);
    wait_for_list(&account, ANA, vec![contacts[2].clone(), new]);
    wait_for_list(&account, BEN, vec![contacts[1].clone()]);
    account.hubspot.change(&contacts[2], "firstname", "Zoë");
    let name = || account.customer(ANA, &contacts[2]).json["objects"]["customer"]["display_name"].clone();
    eventually("the new name", name, |name| name == "Zoë Lind");
}

#[test]
fn a_bulk_change_reaches_the_index_as_a_whole() {
    let hubspot = HubSpot::start();
    let (ana, ben) = (hubspot.owner(ANA), hubspot.owner(BEN));
    let all: Vec<_> = (0..650).map(|number| owned(&hubspot, &format!("Mora {number}"), &ana)).collect();
    let account = indexed(hubspot);
    account.hubspot.change_all(&all, "hubspot_owner_id", &ben);
    wait_for_list(&account, BEN, all);
    wait_for_list(&account, ANA, Vec::new());
}

#[test]
fn a_change_that_the_search_finds_late_reaches_the_index() {
    let hubspot = HubSpot::start();
    let ana = hubspot.owner(ANA);
    let known = owned(&hubspot, "Mora", &ana);
    let account = indexed(hubspot);
    account.hubspot.delay_search();
    let late = owned(&account.hubspot, "Otto", &ana);
    let runs = account.hubspot.count(Call::Search);
    eventually("two more runs", || account.hubspot.count(Call::Search), |now| *now >= runs + 2);
    assert_eq!(listed(&account.gateway, ANA), [&*known]);
    account.hubspot.end_delay_of_search();
    wait_for_list(&account, ANA, vec![known, late]);
}

#[test]
fn a_changed_address_of_an_owner_changes_who_sees_the_contacts() {
    let hubspot = HubSpot::start();
    let ana = hubspot.owner(ANA);
    let contact = owned(&hubspot, "Mora", &ana);
    let account = indexed(hubspot);
    assert_eq!(listed(&account.gateway, ANA), [&*contact]);
    account.hubspot.change_owner(&ana, BEN);
    wait_for_list(&account, BEN, vec![contact]);
    wait_for_list(&account, ANA, Vec::new());
}

#[test]
fn the_index_is_filled_within_hubspots_rate_limits() {
    let hubspot = HubSpot::start();
    let all = people(&hubspot, 1_450);
    hubspot.limit_rates();
    let account = indexed(hubspot);
    let limited = account.hubspot.exchanges().iter().filter(|exchange| exchange.status == Some(429)).count();
    assert!(limited > 0, "the limit was not reached");
    assert_eq!(listed(&account.gateway, ANA).len().min(1_000), all.len().min(1_000));
}

#[test]
fn an_index_is_filled_by_one_search_for_200_contacts_beyond_ten_thousand() {
    let hubspot = HubSpot::start();
    people(&hubspot, 10_250);
    let account = indexed(hubspot);
    let enumeration = |exchange: &frontgate_tests::hubspot::Exchange| {
        exchange.call == Call::Search && !exchange.request["filterGroups"].to_string().contains("lastmodifieddate")
    };
    assert_eq!(account.hubspot.exchanges().iter().filter(|exchange| enumeration(exchange)).count(), 52);
}
