//! `config.toml`: any text is either loaded as a checked configuration or rejected. Neither result shows a secret.
//!
//! The first byte of an input selects how the input is used (see [`run`]); the rest is TOML.

use std::fs;
use std::sync::LazyLock;

use frontgate_config::Config;
use tempfile::TempDir;

/// Content of the file that secret references name. No other text contains it.
const SECRET: &str = "c0rrect-horse-battery-staple";
/// A configuration with a secret reference everywhere one is accepted.
const COMPLETE: &str = include_str!("../seeds/config/complete.toml");

/// A temporary folder with the files that configurations name.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a folder");
    fs::create_dir(folder.path().join("plugins")).expect("a folder");
    fs::write(folder.path().join("secret"), format!("{SECRET}\n")).expect("a file");
    folder
});

/// Asserts that loading never shows a secret. If the first byte is `#`, the text is the configuration. Any other first
/// byte selects a secret reference in the complete configuration. A literal secret replaces it, which is a possible
/// mistake of operators.
pub fn run(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    // Devices and pipes can be read forever, and operators are allowed to name them.
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

/// Returns the complete configuration with a literal secret in place of one reference.
fn literal(count: usize, rest: &str) -> String {
    const REFERENCE: &str = "{ file = \"secret\" }";
    let places: Vec<usize> = COMPLETE.match_indices(REFERENCE).map(|(at, _)| at).collect();
    let at = places[count % places.len()];
    format!("{}\"{SECRET}{rest}{}", &COMPLETE[..at], &COMPLETE[at + REFERENCE.len()..])
}
