//! Tests what operators and platforms learn about failures and mistakes.

use std::fs;

use frontgate_tests::rest::{Action, Call, Dialect, Fault};
use frontgate_tests::{RestCrm, eventually, list};

use super::{ANA, Crm, listed};
use crate::customer_index::{status, wait_until_ready};

#[test]
fn each_failure_reaches_platform_and_operator() {
    let crm = Crm::start(Dialect::Pipedrive, 3);
    let gateway = crm.setup().set("plugins.breaker.failures", "1000").start();
    let table = [
        (Action::Limited(Some(7)), 503, "request `list`: the CRM's rate limit is reached; retry after 7s"),
        (Action::Limited(None), 503, "request `list`: the CRM's rate limit is reached; retry after 2s"),
        (Action::Status(401), 502, "request `list`: status 401; check the secret that is bound to the CRM"),
        (Action::Status(403), 502, "request `list`: status 403; check the secret that is bound to the CRM"),
        (Action::Status(404), 502, "request `list`: status 404; check `url` and the path of this request"),
        (Action::Status(400), 502, "request `list`: status 400; the CRM does not accept the request"),
        (Action::Page(200), 502, "request `list`: the answer is no JSON"),
        (Action::Page(502), 503, "request `list`: status 502; the CRM is unavailable"),
        (Action::Cut, 503, "request `list`: "),
        (Action::Half, 503, "request `list`: "),
    ];
    for (action, status, words) in table {
        crm.rest.fault(Fault::new(action.clone()).on(Call::List));
        let answer = gateway.crm(&list(&[("Worker", ANA)]));
        assert_eq!(answer.status, status, "{action:?}: {}", answer.text);
        assert!(!answer.text.contains("request"), "{}", answer.text);
        gateway.log().wait_for(words);
        assert_eq!(listed(&gateway, ANA), crm.of(ANA), "the list works after {action:?}");
    }
    assert!(!gateway.log().text().contains(RestCrm::TOKEN), "the token is in the log");
}

#[test]
fn a_run_waits_as_long_as_the_crm_says() {
    let crm = Crm::start(Dialect::Airtable, 250);
    crm.rest.fault(Fault::new(Action::Limited(None)).on(Call::List).after(1));
    let gateway = crm.indexed().start();
    // Airtable rejects all requests for 30 seconds.
    let wait = || gateway.log().text().contains("30000") || gateway.log().text().contains("30 s");
    eventually("the log says how long the run waits", wait, |is_so| *is_so);
    assert_eq!((crm.rest.count(Call::List), status(&gateway)["state"].clone()), (2, "loading".into()));
}

#[test]
fn a_mistake_in_the_mapping_is_in_the_log_and_correcting_it_starts_a_run() {
    let mut crm = Crm::start(Dialect::Zoho, 30);
    let right = std::mem::replace(&mut crm.mapping, "preset = \"zoho\"\n[list]\nroute = \"/x\"\n".to_owned());
    let gateway = crm.indexed().start();
    gateway.log().wait_for("unknown field `route`");
    fs::write(gateway.path("mappings/mapping.toml"), right).expect("a file");
    wait_until_ready(&gateway);
    crm.assert_followed(&gateway, "{}");
}

#[test]
fn another_mapping_enumerates_all_customers_again() {
    let crm = Crm::start(Dialect::Zendesk, 30);
    let gateway = crm.start_indexed();
    crm.assert_followed(&gateway, "{}");
    let changed = crm.mapping.replace("account_manager", "none");
    fs::write(gateway.path("mappings/mapping.toml"), changed).expect("a file");
    let seen = || {
        gateway.admin_post("/customers/sync", "{}");
        listed(&gateway, ANA).len()
    };
    eventually("everyone sees all customers", seen, |count| *count == 30);
}
