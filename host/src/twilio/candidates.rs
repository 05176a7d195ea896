//! The texts that Twilio may have signed for one request: its back ends differ in port, user-info
//! and escaping, so several URLs and several orders of repeated values are right.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use url::Url;

use super::form::Form;

/// Where the platform believes to call, taken apart as it was written: a URL parser would change
/// the very characters that were signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    scheme: String,
    /// With its `@`, or empty.
    userinfo: String,
    host: String,
    /// With its `:`, or empty.
    port: String,
    /// Without a slash at the end.
    path: String,
}

impl Base {
    /// Takes a public URL apart; none where there is no `scheme://host`.
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

    /// The same place under the other scheme.
    pub(super) fn other_scheme(&self) -> Self {
        let scheme = if self.scheme == "https" { "http" } else { "https" };
        Self { scheme: scheme.to_owned(), ..self.clone() }
    }

    /// The same path at another host.
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

    /// The same place without the path that `public_url` adds.
    pub(super) fn without_path(&self) -> Self {
        Self { path: String::new(), ..self.clone() }
    }

    /// As it may be logged: without user-info.
    pub fn display(&self) -> String {
        format!("{}://{}{}{}", self.scheme, self.host, self.port, self.path)
    }

    /// The first of [`Self::urls`].
    pub(super) fn likely(&self, target: &str) -> String {
        let Self { scheme, userinfo, host, port, path } = self;
        format!("{scheme}://{userinfo}{host}{port}{path}{target}")
    }

    /// Every URL that may have been signed for a request target, most likely first.
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

/// Host, and port with its colon; the colons of an IPv6 address are inside brackets.
fn split_port(authority: &str) -> (&str, &str) {
    match authority.rfind(':').filter(|at| !authority[*at..].contains(']')) {
        Some(at) => authority.split_at(at),
        None => (authority, ""),
    }
}

/// The target as received, and with those characters of its query escaped, or not, that some back
/// ends escape and others do not: `'` above all. Nothing that is one changed character away.
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

/// The form as it is appended to the URL: names sorted, the distinct values of each sorted, no
/// separators. The first text is what Twilio's own libraries write; the others differ only where
/// sorting is ambiguous.
pub(super) fn texts(form: &Form<'_>) -> Vec<String> {
    let mut all = vec![likely(form)];
    let ambiguous = form.pairs().any(|(name, value)| !name.is_ascii() || !value.is_ascii());
    if ambiguous {
        add(&mut all, text(form, str::cmp, str::cmp));
    }
    if unequal_lengths(form) {
        add(&mut all, text(form, utf16, numeric));
    }
    all
}

/// The first of [`texts`].
pub(super) fn likely(form: &Form<'_>) -> String {
    text(form, utf16, utf16)
}

fn add(all: &mut Vec<String>, text: String) {
    if !all.contains(&text) {
        all.push(text);
    }
}

type Order = fn(&str, &str) -> Ordering;

fn text(form: &Form<'_>, names: Order, values: Order) -> String {
    let mut pairs: Vec<(&str, &str)> = form.pairs().collect();
    pairs.sort_by(|a, b| names(a.0, b.0).then_with(|| values(a.1, b.1)));
    pairs.dedup();
    let mut text = String::with_capacity(pairs.iter().map(|(name, value)| name.len() + value.len()).sum());
    pairs.into_iter().flat_map(|(name, value)| [name, value]).for_each(|part| text.push_str(part));
    text
}

/// JavaScript and Java sort by UTF-16 units; Python and Rust by code points.
fn utf16(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() {
        return a.cmp(b);
    }
    a.encode_utf16().cmp(b.encode_utf16())
}

/// PHP sorts values that look like numbers as numbers. They come before all others here: compared
/// with those as texts, `2 < 10 < 1a < 2` would have no order at all.
fn numeric(a: &str, b: &str) -> Ordering {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => utf16(a, b),
    }
}

fn unequal_lengths(form: &Form<'_>) -> bool {
    let mut lengths = BTreeMap::new();
    form.pairs().any(|(name, value)| *lengths.entry(name).or_insert(value.len()) != value.len())
}
