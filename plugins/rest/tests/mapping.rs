//! Tests what a mapping may say, and the errors about mistakes in it.

use frontgate_sdk::{CrmSource as _, Error, SourceFacts, testing};
use rest::Rest;

/// A small mapping without a preset.
const OWN: &str = "url = \"https://crm.example.com\"\n\
    [list]\npath = \"/people\"\nrecords = \"/people\"\n\
    [get]\npath = \"/people/{id}\"\nrecords = \"\"\n\
    [record]\nid = \"/id\"\nname = \"{/name}\"\n";

fn facts(mapping: &str) -> Result<SourceFacts, Error> {
    testing::reset();
    testing::folder([("mapping.toml", mapping)]);
    Rest::facts()
}

fn problem(mapping: &str) -> String {
    match facts(mapping) {
        Err(Error::Failed(problem)) => problem,
        other => panic!("{mapping}: {other:?}"),
    }
}

#[test]
fn a_source_without_changes_enumerates_only() {
    let facts = facts(OWN).expect("facts");
    let of = |facts: &SourceFacts| (facts.is_incremental, facts.reports_removals, facts.reports_visibility);
    assert_eq!(of(&facts), (false, false, false));
    assert_eq!((facts.batch_size, facts.requests_per_call), (100, 1));
}

#[test]
fn every_preset_is_a_valid_mapping() {
    let settings = "base = \"appX\"\ntable = \"People\"\ndomain = \"acme\"\nsubdomain = \"acme\"\n";
    for (name, text) in rest::presets() {
        let needed = settings
            .lines()
            .filter(|line| text.contains(&format!("\n{} = ", line.split(" = ").next().unwrap_or_default())));
        let settings: Vec<_> = needed.collect();
        let found = facts(&format!("preset = \"{name}\"\n[settings]\n{}\n", settings.join("\n")));
        let facts = found.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(facts.is_incremental, name != "airtable", "{name}");
        assert_eq!(facts.reports_removals, ["zendesk", "zoho"].contains(&name), "{name}");
    }
}

#[test]
fn a_field_with_the_last_change_makes_airtable_incremental() {
    let mapping =
        "preset = \"airtable\"\n[settings]\nbase = \"appX\"\ntable = \"People\"\nmodified_field = \"Changed\"\n";
    assert!(facts(mapping).expect("facts").is_incremental);
}

#[test]
fn a_mistake_is_an_error_that_names_the_key() {
    let own = |more: &str| format!("{more}\n{OWN}");
    let after = |more: &str| format!("{OWN}\n{more}");
    let table: [(String, &[&str]); 24] = [
        ("preset = \"salesforce\"".to_owned(), &["unknown preset `salesforce`", "airtable, pipedrive, zendesk, zoho"]),
        ("preset = \"airtable\"".to_owned(), &["`settings.base` is missing", "the id of the base"]),
        ("preset = 7".to_owned(), &["`preset` is a text"]),
        ("url = ".to_owned(), &["`mapping.toml`, line 1"]),
        (own("countries = \"US\""), &["unknown field `countries`", "`country`"]),
        (own("country = \"USA\""), &["two letters such as US or DE", "`country`"]),
        (OWN.replace("https://crm.example.com", "crm.example.com"), &["`url` is `crm.example.com`"]),
        (OWN.replace("path = \"/people\"", "route = \"/people\""), &["unknown field `route`", "`list`"]),
        (OWN.replace("records = \"/people\"", "records = \"people\""), &["`people` is no path", "`list.records`"]),
        (OWN.replace("[get]\npath = \"/people/{id}\"\nrecords = \"\"\n", ""), &["`get` or `get_many` is missing"]),
        (OWN.replace("/people/{id}", "/people/{key}"), &["`get.path`: unknown placeholder {key}; known: id"]),
        (OWN.replace("/people/{id}", "/people"), &["`get` does not use {id}"]),
        (OWN.replace("/people/{id}", "/people/{id"), &["single brace", "`get.path`"]),
        (OWN.replace("{id}", "{id|upper}"), &["unknown filter `upper`", "backslash"]),
        (OWN.replace("id = \"/id\"", "id = 7"), &["expected", "`record.id`"]),
        (after("[list.paging]\nkind = \"cursor\""), &["`list.paging.next` is missing"]),
        (after("[list.paging]\nkind = \"offset\""), &["`list` does not use {offset}"]),
        (after("[list.paging]\nkind = \"token\""), &["unknown variant `token`", "`list.paging.kind`"]),
        (after("[search]\npath = \"/s\"\nrecords = \"\""), &["`search` does not use {query}"]),
        (
            after("[changes]\npath = \"/c\"\nquery = { since = \"{since}\" }\nrecords = \"\""),
            &["`record.updated` is missing"],
        ),
        (after("[removed]\npath = \"/r\"\nrecords = \"\"\nids = \"/id\""), &["`removed` has no effect"]),
        (after("[owners]\npath = \"/o\"\nrecords = \"\""), &["`owner.id` and `owner.email` are missing"]),
        (after("[settings]\nlimit = \"9\""), &["`settings.limit`", "choose another one"]),
        (OWN.replace("[list]\n", "[list]\nlimit = 5000\n"), &["`list.limit` is 5000; write 1 to 1000"]),
    ];
    for (mapping, words) in table {
        let problem = problem(&mapping);
        assert!(problem.starts_with("`mapping.toml`"), "{problem}");
        let missing: Vec<_> = words.iter().filter(|word| !problem.contains(**word)).collect();
        assert!(missing.is_empty(), "{missing:?} are not in: {problem}");
    }
}

#[test]
fn single_keys_of_a_preset_are_replaced() {
    let mapping = "preset = \"zoho\"\nremoved = false\n[list]\nlimit = 50\n";
    let facts = facts(mapping).expect("facts");
    assert_eq!((facts.batch_size, facts.reports_removals), (50, false));
}

#[test]
fn a_missing_file_is_an_error() {
    testing::reset();
    assert!(matches!(Rest::facts(), Err(Error::Unavailable(problem)) if problem.contains("mapping.toml")));
}

#[test]
fn an_unknown_setting_of_the_plugin_is_an_error() {
    testing::reset();
    testing::folder([("mapping.toml", OWN)]);
    testing::settings([("mappings", "mapping.toml")]);
    assert!(matches!(Rest::facts(), Err(Error::Failed(problem)) if problem.contains("did you mean `mapping`?")));
}
