//! Tests the plugin `directory` with real customers.

use std::collections::BTreeSet;

use frontgate_tests::{Answer, Gateway, Setup, component, list};
use serde_json::Value;

use crate::authors::{Project, checks_with};

const ALL: (&str, &str) = ("plugins.named.plugin.config.own_customers_only", "false");

fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let customers = answer.json["objects"]["customers"].as_array().expect("customers");
    customers.iter().map(|customer| customer["customer_id"].as_str().expect("an id").to_owned()).collect()
}

/// Returns the ids of all customers, fetched page by page.
fn pages(gateway: &Gateway, worker: &str, by_token: bool) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let mut form = list(&[("PageSize", "7"), ("Worker", worker)]);
        match (&token, all.last()) {
            (Some(token), _) if by_token => form.push(("NextPageToken", token)),
            (_, Some(last)) => form.push(("Anchor", last)),
            _ => {}
        }
        let answer = gateway.crm(&form);
        let page = ids(&answer);
        token = answer.json["objects"]["next_page_token"].as_str().map(str::to_owned);
        assert!(page.len() <= 7);
        if page.is_empty() {
            return all;
        }
        all.extend(page);
        if by_token && token.is_none() {
            return all;
        }
    }
}

#[test]
fn every_customer_is_listed_once_by_anchor_and_by_token() {
    let gateway = Setup::real_customers().set(ALL.0, ALL.1).start();
    let by_anchor = pages(&gateway, "nobody@example.org", false);
    assert!(by_anchor.len() >= 59);
    assert_eq!(by_anchor.iter().collect::<BTreeSet<_>>().len(), by_anchor.len(), "a customer is repeated");
    assert_eq!(pages(&gateway, "nobody@example.org", true), by_anchor);
}

#[test]
fn an_unknown_position_is_an_empty_page() {
    let gateway = Setup::real_customers().set(ALL.0, ALL.1).start();
    for position in [("Anchor", "gone"), ("NextPageToken", "gone")] {
        let answer = gateway.crm(&list(&[position]));
        assert!(ids(&answer).is_empty(), "{}", answer.text);
        assert!(answer.json["objects"]["next_page_token"].is_null());
    }
}

#[test]
fn every_customers_details_are_valid_for_frontline() {
    let gateway = Setup::real_customers().set(ALL.0, ALL.1).start();
    let mut numbers = 0;
    for id in pages(&gateway, "nobody@example.org", true) {
        let answer =
            gateway.crm(&[("Worker", "x"), ("CustomerId", &id), ("Location", "GetCustomerDetailsByCustomerId")]);
        assert_eq!(answer.status, 200, "{}", answer.text);
        let customer = &answer.json["objects"]["customer"];
        assert_eq!(customer["customer_id"], id.as_str());
        let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        assert!(text(&customer["display_name"]));
        for channel in customer["channels"].as_array().expect("channels") {
            let number = channel["value"].as_str().expect("a number").trim_start_matches("whatsapp:");
            assert!(number.starts_with('+') && number[1..].bytes().all(|byte| byte.is_ascii_digit()), "{number}");
            numbers += 1;
        }
        for link in customer["links"].as_array().expect("links") {
            let url = link["value"].as_str().expect("a URL");
            assert!(url.starts_with("https://") || url.starts_with("mailto:"), "{url}");
            assert!(text(&link["type"]) && text(&link["display_name"]));
        }
        assert!(text(&customer["details"]["title"]) && text(&customer["details"]["content"]));
        assert!(customer.get("worker").is_none());
    }
    assert!(numbers >= 57, "{numbers} numbers");
}

/// Rows like those in real exports: accents, commas, brackets, trunk zeros, missing values.
const NASTY: &str = "\u{feff}id;name;company;email;phone;owner
1;Luís Gonçalves;Embraer, Empresa S.A.;luisg@embraer.com.br;+55 (12) 3923-5555;jane@example.org
2;Leonie Köhler;;leonekohler@surfeu.de;+49 0711 2842222;steve@example.org
4;Bjørn Hansen;;bjorn.hansen@yahoo.no;+47 22 44 22 22;Jane@Example.org
5;\"Wichterlová; Františka\";JetBrains s.r.o.;frantisekw@jetbrains.com;+420 2 4172 5555;
6;Mark Philips;Telus;mphilips12@shaw.ca;+44 (0)131 315 3300;steve@example.org
7;;Nameless Ltd;;call me;steve@example.org
1;Again;;;;
;Without Id;;;;
";

#[test]
fn a_search_ignores_case_and_accents_and_matches_partial_numbers() {
    let gateway = Setup::directory(NASTY).set(ALL.0, ALL.1).start();
    let table: [(&str, &[&str]); 13] = [
        ("goncalves", &["1"]),
        ("EMBRAER", &["1"]),
        ("embraer luis", &["1"]),
        ("kohler", &["2"]),
        ("BJORN", &["4"]),
        ("františka", &["5"]),
        ("jetbrains.com", &["5"]),
        ("3923", &["1"]),
        ("+49 711", &["2"]),
        ("0711 284", &["2"]),
        ("0131", &["6"]),
        ("44 131 315", &["6"]),
        ("nobody at all", &[]),
    ];
    for (query, expected) in table {
        assert_eq!(ids(&gateway.crm(&list(&[("Query", query)]))), expected, "{query}");
    }
}

