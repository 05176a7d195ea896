use proptest::prelude::*;

use super::Filter;
use crate::record::Outcome;
use crate::tests::record;

fn filter(text: &str) -> Filter {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refusal(text: &str) -> String {
    text.parse::<Filter>().expect_err(text).to_string()
}

fn matches(text: &str) -> bool {
    let mut record = record("demo", "crm");
    record.facts.status = Some(503);
    record.facts.took_us = 300_000;
    record.facts.code = "busy";
    record.facts.event = Some("onMessageAdded".into());
    record.facts.conversation = Some("CH1".into());
    filter(text).matches(&record)
}

#[test]
fn the_empty_filter_matches_all_records() {
    assert!(matches("") && matches("  "));
}

#[test]
fn a_record_must_match_each_term() {
    assert!(matches("tenant:demo callback:crm code:busy event:onMessageAdded conversation:CH1"));
    assert!(!matches("tenant:demo callback:routing"));
}

#[test]
fn a_comma_separates_alternatives() {
    assert!(matches("callback:routing,crm"));
}

#[test]
fn a_minus_negates_a_term() {
    assert!(matches("-callback:routing,templates") && !matches("-tenant:demo"));
}

#[test]
fn a_status_can_be_compared() {
    assert!(matches("status:503") && matches("status:>=500") && matches("status:<504") && matches("status:<=503"));
    assert!(!matches("status:>503") && !matches("status:404"));
}

#[test]
fn a_duration_can_be_compared_in_each_unit() {
    assert!(matches("took:300ms") && matches("took:>299999us") && matches("took:<1s"));
    assert!(!matches("took:>300ms"));
}

#[test]
fn a_plugin_that_was_called_matches() {
    assert!(matches("plugin:directory") && !matches("plugin:numbers"));
}

#[test]
fn a_request_without_response_matches_no_status() {
    let mut gone = record("demo", "crm");
    (gone.facts.status, gone.facts.outcome) = (None, Outcome::CallerGone);
    assert!(!filter("status:>=100").matches(&gone));
}

#[test]
fn simulated_requests_match_only_a_filter_that_mentions_them() {
    let mut simulated = record("demo", "crm");
    simulated.facts.is_simulated = true;
    assert!(filter("tenant:demo").matches(&simulated));
    assert!(!filter("tenant:demo").without_simulated().matches(&simulated));
    assert!(filter("simulated:yes").without_simulated().matches(&simulated));
    assert!(!filter("simulated:yes").matches(&record("demo", "crm")));
}

#[test]
fn an_unknown_key_is_refused_with_all_keys() {
    let keys = "tenant, callback, event, code, plugin, conversation, id, simulated, status, took";
    assert_eq!(refusal("tenants:demo"), format!("unknown key `tenants`; use {keys}"));
}

#[test]
fn a_word_without_key_is_refused_with_an_example() {
    assert_eq!(refusal("crm"), "`crm` has no key; write `key:value`, such as `callback:crm`");
}

#[test]
fn an_empty_value_is_refused() {
    for text in ["tenant:", "callback:crm,", "status:"] {
        assert_eq!(refusal(text), format!("`{text}` has an empty value; write `key:value` without spaces"));
    }
}

#[test]
fn a_wrong_status_is_refused_with_an_example() {
    for text in ["4xx", "0404", "600", "=404", "+404"] {
        assert!(refusal(&format!("status:{text}")).starts_with(&format!("`{text}` is not a status; write")));
    }
}

#[test]
fn a_wrong_duration_is_refused_with_an_example() {
    for text in ["1.5s", "300", "ms", "01s", ">"] {
        assert!(refusal(&format!("took:{text}")).starts_with(&format!("`{text}` is not a duration; write")));
    }
}

fn terms() -> impl Strategy<Value = String> {
    let fields = "-?(tenant|callback|event|code|plugin|conversation|id):[^\\s,]{1,12}(,[^\\s,]{1,12}){0,2}";
    let status = "-?status:(|>|>=|<|<=)[1-5][0-9][0-9]";
    let took = "-?took:(|>|>=|<|<=)(0|[1-9][0-9]{0,9})(us|ms|s)";
    prop_oneof![fields, status, took]
}

proptest! {
    #[test]
    fn the_text_of_a_filter_is_the_same_again(terms in prop::collection::vec(terms(), 0..6)) {
        let text = terms.join(" ");
        prop_assert_eq!(filter(&text).to_string(), text);
    }

    #[test]
    fn any_text_is_a_filter_or_is_refused(text in "\\PC{0,60}") {
        if let Ok(filter) = text.parse::<Filter>() {
            prop_assert_eq!(filter.to_string().parse::<Filter>(), Ok(filter));
        }
    }
}
