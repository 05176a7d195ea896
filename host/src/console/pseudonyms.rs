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

    /// Learns the numbers and addresses in the path and the query of a URL.
    pub(super) fn learn_url(&mut self, url: &str) {
        for value in url_values(split_url(url).1) {
            self.learn_addresses_in(&decoded(value));
        }
    }

    fn learn_addresses_in(&mut self, text: &str) {
        for piece in pieces(text) {
            match piece {
                Piece::Email(email) => {
                    let next = self.emails.len() + 1;
                    self.emails.entry(email.to_owned()).or_insert_with(|| format!("person{next}@example.org"));
                }
                Piece::Number(number) => self.learn_number(number),
                Piece::Word(_) | Piece::Other(_) => {}
            }
        }
    }

    fn learn_number(&mut self, number: &str) {
        let digits = digits(number);
        if self.numbers.contains_key(&digits) {
            return;
        }
        let next = self.numbers.len();
        // A national form has the last digits of the international one.
        let longer = self.numbers.iter().find(|(other, _)| other.ends_with(&digits));
        let pseudonym = match longer {
            Some((_, longer)) => longer[longer.len().saturating_sub(digits.len())..].to_owned(),
            None if number.starts_with('+') => format!("12025550{:03}", 100 + next),
            None => format!("9{next:0width$}", width = digits.len() - 1),
        };
        self.numbers.insert(digits, pseudonym);
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

    /// Returns whether a number or an address is still in a text.
    pub(super) fn remain_in(&self, text: &str) -> bool {
        let replaced = |original: &String, pseudonym: &String| original != pseudonym && text.contains(&**original);
        self.numbers.iter().chain(&self.emails).any(|(original, pseudonym)| replaced(original, pseudonym))
    }

    /// Returns a value with its personal data replaced.
    pub(super) fn value(&self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let replaced = fields.iter().map(|(name, value)| (self.text_of_key(name), self.value(value)));
                replaced.collect::<serde_json::Map<_, _>>().into()
            }
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::String(text) => self.text(text).into(),
            Value::Number(number) => {
                let known = self.numbers.get(&number.to_string());
                known.and_then(|known| known.parse::<u64>().ok()).map_or_else(|| value.clone(), Value::from)
            }
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }

    /// Returns the name of a field. Only a name with a number or an address is not a word of an API.
    fn text_of_key(&self, name: &str) -> String {
        let is_personal = |piece: &Piece<'_>| matches!(piece, Piece::Email(_) | Piece::Number(_));
        if pieces(name).iter().any(is_personal) { self.text(name) } else { name.to_owned() }
    }

    /// Returns a text with its personal data replaced.
    pub(super) fn text(&self, text: &str) -> String {
        let mut replaced = String::with_capacity(text.len());
        for piece in pieces(text) {
            match piece {
                Piece::Email(email) => replaced.push_str(self.emails.get(email).map_or(email, String::as_str)),
                Piece::Number(number) => match self.numbers.get(&digits(number)) {
                    Some(pseudonym) => replaced.push_str(&in_form_of(number, pseudonym)),
                    None => replaced.push_str(number),
                },
                Piece::Word(word) => match self.words.get(&word.to_lowercase()) {
                    Some(pseudonym) => replaced.push_str(&in_case_of(word, pseudonym)),
                    None => replaced.push_str(word),
                },
                Piece::Other(other) => replaced.push_str(other),
            }
        }
        replaced
    }

    /// Returns a URL with its personal data replaced. What is replaced is encoded anew.
    pub(super) fn url(&self, url: &str) -> String {
        let (site, mut rest) = split_url(url);
        let mut replaced = site.to_owned();
        for value in url_values(rest) {
            let plain = decoded(value);
            match self.text(&plain) {
                same if same == plain => replaced.push_str(value),
                other => replaced.push_str(&utf8_percent_encode(&other, NON_ALPHANUMERIC).to_string()),
            }
            rest = &rest[value.len()..];
            let sign = rest.chars().next();
            replaced.extend(sign);
            rest = &rest[sign.map_or(0, char::len_utf8)..];
        }
        replaced
    }
}

/// Splits a URL into scheme and host, and the rest.
fn split_url(url: &str) -> (&str, &str) {
    let end = url.find("://").and_then(|scheme| Some(scheme + 3 + url[scheme + 3..].find('/')?));
    end.map_or((url, ""), |end| url.split_at(end))
}

/// Returns the values in the path and the query of a URL, between the signs that separate them.
fn url_values(rest: &str) -> impl Iterator<Item = &str> {
    rest.split(['/', '?', '&', '=', '+', ',', ';'])
}

fn decoded(text: &str) -> std::borrow::Cow<'_, str> {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy()
}

fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

