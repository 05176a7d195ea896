//! Folding of text: one spelling for what a reader takes for the same word.

use deunicode::deunicode_char;
use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_normalizer::{
    ComposingNormalizer, ComposingNormalizerBorrowed, DecomposingNormalizer, DecomposingNormalizerBorrowed,
};
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, Script};
use icu_properties::{CodePointMapData, CodePointSetData};

const NFKD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfkd();
pub(crate) const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfc();
const CASES: CaseMapperBorrowed<'static> = CaseMapper::new();

/// Returns the folded text; folding it again changes nothing.
///
/// - Compatibility forms and cases are equal. Apostrophes and invisible characters are dropped.
/// - Marks are dropped in Latin, Greek, Cyrillic, Hebrew and Arabic, where readers type the bare letter.
/// - ø, đ, ł, ı, æ, œ, ð and þ, which have no decomposition, are o, d, l, i, ae, oe, d and th.
/// - Digits of all scripts are ASCII. White space and control characters are one space, none at the ends.
///
/// Thai, Indic scripts, Hangul, kana and Han stay as they are.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = Folded { text: String::with_capacity(text.len()), ..Folded::default() };
    if text.is_ascii() {
        text.chars().for_each(|c| folded.push_ascii(c.to_ascii_lowercase()));
        return folded.text;
    }
    // Before the decomposition, which makes a space and a mark of an acute accent that replaces an apostrophe.
    let decomposed: String = NFKD.normalize_iter(text.chars().filter(|c| !is_apostrophe(*c))).collect();
    let lower = CASES.fold_string(&decomposed);
    NFKD.normalize_iter(lower.chars()).for_each(|c| folded.push(c));
    NFC.normalize(&folded.text).into_owned()
}

#[derive(Default)]
struct Folded {
    text: String,
    /// A space is due before the next character.
    is_apart: bool,
    /// The last letter loses its marks.
    loses_marks: bool,
}

impl Folded {
    fn push_ascii(&mut self, c: char) {
        if is_apostrophe(c) {
            return;
        }
        self.loses_marks = c.is_ascii_alphabetic();
        if c.is_whitespace() || c.is_control() {
            self.is_apart = true;
            return;
        }
        self.write(c);
    }

    fn push(&mut self, c: char) {
        if c.is_ascii() {
            return self.push_ascii(c);
        }
        if is_apostrophe(c) || is_invisible(c) {
            return;
        }
        if c.is_whitespace() || c.is_control() {
            (self.is_apart, self.loses_marks) = (true, false);
            return;
        }
        if is_mark(c) {
            if !self.loses_marks {
                self.write(c);
            }
            return;
        }
        self.loses_marks = matches!(
            CodePointMapData::<Script>::new().get(c),
            Script::Latin | Script::Greek | Script::Cyrillic | Script::Hebrew | Script::Arabic
        );
        match bare(c) {
            Some(letters) => letters.chars().for_each(|c| self.write(c)),
            None => self.write(ascii_digit(c).unwrap_or(c)),
        }
    }

    fn write(&mut self, c: char) {
        if self.is_apart && !self.text.is_empty() {
            self.text.push(' ');
        }
        self.is_apart = false;
        self.text.push(c);
    }
}

/// Returns the usual replacement of a Latin letter without decomposition.
fn bare(c: char) -> Option<&'static str> {
    Some(match c {
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'ı' => "i",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        _ => return None,
    })
}

fn ascii_digit(c: char) -> Option<char> {
    if !c.is_numeric() || CodePointMapData::<GeneralCategory>::new().get(c) != GeneralCategory::DecimalNumber {
        return None;
    }
    let digit = deunicode_char(c)?;
    digit.chars().next().filter(|first| digit.len() == 1 && first.is_ascii_digit())
}

/// Returns whether a character is an apostrophe, or is typed as one: accents without a letter, modifier letters.
fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '`' | '´' | '\u{1fef}' | '\u{1ffd}' | '‘' | '’' | '‛' | '′' | '‵' | '\u{2b9}'..='\u{2bf}' | '＇')
}

/// Returns whether a character has no shape of its own: joiners, direction and variation marks, the Arabic tatweel.
fn is_invisible(c: char) -> bool {
    c == '\u{640}' || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

pub(crate) fn is_mark(c: char) -> bool {
    GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(c))
}
