//! Tests of sort keys and of the version.

use crate::{KEY_BYTES_MAX, SortKeys, VERSION};

fn sorted(locale: &str, names: &[&str]) -> Vec<String> {
    let keys = SortKeys::new(locale).expect("a locale");
    let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    names.sort_by_key(|name| keys.key(name, ""));
    names
}

#[test]
fn a_ring_sorts_with_its_letter_by_the_root() {
    assert_eq!(sorted("", &["Zeller", "Åkesson", "Andersson"]), ["Åkesson", "Andersson", "Zeller"]);
}

#[test]
fn a_ring_sorts_last_in_swedish() {
    assert_eq!(sorted("sv", &["Zeller", "Åkesson", "Andersson"]), ["Andersson", "Zeller", "Åkesson"]);
}

#[test]
fn han_sorts_before_latin_in_chinese() {
    assert_eq!(sorted("zh", &["Smith", "王伟"]), ["王伟", "Smith"]);
}

#[test]
fn han_sorts_behind_latin_by_the_root() {
    assert_eq!(sorted("und", &["王伟", "Smith"]), ["Smith", "王伟"]);
}

#[test]
fn a_region_sorts_as_its_language() {
    assert_eq!(sorted("sv-FI", &["Zeller", "Åkesson"]), ["Zeller", "Åkesson"]);
}

#[test]
fn leading_space_and_punctuation_is_ignored() {
    let keys = SortKeys::new("").expect("the root");
    assert_eq!(keys.key(" \"(Maria) Silva", ""), keys.key("Maria) Silva", ""));
}

#[test]
fn an_empty_name_sorts_by_the_id() {
    let keys = SortKeys::new("").expect("the root");
    assert_eq!(keys.key(" - ", "c-17"), keys.key("c-17", ""));
}

#[test]
fn a_long_name_has_a_key_of_limited_bytes() {
    let keys = SortKeys::new("").expect("the root");
    assert_eq!(keys.key(&"王".repeat(1_000_000), "").as_bytes().len(), KEY_BYTES_MAX);
}

#[test]
fn a_text_that_is_no_tag_is_an_error() {
    let error = SortKeys::new("not a locale").expect_err("an error");
    assert!(error.to_string().starts_with("invalid locale \"not a locale\""), "{error}");
}

#[test]
fn a_key_does_not_print_its_bytes() {
    let key = SortKeys::new("").expect("the root").key("Maria", "");
    assert_eq!(format!("{key:?}"), format!("SortKey({} bytes)", key.as_bytes().len()));
}

/// A new version of these packages changes keys and texts that are stored: `VERSION` has to change with it.
#[test]
fn the_version_names_the_packages_of_the_lock_file() {
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../Cargo.lock");
    let lock = std::fs::read_to_string(lock).expect("Cargo.lock");
    let version = |package: &str| {
        let entry = lock.split(&format!("name = \"{package}\"\nversion = \"")).nth(1).expect("a package");
        entry.split('"').next().expect("a version").to_owned()
    };
    let named: Vec<(&str, &str)> = VERSION.split(", ").filter_map(|part| part.split_once(' ')).collect();
    assert_eq!(named.len(), 10, "{VERSION}");
    for (package, stated) in named.iter().filter(|(package, _)| *package != "rules") {
        assert_eq!(version(package), *stated, "{package}");
    }
}
