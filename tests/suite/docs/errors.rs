//! Checks that each code in the sources has an entry in `docs/operate/errors.md`, and each entry a code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use frontgate_tests::root;
use hyper::StatusCode;

const PAGE: &str = "docs/operate/errors.md";

/// The source file whose `match` maps errors to status and code.
const ANSWERS: &str = "host/crates/gateway/src/error.rs";
/// The source files with codes whose status is determined in [`ANSWERS`].
const CODES: [&str; 2] = ["host/crates/runtime/src/error.rs", "host/crates/twilio-callbacks/src/error.rs"];
/// The source files that contain Twilio's error numbers.
const NUMBERS: [&str; 4] = [
    "host/crates/twilio-rest/src/classify.rs",
    "host/crates/twilio-callbacks/src/lib.rs",
    "host/crates/twilio-callbacks/src/outgoing.rs",
    "host/crates/twilio-callbacks/src/sanitize.rs",
];
/// The source file with the names of store limits.
const LIMITS: &str = "host/crates/store/src/error.rs";
/// The source file with the decisions about plugins' requests.
const VERDICTS: &str = "host/crates/runtime/src/outbound/failure.rs";

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the text of a source file without its unit tests.
fn source(path: &str) -> String {
    let text = read(path);
    text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

/// Returns the heading and text of each entry on the page.
fn entries() -> Vec<(String, String)> {
    let page = read(PAGE);
    let split = |entry: &str| {
        let (heading, text) = entry.split_once('\n').expect("a heading");
        (heading.to_owned(), text.split("\n## ").next().unwrap_or_default().to_owned())
    };
    page.split("\n### ").skip(1).map(split).collect()
}

/// Returns the code-style text in the first cell of each row of the table with this header.
fn cells(header: &str) -> BTreeSet<String> {
    let page = read(PAGE);
    let (_, table) = page.split_once(header).unwrap_or_else(|| panic!("no table {header}"));
    let rows = table.lines().skip(2).take_while(|line| line.starts_with("| `"));
    rows.filter_map(|row| Some(row.split('`').nth(1)?.to_owned())).collect()
}

/// Returns the texts on the right side of `match` arms such as `Self::Name => "text"`.
fn named_by_arms(path: &str) -> BTreeSet<String> {
    let source = source(path);
    let names = source.lines().filter_map(|line| line.trim().split_once(" => \"")?.1.strip_suffix("\","));
    names.map(str::to_owned).collect()
}

fn status(name: &str) -> u16 {
    let all = (100..600).filter_map(|number| StatusCode::from_u16(number).ok());
    let is_named = |status: &StatusCode| {
        status.canonical_reason().is_some_and(|reason| reason.to_uppercase().replace(' ', "_") == name)
    };
    all.into_iter().find(is_named).unwrap_or_else(|| panic!("no status {name}")).as_u16()
}

/// Returns the codes that the sources state together with a status.
fn answers() -> BTreeMap<String, u16> {
    let source = source(ANSWERS);
    let pair = |line: &str| {
        let (name, code) = line.split_once("(StatusCode::")?.1.split_once(", \"")?;
        Some((code.split_once('"')?.0.to_owned(), status(name)))
    };
    source.lines().filter_map(pair).collect()
}

/// Returns the codes that have an entry, with the status stated there.
fn listed() -> BTreeMap<String, u16> {
    let codes = entries().into_iter().filter(|(heading, _)| heading.starts_with('`'));
    let stated = |(heading, text): (String, String)| {
        let status = text.trim_start().strip_prefix("HTTP status ").and_then(|text| text.get(..3)?.parse().ok());
        (heading.trim_matches('`').to_owned(), status.unwrap_or_else(|| panic!("{heading} has no status")))
    };
    codes.map(stated).collect()
}

/// Returns Twilio's error numbers in a text, each with five digits.
fn numbers(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.len() == 5 && word.bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned).collect()
}

#[test]
fn every_code_has_an_entry() {
    let named = CODES.into_iter().flat_map(named_by_arms).chain(answers().into_keys());
    assert_eq!(listed().into_keys().collect::<BTreeSet<_>>(), named.collect());
}

#[test]
fn entries_state_the_status_of_the_answer() {
    let listed = listed();
    for (code, status) in answers() {
        assert_eq!(listed.get(&code), Some(&status), "{code}");
    }
}

#[test]
fn every_error_number_of_twilio_has_an_entry() {
    let known: BTreeSet<String> = NUMBERS.into_iter().flat_map(|path| numbers(&source(path))).collect();
    let listed = entries().into_iter().flat_map(|(heading, _)| numbers(&heading));
    assert_eq!(listed.collect::<BTreeSet<_>>(), known);
}

#[test]
fn every_limit_of_the_store_has_a_row() {
    assert_eq!(cells("| limit | setting |"), named_by_arms(LIMITS));
}

#[test]
fn every_verdict_on_a_request_of_a_plugin_has_a_row() {
    assert_eq!(cells("| verdict | meaning | action |"), named_by_arms(VERDICTS));
}

#[test]
fn every_entry_names_a_cause_and_an_action() {
    for (heading, text) in entries() {
        let missing: Vec<&str> =
            ["- **Cause:**", "- **Action:**"].into_iter().filter(|part| !text.contains(part)).collect();
        assert!(missing.is_empty(), "{heading} has no {missing:?}");
    }
}
