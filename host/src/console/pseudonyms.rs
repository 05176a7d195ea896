//! Replaces personal data in a recorded call, the same value by the same pseudonym everywhere.
//!
//! Numbers and addresses are replaced in every text. Words are replaced if they occur in a text that may be a name or a
//! message. A single word in lower case, such as `whatsapp`, is a word of an API, unless its key says that it is a text.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// Digits in a row from which a text is a number.
const DIGITS_MIN: usize = 7;

/// Keys of texts that people write, besides those that end with `name`.
const TEXT_KEYS: [&str; 13] = [
    "address",
    "body",
    "city",
    "company",
    "content",
    "description",
    "details",
    "html",
    "message",
    "note",
    "plain",
    "subject",
    "text",
];

/// Words that replace others.
const WORDS: [&str; 16] = [
    "alder", "birch", "cedar", "dogwood", "elm", "fir", "ginkgo", "hazel", "ivy", "juniper", "katsura", "larch",
    "maple", "nutmeg", "oak", "pine",
];

/// Pseudonyms of one case.
#[derive(Debug, Default)]
pub(super) struct Pseudonyms {
    /// Digits, without a plus sign.
    numbers: BTreeMap<String, String>,
    emails: BTreeMap<String, String>,
    /// Words in lower case.
    words: BTreeMap<String, String>,
}

impl Pseudonyms {
    /// Learns the numbers, addresses and words in a value. `key` is the name of the field that has it.
    pub(super) fn learn(&mut self, key: &str, value: &Value) {
        self.learn_addresses(value);
        for_each_text(key, value, &mut |key, text| self.learn_words(key, text));
    }

    /// Learns the numbers and addresses in a value.
    pub(super) fn learn_addresses(&mut self, value: &Value) {
        for_each_text("", value, &mut |_, text| self.learn_addresses_in(text));
    }

    fn learn_addresses_in(&mut self, text: &str) {
        for piece in pieces(text) {
            match piece {
                Piece::Email(email) => {
                    let next = self.emails.len() + 1;
                    self.emails.entry(email.to_owned()).or_insert_with(|| format!("person{next}@example.org"));
                }
                Piece::Number { digits, has_plus } => {
                    let next = self.numbers.len();
                    let entry = self.numbers.entry(digits.to_owned());
                    let pseudonym = || match has_plus {
                        true => format!("12025550{:03}", 100 + next),
                        false => format!("9{next:0width$}", width = digits.len() - 1),
                    };
                    entry.or_insert_with(pseudonym);
                }
                Piece::Word(_) | Piece::Other(_) => {}
            }
        }
    }

    fn learn_words(&mut self, key: &str, text: &str) {
        if is_harmless(key, text) {
            return;
        }
        for piece in pieces(text) {
            if let Piece::Word(word) = piece {
                let next = self.words.len();
                self.words.entry(word.to_lowercase()).or_insert_with(|| match next / WORDS.len() {
                    0 => WORDS[next].to_owned(),
                    round => format!("{}{}", WORDS[next % WORDS.len()], round + 1),
                });
            }
        }
    }

