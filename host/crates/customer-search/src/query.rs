//! Queries: which words a row must have, and where.

use std::cmp::Reverse;

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup, Script};
use memchr::memmem::Finder;

use crate::fold::{fold, is_mark};
use crate::searched_text::cut;

/// Characters of a folded query; the rest is ignored.
pub const QUERY_CHARS_MAX: usize = 200;
/// Different words of a query; further ones are ignored.
pub const QUERY_WORDS_MAX: usize = 8;
/// Bytes of a query that are folded: a bound for the work.
const QUERY_BYTES_MAX: usize = 8 * QUERY_CHARS_MAX;
/// Characters of a word that matches anywhere. A shorter one matches at the start of words.
const ANYWHERE_CHARS_MIN: usize = 3;
/// Digits of a query that is taken for a number.
const DIGITS_MIN: usize = 3;
/// Digits that are left without prefixes: one digit is in nearly every number.
const DIGITS_LEFT_MIN: usize = 2;
/// A kana character that belongs to no script of its own.
const PROLONGED_SOUND: char = 'ー';
/// The characters beside digits that people write in a number.
const NUMBER_CHARS: &str = " +-()./";

/// A query, ready for [`crate::Index::search`]. Make it once for all pages of a request.
#[derive(Default)]
pub struct Query {
    /// A row that matches one of them is found.
    pub(crate) alternatives: Vec<Alternative>,
}

/// Without the words, which users typed.
impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Query").field("alternatives", &self.alternatives.len()).finish_non_exhaustive()
    }
}

/// Words that a row must all have: one or more.
pub(crate) struct Alternative {
    pub(crate) words: Vec<Word>,
}

pub(crate) struct Word {
    pub(crate) finder: Finder<'static>,
    place: Place,
}

/// Where a word matches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    WordStart,
    /// In a field of digits only.
    Number,
    Anywhere,
}

impl Query {
    /// Returns the query that a user typed.
    ///
    /// - All words must occur, in any order and field: those of three characters anywhere, shorter ones at the start of a
    ///   word. Each character of Han, kana, Thai, Lao, Khmer, Myanmar, and each symbol, starts a word.
    /// - Three digits or more, with spaces and punctuation of numbers, also match a part of a number: without `(0)`, `00`
    ///   or a single 0 at the beginning.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let folded = fold(cut(text, QUERY_BYTES_MAX).0);
        let end = folded.char_indices().nth(QUERY_CHARS_MAX).map_or(folded.len(), |(at, _)| at);
        let folded = folded[..end].trim_end();
        let words = words(folded);
        let mut alternatives = Vec::new();
        if let Some(digits) = digits(folded) {
            let is_implied = words.iter().all(|word| place(word) == Place::Anywhere && digits.contains(word));
            if !is_implied {
                alternatives.push(Alternative { words: vec![Word::new(&digits, Place::Number)] });
            }
        }
        if !words.is_empty() {
            alternatives.push(Alternative { words: words.iter().map(|word| Word::new(word, place(word))).collect() });
        }
        Self { alternatives }
    }

    /// Returns whether the query has no words, hence no matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alternatives.is_empty()
    }
}

fn words(folded: &str) -> Vec<&str> {
    let mut words: Vec<&str> = Vec::new();
    for word in folded.split(' ').filter(|word| !word.is_empty()) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let all = words.clone();
    let is_implied = |word: &str| is_long(word) && all.iter().any(|other| *other != word && other.contains(word));
    words.retain(|word| !is_implied(word));
    words.truncate(QUERY_WORDS_MAX);
    words
}

fn is_long(word: &str) -> bool {
    word.chars().nth(ANYWHERE_CHARS_MIN - 1).is_some()
}

fn place(word: &str) -> Place {
    if is_long(word) || word.chars().next().is_some_and(starts_word) { Place::Anywhere } else { Place::WordStart }
}

/// Returns whether a character starts a word wherever it is.
fn starts_word(c: char) -> bool {
    if c.is_ascii_alphanumeric() {
        return false;
    }
    if c == PROLONGED_SOUND {
        return true;
    }
    let script = CodePointMapData::<Script>::new().get(c);
    matches!(
        script,
        Script::Han
            | Script::Hiragana
            | Script::Katakana
            | Script::Thai
            | Script::Lao
            | Script::Khmer
            | Script::Myanmar
    ) || GeneralCategoryGroup::Symbol.contains(CodePointMapData::<GeneralCategory>::new().get(c))
}

/// Returns the digits to find in numbers, if the query may be a number.
fn digits(folded: &str) -> Option<String> {
    let only = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let is_number = folded.chars().all(|c| c.is_ascii_digit() || NUMBER_CHARS.contains(c));
    if !is_number || only(folded).len() < DIGITS_MIN {
        return None;
    }
    let all = only(&folded.replace("(0)", ""));
    let rest = all.strip_prefix("00").unwrap_or(&all);
    // A number with the 0 has the rest too.
    let is_left = |rest: &&str| !rest.starts_with('0') && rest.len() >= DIGITS_LEFT_MIN;
    let rest = rest.strip_prefix('0').filter(is_left).unwrap_or(rest);
    (rest.len() >= DIGITS_LEFT_MIN).then(|| rest.to_owned())
}

impl Alternative {
    /// Returns the word to look for in the text of all rows: the rarest in a sample, else the longest.
    pub(crate) fn lead(&self, sample: &[u8]) -> usize {
        let hits = |word: &Word| word.finder.find_iter(sample).count();
        let rarity = |at: &usize| (hits(&self.words[*at]), Reverse(self.words[*at].finder.needle().len()));
        if self.words.len() == 1 { 0 } else { (0..self.words.len()).min_by_key(rarity).unwrap_or(0) }
    }
}

impl Word {
    fn new(text: &str, place: Place) -> Self {
        Self { finder: Finder::new(text).into_owned(), place }
    }

    /// Returns whether the word, found at a byte of a row, is where it may be.
    pub(crate) fn is_placed(&self, row: &[u8], at: usize) -> bool {
        match self.place {
            Place::Anywhere => true,
            Place::WordStart => !ends_in_word(&row[..at]),
            Place::Number => {
                let is_line_end = |byte: Option<&u8>| matches!(byte, None | Some(b'\n'));
                let rest = &row[at + self.finder.needle().len()..];
                is_line_end(row[..at].iter().rev().find(|byte| !byte.is_ascii_digit()))
                    && is_line_end(rest.iter().find(|byte| !byte.is_ascii_digit()))
            }
        }
    }

    pub(crate) fn is_in(&self, row: &[u8]) -> bool {
        let mut from = 0;
        while let Some(at) = self.finder.find(&row[from..]) {
            if self.is_placed(row, from + at) {
                return true;
            }
            from += at + 1;
        }
        false
    }
}

/// Returns whether a text ends with a letter, a digit, or a mark of a letter.
fn ends_in_word(text: &[u8]) -> bool {
    let Some(last) = text.last() else { return false };
    if last.is_ascii() {
        return last.is_ascii_alphanumeric();
    }
    let start = text.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or(0);
    let c = std::str::from_utf8(&text[start..]).ok().and_then(|text| text.chars().next());
    c.is_some_and(|c| c.is_alphanumeric() || is_mark(c))
}
