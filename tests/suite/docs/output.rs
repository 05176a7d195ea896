//! Compares the output of commands with what a page shows.

/// The placeholder for any lines if alone on a line, and for any text within a line.
const ANYTHING: &str = "…";

/// Finds the expected lines in `written`, and returns the index after the last match. Expected lines without a line `…`
/// between them must be adjacent.
pub(super) fn find(expected: &str, written: &[String]) -> Option<usize> {
    let lines: Vec<&str> = expected.lines().map(str::trim_end).collect();
    let mut from = 0;
    for together in lines.split(|line| line.trim() == ANYTHING).filter(|together| !together.is_empty()) {
        let matches = |at: &usize| {
            let found = written[*at..].iter().zip(together);
            found.clone().count() == together.len()
                && found.into_iter().all(|(line, expected)| line_matches(expected, line))
        };
        from = (from..written.len()).find(matches)? + together.len();
    }
    Some(from)
}

fn line_matches(expected: &str, line: &str) -> bool {
    let line = line.trim_end();
    let mut parts = expected.split(ANYTHING);
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    true
}

#[test]
fn expected_output_is_found_in_written_lines() {
    let written = ["one", "two 2 b", "three", "four"].map(str::to_owned);
    for (expected, end) in [
        ("one", Some(1)),
        ("two … b\nthree", Some(3)),
        ("t…e", Some(3)),
        ("one\n…\nfour", Some(4)),
        ("…\nfour\n…", Some(4)),
        ("one\nthree", None),
        ("two", None),
        ("three\n…\nthree", None),
        ("four\nfive", None),
    ] {
        assert_eq!(find(expected, &written), end, "{expected}");
    }
}
