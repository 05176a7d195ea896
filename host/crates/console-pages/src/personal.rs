//! Personal data, masked unless a person has asked to see it.

use maud::{Markup, Render, html};
use serde::{Serialize, Serializer};

/// The kind of a value, which decides its mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A phone number or another address.
    Address,
    /// A name or a text. Not even its length is shown.
    Text,
}

/// Permission to show personal data on one page. Only the handler that records the look creates one.
#[derive(Debug, Clone, Copy)]
pub struct Grant(());

impl Grant {
    /// Creates the permission. The caller has checked the person's right and recorded the look.
    pub fn recorded() -> Self {
        Self(())
    }
}

/// A value that is masked in HTML and JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct Personal {
    kind: Kind,
    text: String,
    is_shown: bool,
}

impl Personal {
    /// Creates a masked value.
    pub fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), is_shown: false }
    }

    /// Returns the value as clear text.
    #[must_use]
    pub fn shown(mut self, _grant: &Grant) -> Self {
        self.is_shown = true;
        self
    }

    /// Returns what is shown: the mask, or the clear text.
    pub fn visible(&self) -> String {
        if self.is_shown {
            return self.text.clone();
        }
        match self.kind {
            Kind::Address => mask_address(&self.text),
            Kind::Text => TEXT_MASK.to_owned(),
        }
    }
}

/// The mask of a text.
const TEXT_MASK: &str = "••••••";

/// Digits in a row from which a text may contain a phone number.
const DIGITS_MIN: usize = 6;

/// Characters at the start and end of an address that are shown.
const START_SHOWN: usize = 3;
const END_SHOWN: usize = 2;

/// Masks a phone number or another address. Shows the start and the last two characters of a long one.
fn mask_address(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let (prefix, bare) = match text.split_once(':') {
        Some((channel @ ("whatsapp" | "messenger" | "rcs"), _)) => {
            (&text[..=channel.len()], &characters[channel.len() + 1..])
        }
        _ => ("", &characters[..]),
    };
    if bare.len() < 8 || bare.first() != Some(&'+') {
        return format!("{prefix}{TEXT_MASK}");
    }
    let (start, end): (String, String) =
        (bare[..START_SHOWN].iter().collect(), bare[bare.len() - END_SHOWN..].iter().collect());
    format!("{prefix}{start} ••• ••{end}")
}

/// Returns a technical text, such as a reason, with runs of digits and e-mail addresses masked: it may quote a number.
pub fn mask_text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let words: Vec<&str> = text.split(' ').collect();
    let in_parts = numbers_in_parts(&words);
    for (index, word) in words.into_iter().enumerate() {
        if index > 0 {
            shown.push(' ');
        }
        if word.contains('@') || in_parts[index] {
            shown.push_str(TEXT_MASK);
            continue;
        }
        shown.push_str(&mask_digits(word));
    }
    shown
}

/// Returns which words belong to a number that is written in several words, such as `+1 202 555 0107`.
fn numbers_in_parts(words: &[&str]) -> Vec<bool> {
    let is_part = |word: &&&str| {
        word.chars().any(char::is_numeric)
            && word.chars().all(|other| other.is_numeric() || "+-().,:;/".contains(other))
    };
    let digits = |word: &&str| word.chars().filter(|other| other.is_numeric()).count();
    let mut found = vec![false; words.len()];
    let mut start = 0;
    while start < words.len() {
        let length = words[start..].iter().take_while(is_part).count();
        if length > 1 && words[start..start + length].iter().map(digits).sum::<usize>() > DIGITS_MIN {
            found[start..start + length].fill(true);
        }
        start += length.max(1);
    }
    found
}

/// Masks the digits of a word that may contain a phone number.
fn mask_digits(word: &str) -> String {
    let digits = word.chars().filter(|other| other.is_numeric()).count();
    if digits < DIGITS_MIN || is_id(word) {
        return word.to_owned();
    }
    word.chars().map(|other| if other.is_numeric() { '•' } else { other }).collect()
}

/// Returns whether a text is an id of a platform or of the gateway: `CH` or another prefix with 32 hexadecimal digits, a
/// UUID, or letters and digits without a run of digits that is long enough for a phone number.
pub fn is_id(word: &str) -> bool {
    let bare = word.trim_matches(|other: char| !other.is_ascii_alphanumeric());
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_sid = bare.len() == 34
        && bare.bytes().take(2).all(|byte| byte.is_ascii_uppercase())
        && bare.get(2..).is_some_and(is_hex);
    let parts: Vec<usize> = bare.split('-').map(str::len).collect();
    let is_uuid = parts == [8, 4, 4, 4, 12] && bare.split('-').all(is_hex);
    let has_letters = bare.starts_with(|first: char| first.is_ascii_alphabetic());
    is_sid
        || is_uuid
        || has_letters && !word.contains(['+', '@']) && longest_run(&without_separators(bare)) <= DIGITS_MIN
}

/// Returns a text without the signs that people write between the digits of a number.
fn without_separators(text: &str) -> String {
    text.chars().filter(|other| !matches!(other, '-' | '.' | '(' | ')' | '/')).collect()
}

fn longest_run(word: &str) -> usize {
    word.split(|other: char| !other.is_numeric()).map(str::len).max().unwrap_or_default()
}

impl Render for Personal {
    fn render(&self) -> Markup {
        html! { bdi .personal .shown[self.is_shown] { (self.visible()) } }
    }
}

impl Serialize for Personal {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(&self.visible())
    }
}

/// Never contains the value.
impl std::fmt::Debug for Personal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Personal")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_shows_its_start_and_end() {
        let shown = |text: &str| Personal::new(Kind::Address, text).visible();
        assert_eq!(shown("+12025550107"), "+12 ••• ••07");
        assert_eq!(shown("whatsapp:+12025550107"), "whatsapp:+12 ••• ••07");
        assert_eq!(shown("ana@example.org"), "••••••");
    }

    #[test]
    fn numbers_and_mail_addresses_in_a_reason_are_masked() {
        assert_eq!(mask_text("no worker for +12025550107 (ana@example.org)"), "no worker for +••••••••••• ••••••");
        assert_eq!(mask_text("Twilio answered 503, code 50433"), "Twilio answered 503, code 50433");
    }

    proptest! {
        #[test]
        fn a_mask_does_not_contain_the_value(text in "[a-z]{1,40} [0-9]{4,20}") {
            for kind in [Kind::Address, Kind::Text] {
                let value = Personal::new(kind, text.clone());
                prop_assert!(!value.render().into_string().contains(&text));
                prop_assert!(!serde_json::to_string(&value).expect("a text").contains(&text));
            }
        }

        #[test]
        fn no_spelling_of_a_phone_number_stays_in_a_text(
            number in "([+]?1 [0-9]{3} [0-9]{3} [0-9]{4})|(tel:[0-9]{3}-[0-9]{3}-[0-9]{4})|(from=[0-9]{3}[.][0-9]{3}[.][0-9]{4})",
            before in "[a-z ]{0,20}",
        ) {
            let masked = mask_text(&format!("{before} {number}"));
            prop_assert!(!masked.contains(&number[number.len() - 4..]), "{}", masked);
        }

        #[test]
        fn no_phone_number_stays_in_a_text(number in "[+]?[0-9]{7,15}", before in "[a-z ]{0,20}") {
            let masked = mask_text(&format!("{before} {number}"));
            prop_assert!(!masked.contains(&number));
        }
    }
}