    /// Returns a value with its personal data replaced.
    pub(super) fn value(&self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (name.clone(), self.value(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::String(text) => self.text(text).into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// Returns a text with its personal data replaced.
    pub(super) fn text(&self, text: &str) -> String {
        let mut replaced = String::with_capacity(text.len());
        for piece in pieces(text) {
            match piece {
                Piece::Email(email) => replaced.push_str(self.emails.get(email).map_or(email, String::as_str)),
                Piece::Number { digits, has_plus } => {
                    if has_plus {
                        replaced.push('+');
                    }
                    replaced.push_str(self.numbers.get(digits).map_or(digits, String::as_str));
                }
                Piece::Word(word) => match self.words.get(&word.to_lowercase()) {
                    Some(pseudonym) => replaced.push_str(&in_case_of(word, pseudonym)),
                    None => replaced.push_str(word),
                },
                Piece::Other(other) => replaced.push_str(other),
            }
        }
        replaced
    }

    /// Returns a URL with its personal data replaced, as it is encoded there.
    pub(super) fn url(&self, url: &str) -> String {
        let (site, rest) = match url.find("://").and_then(|scheme| Some(scheme + 3 + url[scheme + 3..].find('/')?)) {
            Some(end) => url.split_at(end),
            None => (url, ""),
        };
        let mut rest = rest.to_owned();
        let all = self.emails.iter().chain(&self.numbers);
        for (original, pseudonym) in all {
            rest = rest.replace(original, pseudonym);
            rest = rest.replace(&encoded(original), &encoded(pseudonym));
        }
        // Words are replaced between the signs that separate values, and the signs that encode a space.
        let mut replaced = String::with_capacity(rest.len());
        for part in rest.split_inclusive(['/', '?', '&', '=', '+', ',', ':', ';']) {
            let (value, end) = match part.char_indices().next_back() {
                Some((index, sign)) if !sign.is_alphanumeric() && sign != '%' => part.split_at(index),
                _ => (part, ""),
            };
            let words: Vec<String> = value.split("%20").map(|word| self.encoded_word(word)).collect();
            replaced.push_str(&words.join("%20"));
            replaced.push_str(end);
        }
        format!("{site}{replaced}")
    }

    fn encoded_word(&self, word: &str) -> String {
        let decoded = percent_encoding::percent_decode_str(word).decode_utf8_lossy();
        match self.words.get(&decoded.to_lowercase()) {
            Some(pseudonym) => in_case_of(&decoded, pseudonym),
            None => word.to_owned(),
        }
    }
}

/// Visits all texts in a value, each with the name of its field.
fn for_each_text(key: &str, value: &Value, visit: &mut impl FnMut(&str, &str)) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| for_each_text(name, value, visit)),
        Value::Array(items) => items.iter().for_each(|item| for_each_text(key, item, visit)),
        Value::String(text) => visit(key, text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Returns a word in the letters of another: `Alder` for `Ana`.
fn in_case_of(word: &str, pseudonym: &str) -> String {
    let mut letters = word.chars();
    match (letters.next().is_some_and(char::is_uppercase), letters.next().is_some_and(char::is_uppercase)) {
        (true, true) => pseudonym.to_uppercase(),
        (true, false) => pseudonym[..1].to_uppercase() + &pseudonym[1..],
        (false, _) => pseudonym.to_owned(),
    }
}

/// Returns whether a text is a word of an API, an id, a time or a URL.
fn is_harmless(key: &str, text: &str) -> bool {
    if text.contains("://") {
        return true;
    }
    let key = key.to_ascii_lowercase();
    let is_text = key.ends_with("name") || TEXT_KEYS.contains(&key.as_str());
    let is_identifier = text.chars().all(|letter| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '_' | '-' | '.' | ':' | '@' | '+')
    });
    let has_digit = text.chars().any(|letter| letter.is_ascii_digit());
    let is_id = has_digit && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.:+".contains(letter));
    !is_text && (is_identifier || is_id)
}

/// A part of a text.
enum Piece<'t> {
    Email(&'t str),
    Number { digits: &'t str, has_plus: bool },
    Word(&'t str),
    Other(&'t str),
}

/// Splits a text. The pieces together are the text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = |is_part: fn(char) -> bool| rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        let address = length(|letter| letter.is_alphanumeric() || "._%+-@".contains(letter));
        let is_email =
            rest[..address].split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
        if is_email && !matches!(first, '+' | '.' | '%' | '-' | '@') {
            // A full stop after an address is not part of it.
            let email = rest[..address].trim_end_matches(['.', '-']);
            found.push(Piece::Email(email));
            rest = &rest[email.len()..];
            continue;
        }
        let word = length(char::is_alphanumeric);
        let (plus, digits) = match rest.strip_prefix('+') {
            Some(after) => (1, after.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(after.len())),
            None => (0, if rest[..word].bytes().all(|byte| byte.is_ascii_digit()) { word } else { 0 }),
        };
        if digits >= DIGITS_MIN {
            found.push(Piece::Number { digits: &rest[plus..plus + digits], has_plus: plus == 1 });
            rest = &rest[plus + digits..];
        } else if word > 0 {
            let text = &rest[..word];
            found.push(if text.chars().any(char::is_alphabetic) { Piece::Word(text) } else { Piece::Other(text) });
            rest = &rest[word..];
        } else {
            found.push(Piece::Other(&rest[..first.len_utf8()]));
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_has_the_same_pseudonym_everywhere() {
        let mut all = Pseudonyms::default();
        let answer =
            json!({ "firstname": "Ana", "lastname": "Costa", "phone": "+12025550177", "email": "ana@corp.example" });
        all.learn("", &answer);
        assert_eq!(
            all.value(
                &json!({ "display-name": "Ana Costa", "channels": [{ "kind": "sms", "value": "+12025550177" }] })
            ),
            json!({ "display-name": "Alder Birch", "channels": [{ "kind": "sms", "value": "+12025550100" }] })
        );
        assert_eq!(
            all.url("https://crm.example/find?phone=%2B12025550177&q=Ana%20Costa&mail=ana%40corp%2Eexample"),
            "https://crm.example/find?phone=%2B12025550100&q=Alder%20Birch&mail=person1%40example%2Eorg"
        );
    }

    #[test]
    fn words_of_an_api_stay() {
        let mut all = Pseudonyms::default();
        let value = json!({ "kind": "whatsapp", "id": "a1b2", "time": "2026-11-30T10:00:00Z", "body": "whatsapp" });
        all.learn("", &value["kind"]);
        all.learn("", &value["id"]);
        all.learn("", &value["time"]);
        assert_eq!(all.value(&value), value);
        all.learn("body", &value["body"]);
        assert_eq!(all.text("whatsapp"), "alder");
    }

    #[test]
    fn pieces_are_the_whole_text() {
        for text in ["", "Ana, +12025550177 (ana@corp.example).", "äöü 1234567 x@y + @", "a+b%40c 12345678901"] {
            let whole: String = pieces(text)
                .iter()
                .map(|piece| match piece {
                    Piece::Email(part) | Piece::Word(part) | Piece::Other(part) => (*part).to_owned(),
                    Piece::Number { digits, has_plus } => format!("{}{digits}", if *has_plus { "+" } else { "" }),
                })
                .collect();
            assert_eq!(whole, text);
        }
    }
}
