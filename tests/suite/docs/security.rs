//! Checks that SECURITY.md is complete: every finding has a row, and the tests named in a row exist.

use std::collections::BTreeMap;
use std::fs;

use frontgate_tests::root;

/// The number of findings of the security audit.
const FINDINGS: u32 = 33;

fn page() -> String {
    fs::read_to_string(root().join("SECURITY.md")).expect("the page")
}

/// Returns the table of findings: the cells of each row, by number of the finding.
fn rows() -> BTreeMap<u32, Vec<String>> {
    let page = page();
    let (_, table) = page.split_once("| finding | what it was |").expect("the table");
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = table.lines().skip(2).take_while(|line| line.starts_with('|')).map(cells).collect();
    let numbered = rows.into_iter().map(|row| (row[0].parse().expect("a number"), row));
    let mut by_number = BTreeMap::new();
    for (number, row) in numbered {
        assert_eq!(row.len(), 5, "finding {number}");
        assert!(by_number.insert(number, row).is_none(), "finding {number} has two rows");
    }
    by_number
}

/// Returns the texts in backticks.
fn named(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn has_test(path: &str) -> bool {
    let source = fs::read_to_string(root().join(path)).unwrap_or_default();
    source.lines().any(|line| line.trim() == "#[test]")
}

#[test]
fn every_file_named_on_the_page_exists() {
    let page = page();
    let sources = named(&page).into_iter().filter(|name| name.ends_with(".rs") || name.ends_with("deny.toml"));
    let missing: Vec<&str> = sources.filter(|name| !root().join(name).is_file()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_finding_has_a_row_with_a_status() {
    let rows = rows();
    assert_eq!(rows.keys().copied().collect::<Vec<_>>(), (1..=FINDINGS).collect::<Vec<_>>());
    for (number, row) in rows {
        assert!(matches!(row[2].as_str(), "closed" | "accepted" | "open"), "finding {number} is `{}`", row[2]);
    }
}

#[test]
fn a_closed_finding_names_a_file_with_tests() {
    for (number, row) in rows().into_iter().filter(|(_, row)| row[2] == "closed") {
        let proofs = named(&row[4]);
        let own = format!("tests/suite/security/finding_{number:02}.rs");
        assert!(proofs.contains(&own.as_str()), "finding {number} does not name {own}");
        assert!(proofs.iter().all(|path| has_test(path)), "finding {number}: no test in {proofs:?}");
    }
}

#[test]
fn every_test_of_a_finding_is_named_in_its_row() {
    for (number, row) in rows() {
        let path = format!("tests/suite/security/finding_{number:02}.rs");
        assert!(!has_test(&path) || named(&row[4]).contains(&path.as_str()), "finding {number} does not name {path}");
    }
}
