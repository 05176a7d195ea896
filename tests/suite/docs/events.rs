//! Checks that each event in the sources has a row in `docs/operate/events.md` with its level, and vice versa.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use frontgate_tests::root;

use crate::architecture;

const PAGE: &str = "docs/operate/events.md";

/// Names of the log macros for the levels that a gateway shows by default.
const LEVELS: [&str; 3] = ["info", "warn", "error"];

/// Returns the log calls in the sources, each with its location, level and event.
fn lines() -> Vec<(String, &'static str, Option<String>)> {
    let mut found = Vec::new();
    for (path, text) in architecture::host().into_iter().filter(|(path, _)| !path.ends_with("tests.rs")) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for level in LEVELS {
            // This macro writes the log lines of requests; it has level and event as arguments.
            let calls = code.match_indices("log_line!(").filter_map(|(at, name)| {
                let event = code[at + name.len()..].trim_start().strip_prefix(level)?.strip_prefix(", \"")?;
                Some((place(&path, code, at), level, event.split('"').next().map(str::to_owned)))
            });
            found.extend(calls);
            let call = format!("{level}!(");
            for (at, _) in code.match_indices(&call) {
                let is_whole = !code[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
                let is_code = !code[..at].rsplit('\n').next().unwrap_or_default().contains("//");
                if !is_whole || !is_code {
                    continue;
                }
                let arguments = code[at + call.len()..].split(';').next().unwrap_or_default();
                // Log lines of plugins have their own target and no event.
                if arguments.trim_start().starts_with("target: \"plugin\"") && !arguments.contains("event = ") {
                    continue;
                }
                let place = place(&path, code, at);
                let literal = arguments.split_once("event = \"").and_then(|(_, rest)| rest.split('"').next());
                let chosen = arguments.trim_start().starts_with("event,").then(|| chosen(&code[..at]));
                match (literal, chosen) {
                    (None, Some(events)) => {
                        found.extend(events.into_iter().map(|event| (place.clone(), level, Some(event))))
                    }
                    (literal, _) => found.push((place, level, literal.map(str::to_owned))),
                }
            }
        }
    }
    found
}

fn place(path: &Path, code: &str, at: usize) -> String {
    format!("{}:{}", path.display(), code[..at].lines().count())
}

/// Returns the events in the arms of the last `let event = match` in the source.
fn chosen(code: &str) -> Vec<String> {
    let choice =
        code.rsplit("let event = match").next().unwrap_or_default().split("\n    };").next().unwrap_or_default();
    let arms = choice.lines().filter_map(|line| line.split_once("=> \"")?.1.strip_suffix("\","));
    arms.map(str::to_owned).collect()
}

/// Returns the events on the page, with their levels.
fn listed() -> BTreeMap<String, BTreeSet<String>> {
    let page = fs::read_to_string(root().join(PAGE)).unwrap_or_else(|error| panic!("{PAGE}: {error}"));
    let cells = |row: &str| -> Option<(String, BTreeSet<String>)> {
        let mut cells = row.strip_prefix("| `")?.split(" | ");
        let event = cells.next()?.trim_end_matches('`').to_owned();
        Some((event, cells.next()?.split(", ").map(str::to_owned).collect()))
    };
    page.lines().filter_map(cells).collect()
}

#[test]
fn every_log_line_names_its_event() {
    let without: Vec<String> = lines().into_iter().filter(|(.., event)| event.is_none()).map(|(at, ..)| at).collect();
    assert!(without.is_empty(), "without `event = \"...\"`: {without:#?}");
}

#[test]
fn every_event_has_a_row_with_its_levels() {
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, level, event) in lines() {
        used.entry(event.unwrap_or_default()).or_default().insert(level.to_owned());
    }
    assert_eq!(used, listed(), "the sources, and {PAGE}");
}

#[test]
fn events_are_named_by_area_and_past_tense() {
    for event in listed().keys() {
        let (area, name) = event.split_once('.').unwrap_or_else(|| panic!("{event} has no area"));
        let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(is_plain(area) && is_plain(name), "{event}");
    }
}
