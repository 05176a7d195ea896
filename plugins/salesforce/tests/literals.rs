//! Tests that no text from outside changes the structure of a query, with the simulator's parser as the judge.

mod org;

use frontgate_sdk::{Crm as _, ListRequest};
use frontgate_simulators::salesforce::soql::{Condition, Query, Value};
use proptest::prelude::*;
use salesforce::Salesforce;

use crate::org::{ANA, Account};

/// Returns the queries of requests.
fn queries(account: &Account) -> Vec<Query> {
    let soql = |path: &String| {
        let (_, encoded) = path.split_once("?q=").expect("a query");
        let mut bytes = Vec::new();
        let mut rest = encoded.bytes();
        while let Some(byte) = rest.next() {
            let mut digit = || char::from(rest.next().expect("a digit")).to_digit(16).expect("a digit") as u8;
            bytes.push(if byte == b'%' { digit() * 16 + digit() } else { byte });
        }
        String::from_utf8(bytes).expect("UTF-8")
    };
    let parsed = |path: &String| Query::parse(&soql(path)).unwrap_or_else(|error| panic!("{error} {}", soql(path)));
    account.asked().iter().map(parsed).collect()
}

/// Replaces all texts of a condition.
fn shape(condition: &Condition) -> Condition {
    match condition {
        Condition::All(all) => Condition::All(all.iter().map(shape).collect()),
        Condition::Any(all) => Condition::Any(all.iter().map(shape).collect()),
        Condition::Not(one) => Condition::Not(Box::new(shape(one))),
        Condition::Compare(field, operator, Value::Text(_)) => {
            Condition::Compare(field.clone(), *operator, Value::Null)
        }
        other => other.clone(),
    }
}

/// Returns the query of a list, without its texts.
fn shape_of(worker: &str, query: &str) -> (Query, Vec<String>) {
    let account = Account::new(&[]);
    Salesforce::list_customers(ListRequest::first(worker, 30).search(query)).expect("a page");
    let mut asked = queries(&account).remove(0);
    let texts = asked.texts();
    asked.condition = asked.condition.as_ref().map(shape);
    (asked, texts)
}

/// A text of characters that SOQL or URLs treat differently.
fn nasty() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("'"),
        Just("\\"),
        Just("\\'"),
        Just("%"),
        Just("_"),
        Just("\""),
        Just("&q="),
        Just("#"),
        Just(")"),
        Just("--"),
        Just("\\u0027"),
        Just("OR"),
        Just("é"),
        Just("🙂"),
        Just("x"),
        Just("\\n"),
    ];
    proptest::collection::vec(part, 1..12).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_search_text_stays_in_its_literals(query in prop_oneof![nasty(), "[^0-9\\p{White_Space}]{1,30}"]) {
        let (asked, texts) = shape_of(ANA, &query);
        prop_assert_eq!(asked, shape_of(ANA, "x").0);
        let pattern: String = query.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        prop_assert_eq!(&texts[1..], vec![format!("%{pattern}%"); 3]);
    }

    #[test]
    fn a_worker_stays_in_its_literal(worker in prop_oneof![nasty(), ".{0,60}"]) {
        let (asked, texts) = shape_of(&worker, "x");
        prop_assert_eq!(asked, shape_of(ANA, "x").0);
        let plain: String = worker.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        prop_assert_eq!(&texts[0], &plain);
    }

    #[test]
    fn a_customers_id_is_an_id_or_no_query(id in prop_oneof![nasty(), "003[A-Za-z0-9]{15}", ".{18}"]) {
        let account = Account::new(&[]);
        let _ = Salesforce::get_customer(ANA, &id);
        for query in queries(&account) {
            prop_assert_eq!(&query.texts()[0], &id);
        }
    }
}
