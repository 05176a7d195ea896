//! Tests Salesforce as the source of the gateway's index of customers.

use frontgate_tests::salesforce::{Action, Call, Fault, Object, Org, Person, Problem};
use frontgate_tests::{Gateway, Salesforce, eventually, list};
use serde_json::Value;

use super::{ANA, Account, BEN, ids, people, setup, shown};
use crate::customer_index::{status, wait_until_ready};
use crate::customer_sync::listed as names;

/// Settings of a gateway that keeps an index.
pub(super) const INDEX: [(&str, &str); 5] = [
    ("tenants.demo.customers.index", "true"),
    ("tenants.demo.customers.interval_ms", "1000"),
    ("tenants.demo.customers.requests_per_second", "1000"),
    ("tenants.demo.roles.crm-source", "[\"salesforce\"]"),
    ("plugins.named.salesforce.config.users_keep_s", "0"),
];

/// Starts a gateway with an index of the org's contacts, and waits until the index answers.
fn indexed(salesforce: Salesforce) -> Account {
    indexed_with(salesforce, &[])
}

fn indexed_with(salesforce: Salesforce, more: &[(&str, &str)]) -> Account {
    let settings = INDEX.iter().chain(more);
    let gateway = settings.fold(setup(&salesforce), |setup, (key, value)| setup.set(key, *value)).start();
    wait_until_ready(&gateway);
    Account { salesforce, gateway }
}

fn listed(gateway: &Gateway, worker: &str) -> Vec<String> {
    let mut ids = ids(&gateway.crm(&list(&[("Worker", worker), ("PageSize", "1000")])));
    ids.sort();
    ids
}

/// Waits until a worker's list has these contacts. Runs do not wait for their time.
#[track_caller]
fn wait_for_list(account: &Account, worker: &str, mut expected: Vec<String>) {
    expected.sort();
    let now = || {
        account.gateway.admin_post("/customers/sync", "{}");
        listed(&account.gateway, worker)
    };
    eventually("the list", now, |listed| *listed == expected);
}

fn owned(org: &mut Org, name: &str, owner: &str) -> String {
    org.add(Person::new(name, "Lind").with("OwnerId", owner))
}

#[test]
fn indexed_customers_are_answered_without_a_request() {
    let salesforce = Salesforce::start();
    let ana = salesforce.org(|org| org.user(ANA));
    let all = people(&salesforce, 450, &ana);
    salesforce.org(|org| org.set(&all[7], "Phone", "+1 202 555 0107"));
    let account = indexed_with(salesforce, &[("tenants.demo.customers.interval_ms", "86400000")]);
    let before = account.queries();
    assert_eq!(listed(&account.gateway, ANA), all);
    assert_eq!(ids(&account.list(&[("Query", "lind 449")])), [&*all[449]]);
    assert_eq!(account.customer(ANA, &all[7]).status, 200);
    assert_eq!(account.name_of("+12025550107"), "Mora Lind 7");
    assert_eq!(account.queries(), before);
}

#[test]
fn every_worker_sees_only_own_customers() {
    let salesforce = Salesforce::start();
    let [anas, bens, olds, queues] = salesforce.org(|org| {
        let (ana, ben, old, queue) =
            (org.user(ANA), org.user("Ben@Example.org"), org.user("old@example.org"), org.queue());
        org.set_active(&old, false);
        [("Mora", ana), ("Irma", ben), ("Tove", old), ("Nils", queue)].map(|(name, owner)| owned(org, name, &owner))
    });
    let account = indexed(salesforce);
    for (worker, expected) in [
        (ANA, vec![anas.clone()]),
        ("ANA@example.org", vec![anas]),
        (BEN, vec![bens.clone()]),
        ("old@example.org", vec![]),
    ] {
        assert_eq!(listed(&account.gateway, worker), expected, "{worker}");
    }
    for hidden in [&bens, &olds, &queues] {
        assert_eq!(account.customer(ANA, hidden).status, 404);
    }
    assert_eq!(account.customer(BEN, &bens).status, 200);
}

