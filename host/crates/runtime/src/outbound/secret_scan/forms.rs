//! Patterns of a secret in each of its encodings.

use zeroize::Zeroizing;

use super::{WINDOW, letter};
use crate::settings::outbound::{Marked, RECOGNISED_MIN};

/// Maximum number of patterns for a plain secret. Any part of the secret is found if the secret has at most this many
/// letters beyond the first pattern.
const PLAIN_WINDOWS_MAX: usize = 32;
/// Maximum number of patterns for an encoded secret.
const ENCODED_WINDOWS_MAX: usize = 4;
/// Maximum number of patterns for a secret that was encoded twice, which is only found as a whole.
const NESTED_WINDOWS_MAX: usize = 1;

/// The letters of one pattern.
pub(super) type Window = Zeroizing<Vec<u8>>;

/// Returns the patterns of all secrets, without duplicates.
pub(super) fn windows(texts: &[Marked]) -> Vec<Window> {
    let mut all = Vec::new();
    // Checked before encoding: a short secret has a long hexadecimal form, which would still match by chance.
    let is_long = |text: &&Marked| text.iter().filter(|(_, is_secret)| *is_secret).count() >= RECOGNISED_MIN;
    for text in texts.iter().filter(is_long) {
        cut(text, PLAIN_WINDOWS_MAX, &mut all);
        cut(&spelled(text, |byte| byte.to_string()), ENCODED_WINDOWS_MAX, &mut all);
        let encoded = encoded(text);
        encoded.iter().for_each(|form| cut(form, ENCODED_WINDOWS_MAX, &mut all));
        let wide = spelled(text, |byte| format!("{}\0", char::from(byte)));
        let backwards = Zeroizing::new(text.iter().rev().copied().collect());
        cut(&backwards, NESTED_WINDOWS_MAX, &mut all);
        let url_safe: Vec<_> = encoded.iter().map(url_safe).collect();
        for form in encoded.iter().chain(&url_safe).chain([&wide, &backwards]) {
            self::encoded(form).iter().for_each(|form| cut(form, NESTED_WINDOWS_MAX, &mut all));
        }
    }
    all
}

/// Encodes a text in hexadecimal, and in base64 at each alignment.
fn encoded(text: &Marked) -> [Marked; 4] {
    [spelled(text, |byte| format!("{byte:02x}")), base64(text, 0), base64(text, 1), base64(text, 2)]
}

/// Cuts the secret letters and digits of a text into overlapping patterns.
fn cut(text: &Marked, windows_max: usize, all: &mut Vec<Window>) {
    let letters = text.iter().filter_map(|(byte, is_secret)| Some((letter(*byte)?, *is_secret)));
    let letters: Marked = Zeroizing::new(letters.collect());
    let is_secret = |(_, is_secret): &(u8, bool)| *is_secret;
    let from = letters.iter().position(is_secret).unwrap_or(letters.len());
    let to = letters.iter().rposition(is_secret).map_or(from, |last| last + 1);
    let letters = &letters[from..to];
    // Three quarters of a short secret reveal it: the rest could be guessed.
    let window = (letters.len() * 3 / 4).clamp(RECOGNISED_MIN, WINDOW);
    let last = letters.len().saturating_sub(window);
    let step = last.div_ceil(windows_max).max(1);
    for start in (0..last).step_by(step).chain([last]) {
        let window = &letters[start..letters.len().min(start + window)];
        if window.iter().filter(|letter| is_secret(letter)).count() < RECOGNISED_MIN {
            continue;
        }
        let window: Window = Zeroizing::new(window.iter().map(|(letter, _)| *letter).collect());
        if !all.contains(&window) {
            all.push(window);
        }
    }
}

/// Returns the base64 letters that depend only on a text, if `alignment` bytes precede it in its group of three.
fn base64(text: &Marked, alignment: usize) -> Marked {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (from, to) = (8 * alignment, 8 * (alignment + text.len()));
    let bit = |at: usize| (text[at / 8 - alignment].0 >> (7 - at % 8)) & 1;
    let groups = from.div_ceil(6)..to / 6;
    let letters = groups.map(|group| {
        let bits = 6 * group..6 * group + 6;
        let is_secret = bits.clone().all(|at| text[at / 8 - alignment].1);
        (LETTERS[usize::from(bits.fold(0, |value, at| value << 1 | bit(at)))], is_secret)
    });
    Zeroizing::new(letters.collect())
}

/// Converts a base64 text to the URL-safe alphabet. The difference matters only if the text is encoded again.
fn url_safe(form: &Marked) -> Marked {
    let letter = |byte| match byte {
        b'+' => b'-',
        b'/' => b'_',
        byte => byte,
    };
    Zeroizing::new(form.iter().map(|(byte, is_secret)| (letter(*byte), *is_secret)).collect())
}

/// Replaces each byte with its spelling.
fn spelled(text: &Marked, spell: impl Fn(u8) -> String) -> Marked {
    let bytes = text.iter().map(|(byte, is_secret)| (Zeroizing::new(spell(*byte)), *is_secret));
    let digits =
        bytes.flat_map(|(digits, is_secret)| digits.bytes().map(|digit| (digit, is_secret)).collect::<Vec<_>>());
    Zeroizing::new(digits.collect())
}
