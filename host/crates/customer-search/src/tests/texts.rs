//! Tests of searched texts.

use crate::{NUMBERS_MAX, Spelling, TEXT_BYTES_MAX, searched_text};

fn name(name: &str) -> String {
    searched_text(Spelling::Plain, name, "", &[], &[]).text
}

#[test]
fn a_text_has_a_line_for_each_field() {
    let searched =
        searched_text(Spelling::Plain, "Maria Silva", "ACME", &["M.Silva@Example.com"], &["+55 (11) 98765-4321", "x"]);
    assert_eq!(searched.text, "maria silva\nacme\nm.silva@example.com\n5511987654321\n");
}

#[test]
fn another_script_has_a_second_spelling() {
    assert_eq!(name("王伟"), "王伟\nwang wei\n");
}

#[test]
fn a_second_spelling_has_the_different_words_only() {
    assert_eq!(name("Иван Smith"), "иван smith\nivan\n");
}

#[test]
fn an_accent_has_no_second_spelling() {
    assert_eq!(name("Müller"), "muller\n");
}

#[test]
fn german_spells_umlauts_in_two_ways() {
    let spelling = Spelling::of_locale("de-AT");
    assert_eq!(searched_text(spelling, "Jürgen MÜLLER", "", &[], &[]).text, "jurgen muller\njuergen mueller\n");
}

#[test]
fn german_finds_the_umlaut_in_two_characters() {
    assert_eq!(searched_text(Spelling::German, "Mu\u{308}ller", "", &[], &[]).text, "muller\nmueller\n");
}

#[test]
fn digits_of_other_scripts_are_digits() {
    assert_eq!(searched_text(Spelling::Plain, "", "", &[], &["+٢٠ ١٠"]).text, "2010\n");
}

#[test]
fn a_short_text_is_whole() {
    assert!(!searched_text(Spelling::Plain, "Maria", "", &[], &["1"; NUMBERS_MAX]).is_cut);
}

#[test]
fn a_long_text_is_cut_at_a_character() {
    let searched = searched_text(Spelling::Plain, &"ก".repeat(1_000), "", &[], &[]);
    assert!(searched.is_cut && searched.text.len() <= TEXT_BYTES_MAX, "{}", searched.text.len());
}

#[test]
fn numbers_are_beside_a_long_text() {
    let searched = searched_text(Spelling::Plain, &"a".repeat(1_000), "", &[], &["123"]);
    assert!(searched.text.ends_with("a\n123\n"));
}

#[test]
fn further_numbers_are_cut() {
    let searched = searched_text(Spelling::Plain, "", "", &[], &["1"; NUMBERS_MAX + 1]);
    assert_eq!((searched.text.lines().count(), searched.is_cut), (NUMBERS_MAX, true));
}

#[test]
fn a_long_number_is_cut() {
    let searched = searched_text(Spelling::Plain, "", "", &[], &[&"1".repeat(1_000)]);
    assert_eq!((searched.text.len(), searched.is_cut), (33, true));
}