#[test]
fn changes_deletions_merges_and_new_owners_reach_the_index() {
    let salesforce = Salesforce::start();
    let (ana, ben, contacts) = salesforce.org(|org| {
        let (ana, ben) = (org.user(ANA), org.user(BEN));
        let contacts = ["Mora", "Otto", "Irma", "Tove", "Nils"].map(|name| owned(org, name, &ana));
        (ana, ben, contacts)
    });
    let account = indexed(salesforce);
    assert_eq!(listed(&account.gateway, ANA), contacts);
    let new = account.salesforce.org(|org| {
        org.delete(&contacts[0]);
        org.set(&contacts[1], "OwnerId", &ben);
        org.merge(&contacts[2], &contacts[3]);
        owned(org, "Siv", &ana)
    });
    wait_for_list(&account, ANA, vec![contacts[2].clone(), contacts[4].clone(), new.clone()]);
    wait_for_list(&account, BEN, vec![contacts[1].clone()]);
    account.salesforce.org(|org| {
        org.undelete(&contacts[0]);
        org.set(&contacts[2], "FirstName", "Zoë");
    });
    wait_for_list(&account, ANA, vec![contacts[0].clone(), contacts[2].clone(), contacts[4].clone(), new]);
    eventually("the new name", || shown(&account, ANA, &contacts[2], "display_name"), |name| *name == "Zoë Lind");
}

#[test]
fn a_changed_or_deactivated_user_changes_who_sees_the_contacts() {
    let salesforce = Salesforce::start();
    let (user, contact) = salesforce.org(|org| {
        let user = org.user(ANA);
        (user.clone(), owned(org, "Mora", &user))
    });
    let account = indexed(salesforce);
    assert_eq!(listed(&account.gateway, ANA), [&*contact]);
    account.salesforce.org(|org| org.set_user(&user, "Email", BEN));
    wait_for_list(&account, BEN, vec![contact.clone()]);
    wait_for_list(&account, ANA, Vec::new());
    account.salesforce.org(|org| org.set_active(&user, false));
    wait_for_list(&account, BEN, Vec::new());
    account.salesforce.org(|org| org.set_active(&user, true));
    wait_for_list(&account, BEN, vec![contact]);
}

#[test]
fn thousands_of_contacts_with_the_same_time_reach_the_index() {
    let salesforce = Salesforce::start();
    let (ana, ben) = salesforce.org(|org| (org.user(ANA), org.user(BEN)));
    let many = std::env::var("FRONTGATE_CUSTOMERS").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000);
    let all = people(&salesforce, many, &ana);
    let account = indexed(salesforce);
    assert_eq!(status(&account.gateway)["customers"], many);
    account.salesforce.org(|org| org.set_all(&all, "OwnerId", &ben));
    wait_for_list(&account, ANA, Vec::new());
    assert_eq!(names(&account.gateway, BEN).into_keys().collect::<Vec<_>>(), all);
}

#[test]
fn a_change_that_becomes_visible_late_reaches_the_index() {
    let salesforce = Salesforce::start();
    let (ana, known) = salesforce.org(|org| {
        let ana = org.user(ANA);
        (ana.clone(), owned(org, "Mora", &ana))
    });
    let account = indexed(salesforce);
    let late = account.salesforce.org(|org| {
        org.begin();
        owned(org, "Otto", &ana)
    });
    let runs = account.salesforce.count(Call::QueryAll);
    let more = || {
        account.gateway.admin_post("/customers/sync", "{}");
        account.salesforce.count(Call::QueryAll)
    };
    eventually("two more runs", more, |now| *now >= runs + 2);
    assert_eq!(listed(&account.gateway, ANA), [&*known]);
    account.salesforce.org(Org::commit);
    wait_for_list(&account, ANA, vec![known, late]);
}

#[test]
fn a_contact_that_was_deleted_for_good_is_found_by_an_enumeration() {
    let salesforce = Salesforce::start();
    let ana = salesforce.org(|org| org.user(ANA));
    let mut all = people(&salesforce, 5, &ana);
    let account = indexed(salesforce);
    let purged = all.remove(2);
    account.salesforce.org(|org| org.purge(&purged));
    let runs = account.salesforce.count(Call::QueryAll);
    let more = || {
        account.gateway.admin_post("/customers/sync", "{}");
        account.salesforce.count(Call::QueryAll)
    };
    eventually("two more runs", more, |now| *now >= runs + 2);
    assert_eq!(listed(&account.gateway, ANA).len(), 5, "no run reports it");
    account.gateway.admin_post("/customers/sync", "{\"enumerate\":true}");
    eventually("the sweep", || listed(&account.gateway, ANA), |listed| *listed == all);
}

