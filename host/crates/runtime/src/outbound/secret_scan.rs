//! Searches a response for bound secrets in the encodings that servers use. These are plain text in either case, with
//! separators, escapes for URLs, JSON, HTML or mail, base64, hexadecimal, and lists of numbers.
//!
//! Matching compares letters and digits only, without case: separators, NULs of UTF-16 and line breaks are skipped. An
//! escape is read both ways, decoded and literally, so no text before a secret can hide its first letter. The
//! automaton is a bit-parallel NFA (Shift-And): one bit for each letter of each pattern, a few words for each byte.
//! Any other transformation, and parts of less than [`WINDOW`] letters, are not recognised.

mod escapes;
mod forms;

use std::sync::Arc;

use zeroize::Zeroizing;

use self::escapes::{Escape, escapes};
use self::forms::windows;
use crate::settings::outbound::Marked;

/// Length of a pattern in letters. Shorter secrets have shorter patterns.
const WINDOW: usize = 16;
/// Number of patterns in one word of the automaton.
const LANES: usize = 64 / WINDOW;
/// Number of letters and digits, without case.
const LETTERS: usize = 36;
/// Number of bits of the summary that marks non-empty words of a state. Most words are empty most of the time.
const GROUPS: usize = 64;
/// Length of the longest escape in bytes.
const HISTORY: usize = 32;

/// Patterns of secrets. Erased from memory when dropped.
pub(super) struct Patterns {
    /// Number of words in a state.
    words: usize,
    /// Number of words in a group; a state has at most 64 groups.
    group: usize,
    /// Bit of the first letter of each pattern.
    first: Vec<u64>,
    /// Bit of the last letter of each pattern.
    last: Vec<u64>,
    /// For each letter and word: positions of the letter in the patterns.
    places: Zeroizing<Vec<u64>>,
    /// For each letter: groups with a pattern that starts with it.
    begins: Zeroizing<Vec<u64>>,
}

/// A search over bytes that arrive in chunks of any size.
pub(super) struct Search {
    patterns: Arc<Patterns>,
    /// States after each of the last bytes.
    states: Zeroizing<Vec<u64>>,
    /// Non-empty groups of each state. Words of other groups are undefined.
    live: [u64; HISTORY],
    /// The last bytes.
    bytes: [u8; HISTORY],
    /// Index of the next byte in these three rings.
    at: usize,
    /// Number of consecutive hexadecimal digits up to the last byte.
    digits: usize,
}

impl Patterns {
    /// Creates patterns for secrets; returns `None` if no secret is long enough to be recognised.
    pub(super) fn new(texts: &[Marked]) -> Option<Arc<Self>> {
        let windows = windows(texts);
        if windows.is_empty() {
            return None;
        }
        let words = windows.len().div_ceil(LANES);
        let group = words.div_ceil(GROUPS);
        let (mut first, mut last) = (vec![0; words], vec![0; words]);
        let mut places = Zeroizing::new(vec![0; words * LETTERS]);
        let mut begins = Zeroizing::new(vec![0; LETTERS]);
        for (index, window) in windows.iter().enumerate() {
            let (word, lane) = (index / LANES, index % LANES * WINDOW);
            first[word] |= 1 << lane;
            last[word] |= 1 << (lane + window.len() - 1);
            begins[usize::from(window[0])] |= 1 << (word / group);
            for (at, letter) in window.iter().enumerate() {
                places[usize::from(*letter) * words + word] |= 1 << (lane + at);
            }
        }
        Some(Arc::new(Self { words, group, first, last, places, begins }))
    }

    /// Starts a search.
    pub(super) fn search(self: &Arc<Self>) -> Search {
        let states = Zeroizing::new(vec![0; self.words * HISTORY]);
        Search { patterns: Arc::clone(self), states, live: [0; HISTORY], bytes: [0; HISTORY], at: 0, digits: 0 }
    }
}

impl Search {
    /// Reads a chunk. Returns whether a secret ends in it.
    pub(super) fn finds(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().any(|byte| self.step(*byte))
    }

    fn step(&mut self, byte: u8) -> bool {
        let at = self.at;
        self.at = (at + 1) % HISTORY;
        self.bytes[at] = byte;
        self.live[at] = 0;
        self.digits = if byte.is_ascii_hexdigit() { self.digits + 1 } else { 0 };
        let mut found = self.read(at, 1, letter(byte));
        let bytes = &self.bytes;
        let back = |steps: usize| bytes[(at + HISTORY - steps % HISTORY) % HISTORY];
        for Escape { length, value } in escapes(&back, self.digits) {
            found |= self.read(at, length, value.and_then(letter));
        }
        found
    }

    /// Adds the states that result from reading the last `length` bytes as one letter, or as a separator.
    fn read(&mut self, at: usize, length: usize, letter: Option<u8>) -> bool {
        let Patterns { words, group, first, last, places, begins } = &*self.patterns;
        let from = (at + HISTORY - length) % HISTORY;
        let letter = letter.map(usize::from);
        let mut groups = self.live[from] | letter.map_or(0, |letter| begins[letter]);
        let mut found = 0;
        while groups != 0 {
            let index = groups.trailing_zeros() as usize;
            let bit = 1 << index;
            groups ^= bit;
            let (had, has) = (self.live[from] & bit != 0, self.live[at] & bit != 0);
            let mut any = 0;
            for word in index * group..words.min(&((index + 1) * group)).to_owned() {
                let before = if had { self.states[from * words + word] } else { 0 };
                let state = match letter {
                    Some(letter) => ((before << 1) | first[word]) & places[letter * words + word],
                    None => before,
                };
                any |= state;
                found |= state & last[word];
                let place = &mut self.states[at * words + word];
                *place = if has { *place | state } else { state };
            }
            if any != 0 {
                self.live[at] |= bit;
            }
        }
        found != 0
    }
}

/// Maps a letter or digit to a number below [`LETTERS`]; returns `None` for a separator.
fn letter(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'z' => Some(byte - b'a' + 10),
        b'A'..=b'Z' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
