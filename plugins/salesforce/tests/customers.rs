//! Tests how contacts become customers, and who sees them, in both roles.

mod org;

use frontgate_sdk::{Audience, Crm as _, Customer, ListRequest, Visibility};
use frontgate_simulators::salesforce::Person;
use salesforce::Salesforce;

use crate::org::{ANA, Account, batch, run};

const ALL: (&str, &str) = ("own_customers_only", "false");

fn listed(request: ListRequest) -> Vec<String> {
    let page = Salesforce::list_customers(request).expect("a page");
    page.customers.into_iter().map(|customer| customer.customer_id).collect()
}

fn found(address: &str) -> Option<String> {
    Salesforce::find_customer(address).expect("an answer").map(|customer| customer.display_name)
}

#[test]
fn a_contact_is_shown_with_all_configured_fields() {
    let account = Account::new(&[
        ("country", "US"),
        ("whatsapp_fields", "WhatsApp__c"),
        ("avatar_field", "Picture__c"),
        ("labels.MailingCity", "Town"),
        ("links.Shop", "https://shop.example.com/?email={Email}&of={Account.Name}"),
        ("links.Chat", "https://chat.example.com/{Department}"),
        ("workers.ana@example.org", "Ana@login.example"),
    ]);
    let id = account.org(|org| {
        org.custom_field("WhatsApp__c");
        org.custom_field("Picture__c");
        let (owner, bakery) = (org.user("ana@login.example"), org.account("Bakery & Co"));
        let person = Person::new("Mora", "Lind").with("Email", "mora+lind@example.org").with("AccountId", &bakery);
        let person = person.with("Phone", "(202) 555-0107").with("MobilePhone", "+44 (0)131 315 3300");
        let person = person.with("HomePhone", "+12025550107").with("OtherPhone", "call me");
        let person = person.with("WhatsApp__c", "+1 202 555 0199").with("Picture__c", "https://img.example.com/7.png");
        org.add(person.with("OwnerId", &owner).with("Title", "Owner").with("MailingCity", "Trondheim"))
    });
    let expected = Customer::new(&id, "Mora Lind")
        .avatar("https://img.example.com/7.png")
        .sms("+441313153300")
        .sms("+12025550107")
        .whatsapp("+12025550199")
        .owned_by(ANA)
        .link("Salesforce", format!("https://acme.my.salesforce.com/{id}"), "Open in Salesforce")
        .link("Mail", "mailto:mora+lind@example.org", "mora+lind@example.org")
        .link("Shop", "https://shop.example.com/?email=mora%2Blind%40example.org&of=Bakery%20%26%20Co", "Shop")
        .details("Salesforce", "Account: Bakery & Co\nTitle: Owner\nTown: Trondheim");
    assert_eq!(Salesforce::get_customer(ANA, &id), Ok(expected.clone()));
    let source = batch(None, 10).upserts.remove(0);
    assert_eq!(source.customer, expected);
    assert_eq!(
        (source.company.as_deref(), &*source.emails),
        (Some("Bakery & Co"), &["mora+lind@example.org".to_owned()][..])
    );
    assert_eq!((&*source.numbers, source.version), (&["call me".to_owned()][..], Some(20_260_101_000_000_000)));
}

#[test]
fn a_worker_sees_contacts_of_active_users_with_the_workers_identity() {
    let account = Account::new(&[]);
    let (contacts, users) = account.org(|org| {
        let (ana, ben, old) = (org.user("Ana@Example.org"), org.user("ben@example.org"), org.user(ANA));
        org.set_active(&old, false);
        let owners = [ana.clone(), ben.clone(), old.clone(), org.queue()];
        let add = owners.map(|owner| org.add(Person::new("Mora", "Lind").with("OwnerId", &owner)));
        (add, [ana, ben, old])
    });
    assert_eq!(listed(ListRequest::first(ANA, 30)), [&*contacts[0]]);
    assert_eq!(listed(ListRequest::first("BEN@example.org", 30)), [&*contacts[1]]);
    assert!(Salesforce::get_customer(ANA, &contacts[0]).is_ok());
    for hidden in &contacts[1..] {
        assert!(Salesforce::get_customer(ANA, hidden).is_err());
    }
    let batch = batch(None, 10);
    let teams = batch.teams.expect("teams");
    let workers = |id: &String| teams.iter().find(|team| team.id == *id).expect("a team").workers.clone();
    assert_eq!([workers(&users[0]), workers(&users[1])], [["Ana@Example.org"], ["ben@example.org"]]);
    assert!(workers(&users[2]).is_empty());
    let audiences: Vec<_> = batch.upserts.into_iter().map(|customer| customer.seen_by).collect();
    let team = |id: &String| Visibility::Only(vec![Audience::team(id)]);
    assert_eq!(audiences[..3], users.each_ref().map(team));
    assert_eq!(audiences[3], Visibility::Only(Vec::new()), "a queue");
}