/// Returns a pseudonym with the signs between the digits of a number, if both have as many digits.
fn in_form_of(number: &str, pseudonym: &str) -> String {
    if digits(number).len() != pseudonym.len() {
        return if number.starts_with('+') { format!("+{pseudonym}") } else { pseudonym.to_owned() };
    }
    let mut next = pseudonym.chars();
    number.chars().map(|sign| if sign.is_ascii_digit() { next.next().unwrap_or(sign) } else { sign }).collect()
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
    let key = key.to_ascii_lowercase();
    if key.ends_with("name") || TEXT_KEYS.contains(&key.as_str()) {
        return false;
    }
    let is_url = ["https://", "http://", "mailto:", "tel:"].iter().any(|scheme| text.starts_with(scheme));
    if is_url && !text.contains(char::is_whitespace) {
        return true;
    }
    let is_identifier = text.chars().all(|letter| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '_' | '-' | '.' | ':' | '@' | '+')
    });
    let has_digit = text.chars().any(|letter| letter.is_ascii_digit());
    let is_id = has_digit && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.:+".contains(letter));
    is_identifier || is_id
}

/// A part of a text.
enum Piece<'t> {
    Email(&'t str),
    /// A number with the signs between its digits.
    Number(&'t str),
    Word(&'t str),
    Other(&'t str),
}

/// Longest address and longest number that are recognized, in bytes.
const EMAIL_BYTES_MAX: usize = 320;
const NUMBER_BYTES_MAX: usize = 40;

/// Splits a text. The pieces together are the text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(rest.len());
        let (piece, length) = if let Some(length) = email(rest) {
            (Piece::Email(&rest[..length]), length)
        } else if let Some(length) = number(rest) {
            (Piece::Number(&rest[..length]), length)
        } else if word > 0 {
            let text = &rest[..word];
            (if text.chars().any(char::is_alphabetic) { Piece::Word(text) } else { Piece::Other(text) }, word)
        } else {
            (Piece::Other(&rest[..first.len_utf8()]), first.len_utf8())
        };
        found.push(piece);
        rest = &rest[length..];
    }
    found
}

/// Returns the start of a text, up to a number of bytes.
fn start(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// Returns the length of the mail address at the start of a text.
fn email(text: &str) -> Option<usize> {
    let text = start(text, EMAIL_BYTES_MAX);
    let first = text.chars().next().filter(|first| first.is_alphanumeric() || *first == '_')?;
    let run = text.find(|letter: char| !letter.is_alphanumeric() && !"._+-@".contains(letter)).unwrap_or(text.len());
    let (name, host) = text[..run].split_once('@')?;
    // A full stop after an address is not part of it.
    let host = host.split('@').next()?.trim_end_matches(['.', '-', '_', '+']);
    (host.contains('.') && first.len_utf8() <= name.len()).then_some(name.len() + 1 + host.len())
}

/// Returns the length of the number at the start of a text. It has enough digits, and no letter beside it.
fn number(text: &str) -> Option<usize> {
    let text = start(text, NUMBER_BYTES_MAX);
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '(')) {
        return None;
    }
    let run = text.find(|sign: char| !sign.is_ascii_digit() && !"+-.()/ ".contains(sign)).unwrap_or(text.len());
    let end = text[..run].rfind(|sign: char| sign.is_ascii_digit())? + 1;
    let is_beside_letter = text[end..].starts_with(|next: char| next.is_alphanumeric());
    (!is_beside_letter && digits(&text[..end]).len() >= DIGITS_MIN).then_some(end)
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
    fn numbers_keep_their_form() {
        let mut all = Pseudonyms::default();
        all.learn("", &json!({ "phone": "+12025550177", "shown": "(202) 555-0177", "other": "call 02 12345678 now" }));
        assert_eq!(all.text("+1 (202) 555-0177"), "+1 (202) 555-0100");
        assert_eq!(all.text("(202) 555-0177"), "(202) 555-0100");
        assert_eq!(all.value(&json!({ "phone": 12025550177_u64 })), json!({ "phone": 12025550100_u64 }));
        assert!(!all.text("call 02 12345678 now").contains("345678"));
        assert!(all.remain_in("x 12025550177 y") && !all.remain_in("x 12025550100 y"));
    }

    #[test]
    fn names_beside_a_url_and_in_a_query_are_replaced() {
        let mut all = Pseudonyms::default();
        all.learn("", &json!({ "answer": "Hi Ana Costa, see https://corp.example/x" }));
        assert!(!all.text("Hi Ana Costa").contains("Ana"));
        let url = all.url("https://crm.example/find?filter=name%20eq%20%27Costa%27&q=name%3AAna");
        assert!(!url.contains("Costa") && !url.contains("Ana"), "{url}");
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
            let part = |piece: &Piece<'_>| match piece {
                Piece::Email(part) | Piece::Number(part) | Piece::Word(part) | Piece::Other(part) => (*part).to_owned(),
            };
            let whole: String = pieces(text).iter().map(part).collect();
            assert_eq!(whole, text);
        }
    }
}
