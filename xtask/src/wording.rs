//! Rejects phrases that CONTRIBUTING.md bans, in every text file under version control.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::tools::root;

/// Banned phrases; CONTRIBUTING.md lists their replacements. A final `*` matches any ending of the word, a final `.`
/// the end of a clause.
const BANNED: [&str; 17] = [
    "is none",
    "becomes of",
    "became of",
    "is told",
    "counts as",
    "no more.",
    "any more",
    "nobody",
    "somebody",
    "mend*",
    "in vain",
    "stands in for",
    "worked off",
    "put in order",
    "goes on",
    "of its own accord",
    "whom",
];

/// Accepted texts that begin like a banned phrase.
const ACCEPTED: [&str; 2] = ["any more than", "nobody@"];

/// Path prefixes, each with a banned phrase that is accepted there; `*` means every phrase.
const EXEMPT: [(&str, &str); 18] = [
    ("CONTRIBUTING.md", "*"),
    ("xtask/src/wording.rs", "*"),
    ("LICENSE", "*"),
    ("fuzz/seeds/", "*"),
    ("simulators/openapi/", "*"),
    ("tests/fixtures/", "*"),
    ("wit/deps/", "*"),
    ("wit/released/", "*"),
    // The phrase is part of data.
    ("examples/", "nobody"),
    ("host/starters/", "nobody"),
    ("plugins/", "nobody"),
    ("simulators/src/crm/", "nobody"),
    ("tests/", "nobody"),
    // Python code uses `is None`.
    ("host/starters/python/", "is none"),
    ("examples/python/", "is none"),
    ("examples/reception/", "is none"),
    // These texts are for customers.
    ("data/templates/templates.toml", "any more"),
    ("data/templates/templates.toml", "whom"),
];

/// Checks all text files. The error lists the position of every banned phrase.
pub(crate) fn check() -> Result<()> {
    println!("\n$ banned phrases");
    let listed =
        Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().context("failed to run git")?;
    if !listed.status.success() {
        bail!("failed to list files: {}", String::from_utf8_lossy(&listed.stderr).trim());
    }
    let listed = String::from_utf8(listed.stdout).context("a file name is not UTF-8")?;
    let mut found = 0;
    for path in listed.split_terminator('\0') {
        // Deleted files, links to folders and binary files contain no text to check.
        let Ok(text) = fs::read_to_string(root().join(path)) else { continue };
        for (line, phrase) in banned(&text).into_iter().filter(|(_, phrase)| !is_exempt(path, phrase)) {
            println!("{path}:{line}: \"{phrase}\"");
            found += 1;
        }
    }
    if found > 0 {
        bail!("{found} banned phrases; CONTRIBUTING.md explains the rule");
    }
    Ok(())
}

fn is_exempt(path: &str, phrase: &str) -> bool {
    EXEMPT.iter().any(|(beginning, exempt)| path.starts_with(beginning) && (*exempt == "*" || *exempt == phrase))
}

/// Returns line number and phrase of each banned phrase, including phrases that continue on the next line.
fn banned(text: &str) -> Vec<(usize, &'static str)> {
    let lines: Vec<String> = text.lines().map(|line| format!("{} ", words(line))).collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let both = format!("{line}{}", lines.get(index + 1).map_or("", String::as_str));
        let lower = both.to_ascii_lowercase();
        for phrase in BANNED {
            let places = lower.match_indices(phrase.trim_end_matches(['*', '.'])).map(|(start, _)| start);
            let here = places.filter(|start| *start < line.len() && is_banned(&both, &lower, *start, phrase));
            found.extend(here.map(|_| (index + 1, phrase)));
        }
    }
    found
}

/// Returns the words of a line, without leading comment, quotation or list marks.
fn words(line: &str) -> &str {
    line.trim_start_matches(|mark: char| mark.is_whitespace() || "/!#*>-|".contains(mark)).trim_end()
}

/// Returns whether the match consists of whole words, is not a constant, and is not part of an accepted phrase.
fn is_banned(text: &str, lower: &str, start: usize, phrase: &str) -> bool {
    let end = start + phrase.trim_end_matches(['*', '.']).len();
    let is_word = |next: Option<char>| next.is_some_and(|next| next.is_alphanumeric() || next == '_');
    let next = text[end..].chars().next();
    let ends = match phrase.chars().next_back() {
        Some('*') => true,
        Some('.') => next.is_some_and(|next| next.is_ascii_punctuation()),
        _ => !is_word(next),
    };
    let is_constant = text[start..end].chars().all(|c| c.is_ascii_uppercase());
    let is_existence = lower[..start].ends_with("there ");
    let is_accepted = is_existence || ACCEPTED.iter().any(|accepted| lower[start..].starts_with(accepted));
    ends && !is_word(text[..start].chars().next_back()) && !is_constant && !is_accepted
}

#[cfg(test)]
mod tests {
    use super::banned;

    #[test]
    fn a_phrase_is_found_in_any_case_and_with_its_endings() {
        assert_eq!(banned("fine\n/// Nobody mended it"), [(2, "nobody"), (2, "mend*")]);
    }

    #[test]
    fn a_phrase_is_found_across_a_line_break() {
        assert_eq!(banned("//! until it is\n//! told so"), [(1, "is told")]);
    }

    #[test]
    fn a_quantity_is_no_clause_that_ends() {
        assert_eq!(banned("no more than two, no more rows; it runs no more."), [(1, "no more.")]);
    }

    #[test]
    fn parts_of_words_and_of_code_pass() {
        assert_eq!(banned("recommend; x.is_none(); from_raw(NOBODY); nobody@example.org; vain"), []);
    }
}
