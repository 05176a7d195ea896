//! Tests of what a query finds.

use super::model;
use crate::{Audience, Index, Query, Row, SEARCH_BUDGET_BYTES, SortKey, Spelling, searched_text};

fn finds_text(query: &str, text: &str) -> bool {
    let row = Row { n: 1, key: &SortKey::from_bytes(b"k"), text, audiences: &[Audience(1)] };
    let index = Index::build([row]);
    let page = index.search(&[Audience(1)], &Query::parse(query), None, 10, SEARCH_BUDGET_BYTES);
    let found = !page.rows.is_empty();
    assert_eq!(model::matches(query, text), found, "the model of {query:?} in {text:?}");
    found
}

fn finds(query: &str, name: &str) -> bool {
    finds_text(query, &searched_text(Spelling::Plain, name, "", &[], &["+49 30 901820"]).text)
}

#[test]
fn queries_find_as_listed() {
    for (query, name, is_found) in [
        ("goncalves", "Gonçalves", true),
        ("GONÇALVES", "Goncalves", true),
        ("alves", "Gonçalves", true),
        ("silva maria", "Maria Silva", true),
        ("maria santos", "Maria Silva", false),
        ("m", "Maria", true),
        ("a", "Maria", false),
        ("si", "Maria Silva", true),
        ("il", "Maria Silva", false),
        ("b", "a-b", true),
        ("b", "aéb", false),
        ("伟", "王伟", true),
        ("wang wei", "王伟", true),
        ("wei", "王伟", true),
        ("王", "Wang", false),
        ("ชา", "สมชาย", true),
        ("ช", "สมชาย", true),
        ("ー", "サッカー", true),
        ("민", "김민", false),
        ("김", "김민", true),
        ("🌟", "Maria🌟", true),
        ("+", "a+b", true),
        ("-", "a-b", false),
        ("-", "a -b", true),
        ("--", "a---", true),
        ("901", "x", true),
        ("30/90-18 20", "x", true),
        ("+49 (0)30 901820", "x", true),
        ("0049 30 901820", "x", true),
        ("030 901820", "x", true),
        ("000", "x", false),
        ("4711", "4711 Cologne", true),
        ("47 11", "4711 Cologne", false),
        ("4711", "Maria", false),
        ("90", "x", false),
        ("49", "x", true),
        ("", "Maria", false),
        (" ' ", "Maria", false),
        ("maria maria mari", "Maria", true),
    ] {
        assert_eq!(finds(query, name), is_found, "{query:?} in {name:?}");
    }
}

#[test]
fn digits_with_spaces_match_numbers_only() {
    assert!(!finds_text("47 (11)", "x4711@example.com\n"));
}

#[test]
fn a_word_matches_within_one_field_only() {
    assert!(!finds_text("silvaacme", "silva\nacme\n"));
}

#[test]
fn a_text_without_a_line_break_does_not_run_into_the_next_row() {
    let key = SortKey::from_bytes(b"k");
    let rows = [(1, "sil"), (2, "va")].map(|(n, text)| Row { n, key: &key, text, audiences: &[Audience(1)] });
    let page = Index::build(rows).search(&[Audience(1)], &Query::parse("silva"), None, 10, SEARCH_BUDGET_BYTES);
    assert_eq!(page.rows, []);
}

#[test]
fn words_beyond_the_limit_are_ignored() {
    assert!(finds("aa bb cc dd ee ff gg hh zz", "aa bb cc dd ee ff gg hh"));
}

#[test]
fn characters_beyond_the_limit_are_ignored() {
    let name = "x".repeat(200);
    assert!(finds(&format!("{name}y"), &name));
}

#[test]
fn a_query_of_megabytes_is_cut() {
    assert!(!finds(&"\u{301}王".repeat(1_000_000), "王"));
}

#[test]
fn an_empty_query_is_known_as_one() {
    assert!(Query::parse(" \n ").is_empty());
}

#[test]
fn a_query_does_not_print_its_words() {
    assert!(!format!("{:?}", Query::parse("maria")).contains("maria"));
}
