//! Tests the answers of the CRM itself: without an index, and while it is not complete.

use frontgate_tests::rest::{Action, Call, Dialect, Fault, Person};

use super::{ANA, BEN, Crm, EVE, found, listed, name_of, page_of};
use crate::customer_index::status;

const ALL: [Dialect; 5] = [Dialect::Airtable, Dialect::Pipedrive, Dialect::Zendesk, Dialect::Zoho, Dialect::Plain];

/// A name with everything that ends a text in some language.
const NASTY: &str = "O'Neil, (Søn) & a/b";

#[test]
fn each_worker_sees_own_customers_and_those_without_an_owner() {
    for dialect in ALL {
        let crm = Crm::start(dialect, 90);
        let gateway = crm.setup().start();
        for worker in [ANA, BEN, EVE] {
            assert_eq!(listed(&gateway, worker), crm.of(worker), "{dialect:?} {worker}");
        }
        let (id, (name, _)) = crm.people.iter().find(|(_, (_, owner))| owner == ANA).expect("a customer of Ana");
        assert_eq!(page_of(&gateway, ANA, id), (200, name.clone()), "{dialect:?}");
        assert_eq!(page_of(&gateway, BEN, id).0, 404, "{dialect:?}");
        for unknown in ["999999999", "rec99999999999999", "../../etc", "'; --"] {
            assert_eq!(page_of(&gateway, ANA, unknown).0, 404, "{dialect:?} {unknown}");
        }
    }
}

#[test]
fn a_search_finds_names_and_addresses_of_own_customers() {
    for dialect in ALL {
        let crm = Crm::start(dialect, 90);
        let gateway = crm.setup().start();
        assert_eq!(found(&gateway, ANA, "Lind 49"), ["Mora Lind 49"], "{dialect:?}");
        assert_eq!(found(&gateway, ANA, "lind-49@EXAMPLE"), ["Mora Lind 49"], "{dialect:?}");
        assert_eq!(found(&gateway, BEN, "Lind 49"), [""; 0], "{dialect:?}");
        assert_eq!(found(&gateway, ANA, "unknown person"), [""; 0], "{dialect:?}");
    }
}

#[test]
fn a_search_text_finds_itself_and_nothing_else() {
    for dialect in ALL {
        let crm = Crm::start(dialect, 9);
        crm.rest.add(Person::new("Mora", NASTY));
        let quotes = crm.rest.add(Person::new("Otto", "\"Vale\" \\ 王伟"));
        let gateway = crm.setup().start();
        assert_eq!(found(&gateway, ANA, NASTY), [format!("Mora {NASTY}")], "{dialect:?}");
        assert_eq!(found(&gateway, ANA, "王伟"), ["Otto \"Vale\" \\ 王伟"], "{dialect:?}");
        assert_eq!(page_of(&gateway, ANA, &quotes).0, 200);
        // Texts that would select everyone, or be no query at all, if they were not escaped.
        let texts = [
            "')=0,1),OR(1,'",
            "x') OR ('1'='1",
            "\" role:end-user \"",
            "%&limit=1#",
            "a)or(Last_Name:starts_with:L",
            "\\",
            "'",
            "\"\"",
            "x\ny",
            "{query}",
            "\u{1f98a}\u{1f98a}",
        ];
        for text in texts {
            let names = found(&gateway, ANA, text);
            assert!(
                names.iter().all(|name| name.starts_with("Otto") || name.contains("Neil")),
                "{dialect:?} {text}: {names:?}"
            );
        }
        let refused: Vec<_> = crm.rest.exchanges().into_iter().filter(|one| one.status != Some(200)).collect();
        let refused: Vec<_> = refused.iter().filter(|one| one.status != Some(204)).collect();
        assert!(refused.is_empty(), "{dialect:?}: {refused:?}");
    }
}

#[test]
fn a_caller_is_found_by_number() {
    for dialect in ALL {
        let crm = Crm::start(dialect, 20);
        crm.rest.add(Person::new("Zoë", "Weiß").phone("+49 711 2842222"));
        let gateway = crm.setup().start();
        for (address, name) in
            [("+12125550007", "Mora Lind 7"), ("whatsapp:+497112842222", "Zoë Weiß"), ("+12125559999", "+12125559999")]
        {
            assert_eq!(name_of(&gateway, address), name, "{dialect:?}");
        }
    }
}

#[test]
fn the_crm_answers_until_the_index_is_complete() {
    for dialect in ALL {
        let crm = Crm::start(dialect, 1_200);
        // The enumeration never ends.
        crm.rest.fault(Fault::new(Action::Status(503)).on(Call::List).after(2).times(1_000_000));
        let gateway = crm.indexed().start();
        gateway.log().wait_for_event("customers.run_failed");
        assert_eq!(status(&gateway)["state"], "loading", "{dialect:?}");
        assert_eq!(found(&gateway, ANA, "Lind 49@"), [""; 0], "{dialect:?}");
        assert_eq!(found(&gateway, ANA, "lind-49@"), ["Mora Lind 49"], "{dialect:?}");
        let (id, name) = crm.of(ANA).pop_first().expect("a customer of Ana");
        assert_eq!(page_of(&gateway, ANA, &id), (200, name), "{dialect:?}");
    }
}
