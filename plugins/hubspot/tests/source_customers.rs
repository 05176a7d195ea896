//! Tests the customers that the role `crm-source` makes of contacts, who sees them, and `fetch`.

mod small_hubspot;

use frontgate_sdk::{Audience, CrmSource as _, Error, Team, Visibility};
use hubspot::HubSpot;
use serde_json::json;

use crate::small_hubspot::{Account, batch, ids};

#[test]
fn a_contact_becomes_a_customer() {
    let account = Account::new(&[("workers.Ana@Example.org", "ana.lind@login.example.org")]);
    account.owner("41", "Ana.Lind@login.example.org");
    account.pass(1_234);
    account.put(
        7,
        &[
            ("firstname", "Mora"),
            ("lastname", "Lind"),
            ("email", "mora@example.com"),
            ("company", "Lind Boats"),
            ("phone", "+1 (202) 555-0107"),
            ("mobilephone", "12"),
            ("hubspot_owner_id", "41"),
        ],
    );
    let found = batch(None, 10);
    let [mora] = found.upserts.as_slice() else { panic!("{found:?}") };
    assert_eq!((&*mora.customer.display_name, mora.customer.worker.as_deref()), ("Mora Lind", Some("Ana@Example.org")));
    assert_eq!(mora.customer.channels[0].value, "+12025550107");
    assert_eq!(mora.numbers, ["12"]);
    assert_eq!((mora.company.as_deref(), &*mora.emails), (Some("Lind Boats"), &["mora@example.com".to_owned()][..]));
    assert_eq!(mora.version, Some(20_260_101_000_001_234));
    assert_eq!(mora.seen_by, Visibility::Only(vec![Audience::team("41")]));
    assert_eq!(found.teams, Some(vec![Team::new("41", ["Ana@Example.org", "Ana.Lind@login.example.org"])]));
}

#[test]
fn contacts_without_an_owner_are_seen_by_everyone() {
    let account = Account::new(&[]);
    account.put(7, &[("hubspot_owner_id", "")]);
    assert_eq!(batch(None, 10).upserts[0].seen_by, Visibility::Everyone);
}

#[test]
fn contacts_of_a_removed_owner_are_visible_to_no_worker() {
    let account = Account::new(&[]);
    account.owner("41", "ana@example.org");
    account.put(7, &[("hubspot_owner_id", "40")]);
    let found = batch(None, 10);
    assert_eq!(found.upserts[0].seen_by, Visibility::Only(vec![Audience::team("40")]));
    assert_eq!(found.teams, Some(vec![Team::new("41", ["ana@example.org"])]));
    assert_eq!(found.upserts[0].customer.worker, None);
}

#[test]
fn without_own_customers_only_everyone_sees_everything() {
    let account = Account::new(&[("own_customers_only", "false")]);
    account.owner("41", "ana@example.org");
    account.put(7, &[("hubspot_owner_id", "41")]);
    let found = batch(None, 10);
    assert_eq!((found.upserts[0].seen_by.clone(), found.teams), (Visibility::Everyone, None));
    assert_eq!(found.upserts[0].customer.worker.as_deref(), Some("ana@example.org"));
}

#[test]
fn a_worker_with_another_address_is_in_no_team_of_their_own() {
    let account = Account::new(&[
        ("workers.ana@example.org", "boss@example.org"),
        ("workers.eve@example.org", "boss@example.org"),
    ]);
    account.owner("41", "boss@example.org");
    account.owner("42", "Ana@Example.org");
    account.owner("43", "BOSS@example.org");
    let teams = batch(None, 10).teams.expect("teams");
    let boss = Team::new("41", ["ana@example.org", "eve@example.org", "boss@example.org"]);
    assert_eq!(teams, [boss, Team::new("42", [""; 0])]);
}

#[test]
fn known_ids_are_fetched_and_others_are_missing() {
    let account = Account::new(&[]);
    (1..=3).for_each(|id| account.put(id, &[]));
    account.archive(2);
    let fetch = |ids: &[&str]| HubSpot::fetch(ids.iter().map(|id| (*id).to_owned()).collect());
    assert_eq!(ids(&fetch(&["1", "2", "3", "x", "../4"]).expect("customers")), [1, 3]);
    assert_eq!(fetch(&["x"]), Ok(Vec::new()));
    assert_eq!(fetch(&["1"]).expect("customers"), batch(None, 10).upserts[..1]);
}

#[test]
fn an_incomplete_answer_removes_nothing() {
    let account = Account::new(&[]);
    account.put(1, &[]);
    account.next(207, &[], &json!({ "results": [], "errors": [{ "category": "INTERNAL_ERROR" }] }));
    assert!(matches!(HubSpot::fetch(vec!["1".to_owned()]), Err(Error::Unavailable(_))));
    account.next(429, &[], &json!({}));
    assert!(matches!(HubSpot::fetch(vec!["1".to_owned()]), Err(Error::Unavailable(_))));
}