#[test]
fn a_worker_sees_own_and_unassigned_customers() {
    let gateway = Setup::directory(NASTY).start();
    let of = |worker| ids(&gateway.crm(&list(&[("Worker", worker)])));
    assert_eq!(of("jane@example.org"), ["4", "1", "5"]);
    assert_eq!(of("new@example.org"), ["5"]);
    let details = |id| {
        gateway.crm(&[
            ("Worker", "jane@example.org"),
            ("CustomerId", id),
            ("Location", "GetCustomerDetailsByCustomerId"),
        ])
    };
    assert_eq!(details("1").status, 200);
    assert_eq!((details("2").status, details("99").status), (404, 404));
}

#[test]
fn an_unknown_owner_column_is_an_error_not_an_open_list() {
    let gateway = Setup::directory(NASTY).set("plugins.named.plugin.config.columns.owner", "\"Onwer\"").start();
    assert_eq!(gateway.crm(&list(&[])).code(), "plugin-failed");
    gateway.log().wait_for("`customers.csv` has no column `Onwer`, which the setting `columns.owner` names");
}

#[test]
fn columns_used_elsewhere_are_omitted_from_the_details() {
    let csv = "ID,Name,Phone,Owner,City\n7,Mora Lind,call me,ana@example.org,Leeds\n";
    let gateway = Setup::directory(csv)
        .set("plugins.named.plugin.config.links.CRM", "\"https://crm.example.com/{Name}\"")
        .start();
    let form = [("Worker", "ana@example.org"), ("CustomerId", "7"), ("Location", "GetCustomerDetailsByCustomerId")];
    let customer = gateway.crm(&form).json["objects"]["customer"].clone();
    assert_eq!(customer["details"]["content"], "City: Leeds");
    assert_eq!(customer["links"][0]["value"], "https://crm.example.com/Mora%20Lind");
}

#[test]
fn numbers_are_normalized_to_e164_or_omitted_with_one_warning() {
    let gateway = Setup::directory(NASTY).set(ALL.0, ALL.1).start();
    let channels = |id| {
        let answer =
            gateway.crm(&[("Worker", "x"), ("CustomerId", id), ("Location", "GetCustomerDetailsByCustomerId")]);
        answer.json["objects"]["customer"]["channels"]
            .as_array()
            .expect("channels")
            .iter()
            .map(|channel| channel["value"].to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(channels("1"), ["\"+551239235555\""]);
    assert_eq!(channels("2"), ["\"+497112842222\""]);
    assert_eq!(channels("6"), ["\"+441313153300\""]);
    assert!(channels("7").is_empty());
    gateway.log().wait_for("omitted 1 invalid phone numbers");
    gateway.log().wait_for("omitted 2 of 8 rows");
}

#[test]
fn a_changed_json_file_is_read_at_once() {
    let json = r#"[{"id": 7, "name": "Mora Lind", "phone": null}, {"id": "8", "name": "Otto Vale"}]"#;
    let gateway = Setup::directory("")
        .file("customers.json", json)
        .set("plugins.named.plugin.config.customers", "\"customers.json\"")
        .start();
    assert_eq!(ids(&gateway.crm(&list(&[]))), ["7", "8"]);
    std::fs::write(gateway.path("files/customers.json"), "[]").expect("a file");
    assert!(ids(&gateway.crm(&list(&[]))).is_empty());
    std::fs::write(gateway.path("files/customers.json"), "{").expect("a file");
    assert_eq!(gateway.crm(&list(&[])).status, 502);
    std::fs::remove_file(gateway.path("files/customers.json")).expect("a file");
    assert_eq!(gateway.crm(&list(&[])).status, 503);
}

#[test]
fn a_reused_instance_rereads_the_file_only_after_a_change() {
    let rows = |name: &str| format!("id,name,phone\n1,{name},\n,Nobody,\n");
    let setup = Setup::directory(&rows("Mora Lind")).set("plugins.named.plugin.instances", "\"reused\"");
    let gateway = setup.set(ALL.0, ALL.1).start();
    let name = || gateway.crm(&list(&[])).json["objects"]["customers"][0]["display_name"].clone();
    for _ in 0..3 {
        assert_eq!(name(), "Mora Lind");
    }
    std::fs::write(gateway.path("files/customers.csv"), rows("Mora Lindqvist")).expect("a file");
    assert_eq!(name(), "Mora Lindqvist");
    // The plugin logs this each time it reads the file.
    gateway.log().wait_for_count("omitted 1 of 2 rows", 2);
    assert_eq!(gateway.log().text().matches("omitted 1 of 2 rows").count(), 2);
}

#[test]
fn the_plugin_passes_every_conformance_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = (0..2_100).map(|row| {
        let owner = ["ana@example.org", "Ben@Example.org", ""][row % 3];
        format!("c-{row};\"Lind; {row}\";+1 (212) 555-{row:04};{owner}\r\n")
    });
    let csv: String = ["\u{feff}id;name;phone;owner\r\n".to_owned()].into_iter().chain(rows).collect();
    std::fs::write(folder.path().join("customers.csv"), csv).expect("a file");
    let toml = format!(
        "[plugin]\nfiles = {:?}\n[plugin.config]\ncustomers = \"customers.csv\"\n\
         [conformance]\nworker = \"ana@example.org\"\naddress = \"+12125550007\"\nquery = \"Lind\"\n",
        folder.path()
    );
    let report = Project::new(&component("directory"), &toml).test_report(&[]);
    assert!(checks_with(&report, "failed").is_empty(), "{report:#}");
    let passed = checks_with(&report, "passed");
    assert!(passed.iter().any(|check| check.contains("without changes, a run ends after one call")), "{report:#}");
}
