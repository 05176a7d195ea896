//! Candidates of the text that Twilio signed for one request.
//!
//! Twilio's back ends differ in port, user-info and escaping of the URL, and in the order of repeated values.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use url::Url;

use super::form::Form;

/// The public URL, split into parts without changes: a URL parser would change the characters that were signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    scheme: String,
    /// User-info including the `@`, or empty.
    userinfo: String,
    host: String,
    /// Port including the `:`, or empty.
    port: String,
    /// Path without a slash at the end.
    path: String,
}

impl Base {
    /// Splits a public URL; returns `None` if it lacks `scheme://host`.
    pub fn new(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (userinfo, host) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        let (host, port) = split_port(host);
        if host.is_empty() {
            return None;
        }
        Some(Self {
            scheme: scheme.to_ascii_lowercase(),
            userinfo: userinfo.to_owned(),
            host: host.to_owned(),
            port: port.to_owned(),
            path: path.trim_end_matches('/').to_owned(),
        })
    }

    /// Returns the same URL with the other scheme.
    pub(super) fn other_scheme(&self) -> Self {
        let scheme = if self.scheme == "https" { "http" } else { "https" };
        Self { scheme: scheme.to_owned(), ..self.clone() }
    }

    /// Returns the same path at another host.
    pub(super) fn at(&self, scheme: &str, host: &str) -> Self {
        let (host, port) = split_port(host);
        Self {
            scheme: scheme.to_owned(),
            userinfo: String::new(),
            host: host.to_owned(),
            port: port.to_owned(),
            path: self.path.clone(),
        }
    }

    /// Returns the same URL without its path.
    pub(super) fn without_path(&self) -> Self {
        Self { path: String::new(), ..self.clone() }
    }

    /// Returns the URL without user-info, for logs.
    pub fn display(&self) -> String {
        format!("{}://{}{}{}", self.scheme, self.host, self.port, self.path)
    }

    /// Returns the first URL of [`Self::urls`].
    pub(super) fn likely(&self, target: &str) -> String {
        let Self { scheme, userinfo, host, port, path } = self;
        format!("{scheme}://{userinfo}{host}{port}{path}{target}")
    }

    /// Returns all URLs that may have been signed for a request target, the most likely first.
    pub(super) fn urls(&self, target: &str) -> Vec<String> {
        let standard = if self.scheme == "https" { ":443" } else { ":80" };
        let ports = if self.port.is_empty() { ["", standard] } else { [self.port.as_str(), ""] };
        let users: &[&str] = if self.userinfo.is_empty() { &[""] } else { &[&self.userinfo, ""] };
        let mut urls = Vec::with_capacity(2);
        for target in spellings(target) {
            for user in users {
                for port in ports {
                    let Self { scheme, host, path, .. } = self;
                    urls.push(format!("{scheme}://{user}{host}{port}{path}{target}"));
                }
            }
        }
        urls
    }
}

/// Splits host and `:port`; the colons of an IPv6 address are inside brackets.
fn split_port(authority: &str) -> (&str, &str) {
    match authority.rfind(':').filter(|at| !authority[*at..].contains(']')) {
        Some(at) => authority.split_at(at),
        None => (authority, ""),
    }
}

/// Returns the spellings of a target: as received, and with some characters of its query escaped and unescaped. These
/// are the characters that only some back ends escape, above all `'`. No other character changes.
fn spellings(target: &str) -> Vec<Cow<'_, str>> {
    let mut all = vec![Cow::Borrowed(target)];
    let Some((path, query)) = target.split_once('?') else {
        return all;
    };
    let escaped = Url::parse(&format!("https://host/?{query}")).ok();
    let escaped = escaped.and_then(|url| url.query().map(|query| format!("{path}?{query}")));
    let plain = format!("{path}?{}", query.replace("%27", "'"));
    for spelling in escaped.into_iter().chain([plain]) {
        if !all.iter().any(|known| *known == spelling) {
            all.push(Cow::Owned(spelling));
        }
    }
    all
}

