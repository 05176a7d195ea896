//! `config.toml`: any text is loaded as a checked configuration or rejected with faults, and neither shows a secret.
//!
//! The first byte of an input selects how it is used (see [`run`]); the rest is TOML.

use std::fs;
use std::sync::LazyLock;

use frontgate_config::Config;
use tempfile::TempDir;

/// The content of the file that secret references name. No other text contains it.
const SECRET: &str = "c0rrect-horse-battery-staple";
/// A configuration with a reference to a secret in each place that takes one.
const COMPLETE: &str = include_str!("../seeds/config/complete.toml");

/// A folder with the files that configurations name.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a folder");
    fs::create_dir(folder.path().join("plugins")).expect("a folder");
    fs::write(folder.path().join("secret"), format!("{SECRET}\n")).expect("a file");
    folder
});

/// If the first byte is `#`, the text is the configuration. Any other first byte selects a secret reference of the
/// complete configuration, and a literal secret replaces it, as an operator may write by mistake.
pub fn run(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    // Operators may name devices and pipes, which never end.
    if text.contains("/dev") || text.contains("/proc") {
        return;
    }
    let text = match text.chars().next() {
        None | Some('#') => text.to_owned(),
        Some(first) => literal(u32::from(first) as usize, &text[first.len_utf8()..]),
    };
    let path = FOLDER.path().join("config.toml");
    fs::write(&path, text).expect("a file");
    let said = match Config::load(&path) {
        Ok(checked) => format!("{checked:?} {:?}", checked.warnings),
        Err(faults) => {
            assert!(!faults.0.is_empty(), "rejected without a fault");
            assert!(faults.0.iter().all(|fault| fault.place.starts_with(&*path.to_string_lossy())), "{faults}");
            format!("{faults} {faults:?}")
        }
    };
    assert!(!said.contains(SECRET), "a secret is shown: {said}");
    if let Err(faults) = Config::load_unchecked(&path) {
        assert!(!faults.to_string().contains(SECRET), "a secret is shown: {faults}");
    }
}

/// The complete configuration with a literal in place of one reference.
fn literal(count: usize, rest: &str) -> String {
    const REFERENCE: &str = "{ file = \"secret\" }";
    let places: Vec<usize> = COMPLETE.match_indices(REFERENCE).map(|(at, _)| at).collect();
    let at = places[count % places.len()];
    format!("{}\"{SECRET}{rest}{}", &COMPLETE[..at], &COMPLETE[at + REFERENCE.len()..])
}
