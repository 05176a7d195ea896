//! Tests of folding.

use proptest::prelude::*;

use crate::fold;

const PAIRS: &[(&str, &str)] = &[
    ("Gonçalves", "goncalves"),
    ("MÜLLER", "muller"),
    ("Mu\u{308}ller", "muller"),
    ("Straße", "strasse"),
    ("STRASSE", "strasse"),
    ("GROẞ", "gross"),
    ("Øresund Đukić Łódź", "oresund dukic lodz"),
    ("ǿ", "o"),
    ("Æsir Œuvre Ðór Þór", "aesir oeuvre dor thor"),
    ("Işık İstanbul", "isik istanbul"),
    ("Nguyễn Hồng", "nguyen hong"),
    ("O'Brien", "obrien"),
    ("O’Brien", "obrien"),
    ("O´Brien", "obrien"),
    ("O`Brien", "obrien"),
    ("Oʻahu", "oahu"),
    ("  two \t\u{a0}\u{3000} words\n", "two words"),
    ("a\u{0}b", "a b"),
    ("ACME, Inc. (EU)", "acme, inc. (eu)"),
    ("ＡＣＭＥ　１２", "acme 12"),
    ("ﬁne №1 ①", "fine no1 1"),
    ("Ἀθῆναι", "αθηναι"),
    ("ΟΔΥΣΣΕΎΣ", "οδυσσευσ"),
    ("Андрей ЁЖ", "андреи еж"),
    ("שָׁלוֹם", "שלום"),
    ("مُحَمَّد", "محمد"),
    ("أحمد", "احمد"),
    ("محمـــد", "محمد"),
    ("٠١٢٣ ۴۵ ९ ๙", "0123 45 9 9"),
    ("สมชาย", "สมชาย"),
    ("น้ำ", "น\u{e49}\u{e4d}า"),
    ("हिन्दी", "हिन्दी"),
    ("김민", "김민"),
    ("\u{1100}\u{1161}", "가"),
    ("さくら", "さくら"),
    ("ｶﾞ", "ガ"),
    ("か\u{3099}", "が"),
    ("王伟", "王伟"),
    ("❤\u{fe0f}", "❤"),
    ("Maria 🌟", "maria 🌟"),
    ("\u{200f}Ali\u{200b}ce\u{ad}", "alice"),
    ("", ""),
    (" ", ""),
    ("'", ""),
];

#[test]
fn texts_are_folded_as_listed() {
    for (text, folded) in PAIRS {
        assert_eq!(fold(text), *folded, "{text}");
    }
}

#[test]
fn folding_each_character_twice_changes_nothing() {
    for c in '\0'..=char::MAX {
        let folded = fold(&format!("x{c}y"));
        assert_eq!(fold(&folded), folded, "U+{:04X}", c as u32);
    }
}

#[test]
fn no_folded_character_has_a_line_break() {
    for c in '\0'..=char::MAX {
        assert!(!fold(&format!("x{c}y")).contains('\n'), "U+{:04X}", c as u32);
    }
}

/// Letters, marks and spaces that touch each other in the rules.
fn text() -> impl Strategy<Value = String> {
    let chars = prop::sample::select(
        "aAøßıİ ´'’\u{301}\u{308}\u{345}\u{34f}\u{338}\u{327}\u{200d}ก\u{e49}αΣ가\u{1161}か\u{3099}अ\u{94d}ب\u{64f}1٣=\n🌟"
            .chars()
            .collect::<Vec<_>>(),
    );
    prop_oneof![".{0,20}", prop::collection::vec(chars, 0..12).prop_map(String::from_iter)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn folding_twice_changes_nothing(text in text()) {
        let folded = fold(&text);
        prop_assert_eq!(fold(&folded), folded);
    }

    #[test]
    fn the_short_way_of_ascii_folds_as_the_long_one(text in "[ -~\t\n]{0,30}") {
        let long = format!("{} e", fold(&text));
        prop_assert_eq!(fold(&format!("{text} é")), long.trim_start());
    }
}