/// Returns the texts of a form that may follow the URL. Names and the distinct values of each name are sorted, without
/// separators. Twilio's own libraries make the first text; the others differ only where sorting is ambiguous.
pub(super) fn texts(form: &Form<'_>) -> Vec<String> {
    let mut all = vec![likely(form)];
    let ambiguous = form.pairs().any(|(name, value)| !name.is_ascii() || !value.is_ascii());
    if ambiguous {
        add(&mut all, text(form, Order::CodePoints));
    }
    if unequal_lengths(form) {
        add(&mut all, text(form, Order::Numbers));
    }
    all
}

/// Returns the first text of [`texts`].
pub(super) fn likely(form: &Form<'_>) -> String {
    text(form, Order::Utf16)
}

fn add(all: &mut Vec<String>, text: String) {
    if !all.contains(&text) {
        all.push(text);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// JavaScript and Java sort by UTF-16 units.
    Utf16,
    /// Python and Rust sort by code points.
    CodePoints,
    /// PHP sorts values that look like numbers as numbers. Here, numbers precede all other values: comparing them with
    /// the others as texts would give the cycle `2 < 10 < 1a < 2`.
    Numbers,
}

fn text(form: &Form<'_>, order: Order) -> String {
    // Parses each number only once.
    let number = |value: &str| value.parse::<f64>().ok().filter(|_| order == Order::Numbers);
    let mut pairs: Vec<_> = form.pairs().map(|(name, value)| (name, value, number(value))).collect();
    match order {
        Order::Utf16 => pairs.sort_by(|a, b| utf16(a.0, b.0).then_with(|| utf16(a.1, b.1))),
        Order::CodePoints => pairs.sort_by(|a, b| a.0.cmp(b.0).then_with(|| a.1.cmp(b.1))),
        Order::Numbers => pairs.sort_by(|a, b| utf16(a.0, b.0).then_with(|| numeric((a.1, a.2), (b.1, b.2)))),
    }
    pairs.dedup_by(|a, b| (a.0, a.1) == (b.0, b.1));
    let mut text = String::with_capacity(pairs.iter().map(|(name, value, _)| name.len() + value.len()).sum());
    pairs.into_iter().flat_map(|(name, value, _)| [name, value]).for_each(|part| text.push_str(part));
    text
}

/// Compares by UTF-16 units: finds the first difference in the bytes, and compares the characters there.
fn utf16(a: &str, b: &str) -> Ordering {
    let Some(at) = first_difference(a.as_bytes(), b.as_bytes()) else {
        return a.len().cmp(&b.len());
    };
    let start = a.floor_char_boundary(at);
    let units = |text: &str| {
        let mut units = [0; 2];
        let character = text[start..].chars().next().expect("a character at the difference");
        character.encode_utf16(&mut units);
        units
    };
    units(a).cmp(&units(b))
}

/// Returns the offset of the first difference, or `None` if one slice is a prefix of the other.
fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    const PIECE: usize = 32;
    let pieces = a.chunks(PIECE).zip(b.chunks(PIECE));
    let equal = pieces.take_while(|(a, b)| a == b).count() * PIECE;
    let (a, b) = (a.get(equal..)?, b.get(equal..)?);
    Some(equal + a.iter().zip(b).position(|(a, b)| a != b)?)
}

fn numeric(a: (&str, Option<f64>), b: (&str, Option<f64>)) -> Ordering {
    match (a.1, b.1) {
        (Some(x), Some(y)) => x.total_cmp(&y).then_with(|| a.0.cmp(b.0)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => utf16(a.0, b.0),
    }
}

fn unequal_lengths(form: &Form<'_>) -> bool {
    let mut lengths = BTreeMap::new();
    form.pairs().any(|(name, value)| *lengths.entry(name).or_insert(value.len()) != value.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_are_ordered_by_their_utf16_units(common in ".{0,70}", a in ".{0,4}", b in ".{0,4}") {
            let (a, b) = (format!("{common}{a}"), format!("{common}{b}"));
            prop_assert_eq!(utf16(&a, &b), a.encode_utf16().cmp(b.encode_utf16()));
        }
    }

    #[test]
    fn a_character_outside_the_basic_plane_comes_before_the_private_ones() {
        assert_eq!(utf16("x\u{10000}", "x\u{e000}"), Ordering::Less);
        assert_eq!("x\u{10000}".cmp("x\u{e000}"), Ordering::Greater);
    }
}