#[test]
fn a_used_up_limit_pauses_the_runs_and_the_index_still_answers() {
    let salesforce = Salesforce::start();
    let ana = salesforce.org(|org| org.user(ANA));
    let all = people(&salesforce, 5, &ana);
    let account = indexed(salesforce);
    account.salesforce.fault(Fault::new(Action::Refuse(Problem::daily_limit())).times(1_000_000));
    account.gateway.log().wait_for("limit of API requests in 24 hours is reached; the next request follows in 900 s");
    let asked = account.queries();
    assert_eq!(listed(&account.gateway, ANA), all);
    assert_eq!(account.customer(ANA, &all[0]).status, 200);
    assert_eq!(account.queries(), asked, "no request during the pause");
}

#[test]
fn an_expired_session_does_not_interrupt_the_runs() {
    let salesforce = Salesforce::start();
    let ana = salesforce.org(|org| org.user(ANA));
    let mut all = people(&salesforce, 3, &ana);
    let account = indexed(salesforce);
    let tokens = account.salesforce.count(Call::Token);
    account.salesforce.org(|org| {
        org.expire_sessions();
        all.push(owned(org, "Otto", &ana));
    });
    wait_for_list(&account, ANA, all);
    assert_eq!(account.salesforce.count(Call::Token), tokens + 1);
    assert_eq!(account.gateway.log().count_events("customers.run_failed"), 0);
}

#[test]
fn the_plugin_answers_until_the_index_is_complete() {
    let salesforce = Salesforce::start();
    let ana = salesforce.org(|org| org.user(ANA));
    let all = people(&salesforce, 5, &ana);
    // Enumerations fail; lists do not ask for numbers.
    salesforce.org(|org| org.hide_field(Object::Contact, "HomePhone"));
    let gateway = INDEX.iter().fold(setup(&salesforce), |setup, (key, value)| setup.set(key, *value)).start();
    let account = Account { salesforce, gateway };
    let failure = || status(&account.gateway)["failure"].as_str().unwrap_or_default().to_owned();
    eventually("the failure names the field", failure, |failure| failure.contains("HomePhone"));
    assert_eq!(status(&account.gateway)["state"], "loading");
    assert_eq!(listed(&account.gateway, ANA), all);
    assert_eq!(ids(&account.list(&[("Query", "lind 4")])), [&*all[4]]);
    account.salesforce.org(Org::show_fields);
    let state = || {
        account.gateway.admin_post("/customers/sync", "{\"enumerate\":true}");
        status(&account.gateway)["state"].clone()
    };
    eventually("the index is ready", state, |state: &Value| state == "ready");
}

#[test]
fn an_answer_beyond_the_operators_limit_is_asked_for_in_parts() {
    let salesforce = Salesforce::start();
    let ana = salesforce.org(|org| org.user(ANA));
    let all = people(&salesforce, 900, &ana);
    let limit = ("plugins.named.salesforce.limits.outbound_response_bytes_max", "200000");
    let account = indexed_with(salesforce, &[limit]);
    assert_eq!(listed(&account.gateway, ANA), all);
}

#[test]
fn an_enumeration_takes_a_request_for_1000_contacts() {
    let salesforce = Salesforce::start();
    let ana = salesforce.org(|org| org.user(ANA));
    people(&salesforce, 4_500, &ana);
    let account = indexed(salesforce);
    let all = account.salesforce.exchanges();
    let queries = |call, object: &str| {
        let is_it = |soql: &str| soql.contains(object);
        all.iter().filter(|exchange| exchange.call == call && is_it(&exchange.soql)).count()
    };
    assert_eq!((queries(Call::Query, "FROM Contact"), queries(Call::Query, "FROM User") > 0), (5, true));
}
