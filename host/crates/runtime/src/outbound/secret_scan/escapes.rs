//! Escapes that end at a byte: of URLs, JSON and JavaScript, HTML, CSS, C and quoted-printable.
//!
//! The automaton skips introducers that are not letters, such as `&`, `\` or `%5C`, so that nested escapes are
//! recognised, too.

/// Maximum number of digits in an escape, as in `\U00000062`.
const DIGITS_MAX: usize = 8;
/// Maximum number of letters in a character name, such as `&NewLine;`.
const NAME_MAX: usize = 10;
/// Maximum number of repeated percent encodings, as in `%25252562`.
const PERCENTS_MAX: usize = 8;
/// Maximum number of escapes that end at the same byte.
const ESCAPES_MAX: usize = 4;

/// One interpretation of the last bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Escape {
    /// Length in bytes.
    pub(super) length: usize,
    /// The encoded letter or digit; `None` for any other character.
    pub(super) value: Option<u8>,
}

/// All escapes that end at one byte.
pub(super) struct Escapes {
    all: [Escape; ESCAPES_MAX],
    count: usize,
}

impl Iterator for Escapes {
    type Item = Escape;

    fn next(&mut self) -> Option<Escape> {
        self.count = self.count.checked_sub(1)?;
        Some(self.all[self.count])
    }
}

impl Escapes {
    fn add(&mut self, length: usize, value: Option<u8>) {
        if let Some(place) = self.all.get_mut(self.count) {
            *place = Escape { length, value };
            self.count += 1;
        }
    }
}

/// Returns every escape that ends at the last byte. `back(n)` is the byte `n` positions before it, `run` the number of
/// consecutive hexadecimal digits up to it.
pub(super) fn escapes(back: &impl Fn(usize) -> u8, run: usize) -> Escapes {
    let mut found = Escapes { all: [Escape { length: 0, value: None }; ESCAPES_MAX], count: 0 };
    // `\n`. A backslash before any other letter is a separator.
    if back(1) == b'\\' && b"abefnrtv".contains(&back(0)) {
        found.add(2, None);
    }
    match back(0) {
        b'}' => braced(back, &mut found),
        b';' => named(back, &mut found),
        _ if run > 0 => numbered(back, run, &mut found),
        _ => {}
    }
    found
}

/// Finds `%62`, `%2562`, `=62`, `\x62`, `0x62`, `&#x62`, `\u0062`, `%u0062`, `\U00000062`, `\62 ` of CSS, `&#98`,
/// `\142`. The introducer is not a digit, so it precedes all digits.
fn numbered(back: &impl Fn(usize) -> u8, run: usize, found: &mut Escapes) {
    let value = |radix: u32| number(back, 0, run, radix).and_then(byte);
    match back(run) {
        b'%' if run.is_multiple_of(2) && run <= 2 * PERCENTS_MAX => {
            let is_encoded_again = (2..run).step_by(2).all(|at| back(at) == b'5' && back(at + 1) == b'2');
            if is_encoded_again {
                found.add(run + 1, number(back, 0, 2, 16).and_then(byte));
            }
        }
        b'=' if run == 2 => found.add(3, value(16)),
        b'x' | b'X' if run <= DIGITS_MAX => {
            found.add(run + 1, value(16));
            if back(run + 1) == b'0' {
                found.add(run + 2, value(16));
            }
        }
        b'u' | b'U' if run == 4 || run == 8 => found.add(run + 1, value(16)),
        b'\\' if run <= DIGITS_MAX => {
            found.add(run + 1, value(16));
            if run <= 3 && number(back, 0, run, 8).is_some() {
                found.add(run + 1, value(8));
            }
        }
        b'#' if run <= DIGITS_MAX && number(back, 0, run, 10).is_some() => found.add(run + 1, value(10)),
        _ => {}
    }
}

/// Finds `\u{62}`.
fn braced(back: &impl Fn(usize) -> u8, found: &mut Escapes) {
    let digits = (1..=DIGITS_MAX).take_while(|at| back(*at).is_ascii_hexdigit()).count();
    if digits > 0 && back(digits + 1) == b'{' && b"uUxX".contains(&back(digits + 2)) {
        found.add(digits + 3, number(back, 1, digits, 16).and_then(byte));
    }
}

/// Parses `digits` digits, the last of which is `from` positions back; returns `None` for any other character.
fn number(back: &impl Fn(usize) -> u8, from: usize, digits: usize, radix: u32) -> Option<u32> {
    (from..from + digits).rev().try_fold(0_u32, |number, at| {
        Some(number.saturating_mul(radix).saturating_add(char::from(back(at)).to_digit(radix)?))
    })
}

/// Finds `&plus;` and `&amp;plus;`. No letter or digit has a character name.
fn named(back: &impl Fn(usize) -> u8, found: &mut Escapes) {
    for letters in 1..=NAME_MAX {
        if !back(letters).is_ascii_alphanumeric() {
            return;
        }
        match back(letters + 1) {
            b'&' => return found.add(letters + 2, None),
            b';' => return found.add(letters + 1, None),
            _ => {}
        }
    }
}

/// Converts a value to the byte of an ASCII letter or digit.
fn byte(value: u32) -> Option<u8> {
    u8::try_from(value).ok().filter(u8::is_ascii_alphanumeric)
}