#[test]
fn contacts_of_inactive_users_and_queues_are_visible_to_everyone_if_the_operator_says_so() {
    let account = Account::new(&[("unowned", "everyone")]);
    let contacts = account.org(|org| {
        let (ana, ben, old) = (org.user(ANA), org.user("ben@example.org"), org.user("old@example.org"));
        org.set_active(&old, false);
        [ana, ben, old, org.queue()].map(|owner| org.add(Person::new("Mora", "Lind").with("OwnerId", &owner)))
    });
    assert_eq!(listed(ListRequest::first(ANA, 30)), [&*contacts[0], &contacts[2], &contacts[3]]);
    let seen: Vec<_> = batch(None, 10).upserts.iter().map(|row| row.seen_by == Visibility::Everyone).collect();
    assert_eq!(seen, [false, false, true, true]);
}

#[test]
fn every_worker_sees_all_contacts_if_the_operator_says_so() {
    let account = Account::new(&[ALL]);
    let id = account.org(|org| org.add(Person::new("Mora", "Lind")));
    assert_eq!(listed(ListRequest::first("eve@example.org", 30)), [&*id]);
    let batch = batch(None, 10);
    assert_eq!((batch.teams, &batch.upserts[0].seen_by), (None, &Visibility::Everyone));
}

#[test]
fn another_field_of_users_can_hold_the_workers_identity() {
    // Salesforce ignores the case of names.
    let account = Account::new(&[("owner_field", "federationidentifier")]);
    let id = account.org(|org| {
        let user = org.user("ana.lind@login.example");
        org.set_user(&user, "FederationIdentifier", ANA);
        org.add(Person::new("Mora", "Lind").with("OwnerId", &user))
    });
    assert_eq!(listed(ListRequest::first(ANA, 30)), [&*id]);
    let batch = batch(None, 10);
    assert_eq!(batch.teams.expect("teams")[0].workers, [ANA]);
    assert_eq!(batch.upserts[0].customer.worker.as_deref(), Some(ANA));
}

#[test]
fn a_changed_address_of_a_user_changes_the_team_and_no_contact() {
    let account = Account::new(&[("users_keep_s", "0")]);
    let user = account.org(|org| {
        let user = org.user(ANA);
        org.add(Person::new("Mora", "Lind").with("OwnerId", &user));
        org.pass(30 * org::MINUTE);
        user
    });
    let end = run(None).next;
    account.org(|org| {
        org.pass(30 * org::MINUTE);
        org.set_user(&user, "Email", "ben@example.org");
    });
    let batch = batch(Some(&end), 10);
    assert!(batch.upserts.is_empty());
    assert_eq!(batch.teams.expect("teams")[0].workers, ["ben@example.org"]);
}

#[test]
fn more_users_than_fit_into_a_response_are_all_teams() {
    let account = Account::new(&[]);
    account.org(|org| (0..4_500).for_each(|number| drop(org.user(&format!("user-{number}@example.org")))));
    assert_eq!(batch(None, 10).teams.expect("teams").len(), 4_500);
    assert_eq!(account.asked().len(), 1 + 3);
}

#[test]
fn pages_of_any_size_have_every_contact_once() {
    let account = Account::new(&[ALL]);
    let all: Vec<_> = account.org(|org| (0..2_100).map(|_| org.add(Person::new("Mora", "Lind"))).collect());
    for size in [1, 7, 100, 1_000, 2_100, 5_000] {
        let (mut pages, mut request) = (Vec::new(), ListRequest::first(ANA, size));
        loop {
            let page = Salesforce::list_customers(request.clone()).expect("a page");
            assert!(page.customers.len() <= size as usize);
            pages.extend(page.customers.into_iter().map(|customer| customer.customer_id));
            let Some(token) = page.next_page_token else { break };
            assert!(size != 5_000, "the last page has no token");
            request = ListRequest::first(ANA, size).at(token);
            if size == 1 && pages.len() > 50 {
                pages.clone_from(&all);
                break;
            }
        }
        assert_eq!(pages, all, "{size}");
    }
}

