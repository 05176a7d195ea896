//! Escapes a log line so that it remains a single line without invisible characters, whatever its fields contain.
//!
//! Line breaks, control characters and bidirectional marks are escaped as in JSON, so that a log line in JSON keeps its
//! meaning.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The character that starts a colour code.
const ESCAPE: char = '\u{1b}';

/// Returns whether a character is a control character, a line break or a bidirectional mark.
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// Escapes a line, except its final line break. With `coloured`, escape characters are kept: they start colour codes of
/// the formatter, which has already escaped all others.
pub(super) fn one_line(line: &[u8], coloured: bool) -> Cow<'_, [u8]> {
    let (text, end) = match line.split_last() {
        Some((b'\n', text)) => (text, "\n"),
        _ => (line, ""),
    };
    if text.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(line);
    }
    let text = String::from_utf8_lossy(text);
    if !text.contains(is_invisible) {
        return Cow::Borrowed(line);
    }
    let mut escaped = String::with_capacity(line.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            ESCAPE if coloured => escaped.push(ESCAPE),
            _ if is_invisible(character) => {
                // Writing to a string cannot fail. All invisible characters are below 0x10000: four digits suffice.
                let _ = write!(escaped, "\\u{:04x}", u32::from(character));
            }
            _ => escaped.push(character),
        }
    }
    escaped.push_str(end);
    Cow::Owned(escaped.into_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn made(line: &str) -> String {
        String::from_utf8(one_line(line.as_bytes(), false).into_owned()).expect("text")
    }

    #[test]
    fn plain_lines_are_unchanged() {
        for line in ["callback crm answered\n", "Zoë ☕\n", "\n", ""] {
            assert_eq!(made(line), line);
        }
    }

    #[test]
    fn line_breaks_are_escaped() {
        assert_eq!(made("a\nb\r\u{85}c\u{2028}d\n"), "a\\nb\\r\\u0085c\\u2028d\n");
    }

    #[test]
    fn terminal_controls_and_bidirectional_marks_are_escaped() {
        assert_eq!(made("\u{1b}[31m\u{9b}1m\u{202e}x\u{2066}y"), "\\u001b[31m\\u009b1m\\u202ex\\u2066y");
    }

    #[test]
    fn colours_of_the_formatter_are_kept() {
        assert_eq!(one_line(b"\x1b[31ma\n", true).as_ref(), b"\x1b[31ma\n");
        assert_eq!(one_line(b"\x1b[31ma\nb\n", true).as_ref(), b"\x1b[31ma\\nb\n");
    }

    #[test]
    fn a_line_of_json_keeps_its_meaning() {
        let text = "a\u{85}\u{2029}\u{200f}b";
        let line = serde_json::json!({ "message": text }).to_string();
        let escaped: serde_json::Value = serde_json::from_str(&made(&line)).expect("JSON");
        assert_eq!(escaped["message"], text);
    }

    proptest! {
        #[test]
        fn no_invisible_character_is_left(line in ".*") {
            prop_assert!(!made(&line).trim_end_matches('\n').contains(is_invisible));
        }
    }
}
