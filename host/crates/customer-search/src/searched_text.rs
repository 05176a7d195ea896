//! The searched text of a customer: its folded fields, in both spellings.

use std::borrow::Cow;

use deunicode::{deunicode, deunicode_with_tofu};

use crate::fold::{NFC, fold};

/// Bytes of names, companies and e-mail addresses in a row's text; a longer text is cut.
pub const TEXT_BYTES_MAX: usize = 512;
/// Bytes of one field before folding, which drops marks: a bound for the work.
const FIELD_BYTES_MAX: usize = 4 * TEXT_BYTES_MAX;
/// Numbers in a row's text; further ones are not searched.
pub const NUMBERS_MAX: usize = 8;
/// Digits of one number: more than twice as many as E.164 has.
const NUMBER_DIGITS_MAX: usize = 32;

/// How text in other scripts, or with umlauts, is spelled in Latin letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spelling {
    /// By the sound: 王伟 is found as `wang wei`, Иван as `ivan`.
    #[default]
    Plain,
    /// Also with `ae`, `oe` and `ue` for ä, ö and ü.
    German,
}

impl Spelling {
    /// Returns the spelling that readers of a locale expect, such as `de` or `pt-BR`.
    #[must_use]
    pub fn of_locale(locale: &str) -> Self {
        match locale.split(['-', '_']).next() {
            Some(language) if language.eq_ignore_ascii_case("de") => Self::German,
            _ => Self::Plain,
        }
    }

    /// Returns the folded words of the second spelling that differ from the first one.
    ///
    /// No word of a query spans white space, so that words apart are found as well as the whole spelling.
    fn second(self, text: &str) -> Vec<String> {
        if text.is_ascii() {
            return Vec::new();
        }
        let mut words = Vec::new();
        let composed = NFC.normalize(text);
        for word in composed.split_whitespace().filter(|word| !word.is_ascii()) {
            let first = fold(word);
            let mut add = |spelled: &str| {
                let spelled = fold(spelled);
                let new = spelled.split(' ').filter(|part| *part != first && part.contains(char::is_alphanumeric));
                words.extend(new.map(str::to_owned));
            };
            add(&deunicode_with_tofu(word, ""));
            if self == Self::German
                && let Cow::Owned(spelled) = german(word)
            {
                add(&spelled);
            }
        }
        words
    }
}

fn german(word: &str) -> Cow<'_, str> {
    if !word.contains(['ä', 'ö', 'ü', 'Ä', 'Ö', 'Ü']) {
        return Cow::Borrowed(word);
    }
    let lower = word.to_lowercase();
    Cow::Owned(lower.replace('ä', "ae").replace('ö', "oe").replace('ü', "ue"))
}

/// The searched text of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchedText {
    /// Folded fields, each with a line break at its end. No query contains one, so that no match spans fields.
    pub text: String,
    /// Some of the customer's text is beyond the limits, and is not found.
    pub is_cut: bool,
}

/// Returns the searched text of a customer: name, company, e-mail addresses and the digits of its numbers.
#[must_use]
pub fn searched_text(spelling: Spelling, name: &str, company: &str, emails: &[&str], numbers: &[&str]) -> SearchedText {
    let mut searched = SearchedText::default();
    for field in [name, company] {
        let (field, is_cut) = cut(field, FIELD_BYTES_MAX);
        searched.is_cut |= is_cut;
        searched.add(&fold(field));
        let second = spelling.second(field);
        if !second.is_empty() {
            searched.add(&second.join(" "));
        }
    }
    for email in emails {
        let (email, is_cut) = cut(email, FIELD_BYTES_MAX);
        searched.is_cut |= is_cut;
        searched.add(&fold(email));
    }
    searched.is_cut |= numbers.len() > NUMBERS_MAX;
    for number in numbers.iter().take(NUMBERS_MAX) {
        let (number, is_cut) = cut(number, FIELD_BYTES_MAX);
        searched.is_cut |= is_cut;
        let digits: String = deunicode(number).chars().filter(char::is_ascii_digit).collect();
        let (digits, is_cut) = cut(&digits, NUMBER_DIGITS_MAX);
        searched.is_cut |= is_cut;
        searched.write(digits);
    }
    searched
}

impl SearchedText {
    fn add(&mut self, folded: &str) {
        let room = TEXT_BYTES_MAX.saturating_sub(self.text.len() + 1);
        let (folded, is_cut) = cut(folded, room);
        self.is_cut |= is_cut;
        self.write(folded);
    }

    fn write(&mut self, field: &str) {
        if !field.is_empty() {
            self.text.push_str(field);
            self.text.push('\n');
        }
    }
}

/// Returns the beginning of a text, of whole characters, and whether it is not all.
pub(crate) fn cut(text: &str, bytes_max: usize) -> (&str, bool) {
    let end = text.floor_char_boundary(bytes_max);
    (&text[..end], end < text.len())
}
