//! Texts, templates and answers of providers, for the plugins that connect Front with one.

mod answer;
mod meanings;

pub use self::answer::{Unanswered, answered, parsed};
pub use self::meanings::Meanings;

/// Splits a text at words into pieces that are short enough. A blank text has no pieces.
pub fn split(text: &str, units_max: usize) -> Vec<&str> {
    let (mut pieces, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() {
        let piece = beginning(rest, units_max);
        pieces.push(piece.trim_end());
        rest = rest[piece.len()..].trim_start();
    }
    pieces
}

/// Returns the longest prefix that is short enough.
fn beginning(text: &str, units_max: usize) -> &str {
    let mut units = 0;
    let too_long = text.char_indices().find(|(_, letter)| {
        units += letter.len_utf16();
        units > units_max
    });
    let Some((end, letter)) = too_long else { return text };
    if letter.is_whitespace() {
        return &text[..end];
    }
    match text[..end].rfind(char::is_whitespace) {
        Some(space) if space > 0 => &text[..space],
        _ => &text[..end],
    }
}

/// Returns the keys of the variables in a template, such as `{{1}}`, in order.
pub fn keys(body: &str) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for part in body.split("{{").skip(1) {
        let Some((key, _)) = part.split_once("}}") else { continue };
        if !key.trim().is_empty() && !keys.iter().any(|known| known == key.trim()) {
            keys.push(key.trim().to_owned());
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_split_at_words() {
        let table: [(&str, &[&str]); 9] = [
            ("", &[]),
            (" \n ", &[]),
            ("ten letter", &["ten letter"]),
            (" ten letter ", &["ten letter"]),
            ("ten letters", &["ten", "letters"]),
            ("exactly10! more", &["exactly10!", "more"]),
            ("one two three\nfour", &["one two", "three\nfour"]),
            ("unbreakable word", &["unbreakabl", "e word"]),
            ("👋👋👋👋👋👋", &["👋👋👋👋👋", "👋"]),
        ];
        for (text, want) in table {
            assert_eq!(split(text, 10), want, "{text:?}");
        }
    }

    #[test]
    fn no_word_is_lost() {
        let words: Vec<_> = (0..700).map(|number| format!("word{number}")).collect();
        let text = words.join(" ");
        let pieces = split(&text, 1_600);
        assert!(pieces.len() > 2 && pieces.iter().all(|piece| piece.len() <= 1_600));
        assert!(pieces.join(" ") == text);
    }

    #[test]
    fn each_variable_of_a_template_has_one_key() {
        let table: [(&str, &[&str]); 4] = [
            ("Hi {{1}}, {{ who }} is here, {{1}}", &["1", "who"]),
            ("{{}} {{ }} {1}", &[]),
            ("Hi {{1", &[]),
            ("Hi", &[]),
        ];
        for (body, want) in table {
            assert_eq!(keys(body), want, "{body}");
        }
    }
}