#[test]
fn a_search_finds_words_and_digits() {
    let account = Account::new(&[ALL, ("country", "US")]);
    let [mora, otto, odd] = account.org(|org| {
        let bakery = org.account("Bakery");
        let mora = Person::new("Mora", "Lind").with("Email", "mora@acme.example").with("Phone", "(202) 555-0107");
        let otto = Person::new("Otto", "O'Hara").with("AccountId", &bakery).with("MobilePhone", "+49 711 2842222");
        let odd = Person::new("100%", r"a_b\c").with("HomePhone", "2-0-2-9-5-5-5");
        [mora, otto, odd].map(|person| org.add(person))
    });
    let table: [(&str, &[&String]); 15] = [
        ("mora", &[&mora]),
        ("LIND mora", &[&mora]),
        ("acme.example", &[&mora]),
        ("bakery", &[&otto]),
        ("o'hara", &[&otto]),
        ("'", &[&otto]),
        ("%", &[&odd]),
        ("_", &[&odd]),
        ("\\", &[&odd]),
        ("a_b", &[&odd]),
        ("+1 202 555", &[&mora]),
        ("+49 (711) 284", &[&otto]),
        ("0711", &[]),
        ("' OR Name LIKE '%", &[]),
        ("o", &[&mora, &otto]),
    ];
    for (query, expected) in table {
        let all: Vec<_> = listed(ListRequest::first(ANA, 30).search(query));
        assert_eq!(all.iter().collect::<Vec<_>>(), expected, "{query}");
        let after = listed(ListRequest::first(ANA, 30).search(query).after(&mora));
        let expected: Vec<_> = expected.iter().filter(|id| **id != &mora).copied().collect();
        assert_eq!(after.iter().collect::<Vec<_>>(), expected, "{query}");
    }
}

#[test]
fn a_customer_is_found_by_a_number_in_any_notation() {
    let account = Account::new(&[("country", "US"), ("whatsapp_fields", "WhatsApp__c")]);
    account.org(|org| {
        org.custom_field("WhatsApp__c");
        for (name, field, number) in [
            // The same national number in another country.
            ("Tove", "Phone", "+44 202 555 0107"),
            ("Mora", "Phone", "(202) 555-0107 ext. 3"),
            ("Otto", "MobilePhone", "+49 (0)711 / 28 42 22 2"),
            ("Irma", "WhatsApp__c", "+390639733434"),
            ("Nils", "OtherPhone", "1.202.555.0108"),
        ] {
            org.add(Person::new(name, "Lind").with(field, number));
        }
    });
    let table = [
        ("+12025550107", Some("Mora Lind")),
        ("whatsapp:+12025550107", Some("Mora Lind")),
        ("+497112842222", Some("Otto Lind")),
        ("whatsapp:+390639733434", Some("Irma Lind")),
        ("+12025550108", Some("Nils Lind")),
        ("+12025550109", None),
        ("mora", None),
    ];
    for (address, expected) in table {
        assert_eq!(found(address).as_deref(), expected, "{address}");
    }
}

#[test]
fn an_unknown_id_or_position_is_not_asked_for() {
    let account = Account::new(&[ALL]);
    account.org(|org| drop(org.add(Person::new("Mora", "Lind"))));
    for text in ["", "7", "' OR Id > '", "../users", "003Hs000000000gQAZ"] {
        assert_eq!(Salesforce::get_customer(ANA, text), Err(frontgate_sdk::Error::NotFound), "{text}");
        assert!(
            listed(ListRequest::first(ANA, 30).after(text)).is_empty()
                && listed(ListRequest::first(ANA, 3).at(text)).is_empty()
        );
    }
    assert!(account.asked().is_empty());
}

/// Adds the settings of a table: keys of nested tables are joined by dots, as the gateway does.
fn flat(key: &str, value: &toml::Value, out: &mut Vec<(String, String)>) {
    let Some(table) = value.as_table() else {
        return out.push((key.to_owned(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    };
    for (name, value) in table {
        flat(&if key.is_empty() { name.clone() } else { format!("{key}.{name}") }, value, out);
    }
}

#[test]
fn the_documented_configuration_is_valid() {
    let lines = include_str!("../src/lib.rs").lines().filter_map(|line| line.strip_prefix("//!"));
    let lines: Vec<_> =
        lines.skip_while(|line| *line != " ```toml").skip(1).take_while(|line| *line != " ```").collect();
    let file: toml::Table = lines.join("\n").parse().expect("TOML");
    let mut settings = Vec::new();
    flat("", &file["plugins"]["named"]["salesforce"]["config"], &mut settings);
    assert_eq!(settings.len(), 16, "{settings:?}");
    let settings: Vec<_> = settings.iter().map(|(key, value)| (&**key, &**value)).collect();
    let account = Account::new(&settings.into_iter().filter(|(key, _)| *key != "instance").collect::<Vec<_>>());
    let id = account.org(|org| {
        org.custom_field("WhatsApp__c");
        org.custom_field("Picture__c");
        let user = org.user("ana.lind@login.example.org");
        org.add(Person::new("Mora", "Lind").with("OwnerId", &user).with("MailingCity", "Trondheim"))
    });
    let customer = Salesforce::get_customer(ANA, &id).expect("a customer");
    assert_eq!(customer.details.expect("details").content, "City: Trondheim");
}
