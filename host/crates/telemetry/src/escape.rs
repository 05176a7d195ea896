//! Escapes texts, so that a log line remains a single line without invisible characters, whatever its fields contain.
//!
//! Line breaks, control characters and bidirectional marks are escaped as in JSON.

use std::fmt::{self, Write};

/// Returns whether a character is a control character, a line break or a bidirectional mark.
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// Appends a text to a line. Between quotes, quotes and backslashes are escaped too.
pub(super) fn push_escaped(line: &mut String, text: &str, quoted: bool) {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !(quoted && matches!(byte, b'"' | b'\\'));
    if text.bytes().all(is_plain) {
        line.push_str(text);
        return;
    }
    for character in text.chars() {
        match character {
            '"' | '\\' if quoted => line.extend(['\\', character]),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            _ if is_invisible(character) => {
                // Writing to a string cannot fail. All invisible characters are below 0x10000: four digits suffice.
                let _ = write!(line, "\\u{:04x}", u32::from(character));
            }
            _ => line.push(character),
        }
    }
}

/// Escapes what is written to a line.
pub(super) struct Escaped<'l> {
    pub(super) line: &'l mut String,
    /// Whether the text is between quotes.
    pub(super) quoted: bool,
}

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_escaped(self.line, text, self.quoted);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(text: &str, quoted: bool) -> String {
        let mut line = String::new();
        push_escaped(&mut line, text, quoted);
        line
    }

    #[test]
    fn plain_texts_are_unchanged() {
        for text in ["callback crm answered", "a \"b\" \\", "Zoë ☕", ""] {
            assert_eq!(escaped(text, false), text);
        }
    }

    #[test]
    fn quotes_and_backslashes_are_escaped_between_quotes() {
        assert_eq!(escaped("a \"b\" \\", true), "a \\\"b\\\" \\\\");
    }

    #[test]
    fn line_breaks_are_escaped() {
        assert_eq!(escaped("a\nb\r\u{85}c\u{2028}d", false), "a\\nb\\r\\u0085c\\u2028d");
    }

    #[test]
    fn terminal_controls_and_bidirectional_marks_are_escaped() {
        assert_eq!(escaped("\u{1b}[31m\u{9b}1m\u{202e}x\u{2066}y", false), "\\u001b[31m\\u009b1m\\u202ex\\u2066y");
    }

    proptest! {
        #[test]
        fn no_invisible_character_is_left(text in ".*", quoted: bool) {
            prop_assert!(!escaped(&text, quoted).contains(is_invisible));
        }

        #[test]
        fn a_text_between_quotes_is_a_string_of_json(text in any::<String>()) {
            let json = format!("\"{}\"", escaped(&text, true));
            prop_assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
        }
    }
}
