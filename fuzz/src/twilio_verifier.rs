//! Twilio's `Keys::verify`, compared with a second verifier.
//!
//! An input is four lines and a body: signing options (see [`run`]), the request target without its first slash, the
//! settings header, a signature; then the body.

use std::cmp::Ordering;

use frontgate_signing::Algorithm;
use frontgate_twilio::candidates::Base;
use frontgate_twilio::form::Form;
use frontgate_twilio::signature::{Content, Key, Keys, SignedRequest};

use super::{byte, line, naive};

const TOKENS: [&str; 2] =
    ["0123456789abcdef0123456789abcdef", "a-token-that-is-longer-than-one-block-of-the-hash-function-which-is-64"];
/// Id, secret and algorithm of each SharedKey.
const SHARED: [(&str, &str, Algorithm); 2] =
    [("strong", "first shared secret", Algorithm::HmacSha256), ("weak", "second shared secret", Algorithm::HmacSha1)];
/// Public URLs, each with the URL prefixes that Twilio may have signed.
const BASES: [(&str, &[&str]); 4] = [
    ("https://gw.example.org", &["https://gw.example.org", "https://gw.example.org:443"]),
    ("http://gw.example.org/", &["http://gw.example.org", "http://gw.example.org:80"]),
    ("https://[2001:db8::1]:8443/in/", &["https://[2001:db8::1]:8443/in", "https://[2001:db8::1]/in"]),
    (
        "https://user:p%40ss@gw.example.org:8443/in",
        &[
            "https://user:p%40ss@gw.example.org:8443/in",
            "https://user:p%40ss@gw.example.org/in",
            "https://gw.example.org:8443/in",
            "https://gw.example.org/in",
        ],
    ),
];

/// Asserts that a request is accepted exactly if the second verifier accepts it.
///
/// Bytes of the first line: 0 selects the public URL; 1 selects whether the body is a form; 2 selects the signing key,
/// or the signature in line 4; 3 selects one of the accepted signed texts; 4 selects the change after signing.
pub fn run(mut input: &[u8]) {
    let how = line(&mut input);
    let mut read = || str::from_utf8(line(&mut input)).map(str::to_owned);
    let (Ok(target), Ok(settings), Ok(written)) = (read(), read(), read()) else { return };
    // The server's parser rejects these characters in a path or query.
    if target.contains(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '#') {
        return;
    }
    let (public_url, prefixes) = BASES[byte(how, 0) % BASES.len()];
    let is_form = !byte(how, 1).is_multiple_of(4);
    let mut target = format!("/{target}");
    let mut body = input.to_vec();
    let mut signature = match byte(how, 2) % 8 {
        key @ 0..=3 => {
            let texts = texts(prefixes, &target, is_form, &body);
            texts.get(byte(how, 3) % texts.len().max(1)).map(|text| signed(key, text)).unwrap_or_default()
        }
        _ => written,
    };
    match byte(how, 4) % 8 {
        1 => body.extend_from_slice(b"&x=1"),
        2 => target.push('1'),
        3 => signature = signature.trim_end_matches('=').to_owned(),
        4 => signature.push('='),
        5 => signature = signature.to_ascii_uppercase(),
        6 => body.extend_from_slice(b"&"),
        _ => {}
    }

    let tokens = TOKENS.iter().map(|token| Key::new("auth_tokens", token, Algorithm::HmacSha1));
    let shared = SHARED.iter().map(|(id, secret, algorithm)| Key::new(*id, secret, *algorithm));
    let keys = Keys::new(Base::new(public_url).expect("a URL"), tokens.collect(), shared.collect());
    let request =
        SignedRequest { target: &target, signature: Some(&signature), settings: Some(&settings), is_form, body: &body };
    let verified = keys.verify(&request);
    let readable = !is_form || Form::parse(&body).is_ok();
    let expected = readable
        && hash_fits(&target, &body)
        && texts(prefixes, &target, is_form, &body)
            .iter()
            .any(|text| allowed(&settings).into_iter().any(|key| signed(key, text) == signature));
    assert_eq!(verified.is_ok(), expected, "{verified:?}");
    if let Ok(verified) = verified {
        match verified.content() {
            Content::Form(form) => assert_eq!(Form::parse(&body).as_ref(), Ok(form), "other fields than were signed"),
            Content::Other => assert!(!is_form),
        }
    }
    assert!(keys.verify(&SignedRequest { signature: None, ..request }).is_err());
}

fn signed(key: usize, text: &str) -> String {
    match key {
        0 | 1 => naive::hmac_sha1(TOKENS[key], text.as_bytes()),
        _ => match SHARED[key - 2] {
            (_, secret, Algorithm::HmacSha256) => naive::hmac_sha256(secret, text.as_bytes()),
            (_, secret, Algorithm::HmacSha1) => naive::hmac_sha1(secret, text.as_bytes()),
        },
    }
}

/// Returns the indexes of keys that may have signed: the SharedKey in the header if its algorithm matches, or the
/// tokens.
fn allowed(settings: &str) -> Vec<usize> {
    let mut algorithm = None;
    let mut id = None;
    for part in settings.split(',') {
        match part.trim().split_once('=') {
            Some(("algorithm", value)) => algorithm = algorithm.or(Some(value)),
            Some(("key", value)) => id = id.or(Some(value)),
            _ => {}
        }
    }
    match algorithm {
        None | Some("") => vec![0, 1],
        Some(algorithm) => {
            let named = |(_, (key, _, own)): &(usize, &(&str, &str, Algorithm))| {
                *key == id.unwrap_or_default() && own.name() == algorithm
            };
            SHARED.iter().enumerate().filter(named).map(|(at, _)| at + 2).collect()
        }
    }
}

/// Returns whether the hash in the query, if any, is the hash of the body.
fn hash_fits(target: &str, body: &[u8]) -> bool {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let hash = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "bodySHA256");
    hash.is_none_or(|(_, hash)| hash == naive::sha256(body))
}

/// Returns every text that Twilio may have signed: combinations of URLs and field orders.
fn texts(prefixes: &[&str], target: &str, is_form: bool, body: &[u8]) -> Vec<String> {
    let mut targets = vec![target.to_owned()];
    if let Some((path, query)) = target.split_once('?') {
        targets.push(format!("{path}?{}", escaped(query)));
        targets.push(format!("{path}?{}", query.replace("%27", "'")));
    }
    let forms = match naive::form(body) {
        Some(pairs) if is_form => fields(pairs),
        _ => vec![String::new()],
    };
    let mut texts = Vec::new();
    for prefix in prefixes {
        for target in &targets {
            texts.extend(forms.iter().map(|form| format!("{prefix}{target}{form}")));
        }
    }
    texts
}

/// Returns a query as browsers escape it.
fn escaped(query: &str) -> String {
    let mut text = String::new();
    for byte in query.bytes() {
        match byte {
            0..=b' ' | b'"' | b'#' | b'\'' | b'<' | b'>' | 0x7f.. => text.push_str(&format!("%{byte:02X}")),
            _ => text.push(char::from(byte)),
        }
    }
    text
}

type Pair = (String, String);

/// Returns the fields in each order that Twilio's back ends use.
fn fields(pairs: Vec<Pair>) -> Vec<String> {
    let text = |order: &dyn Fn(&Pair, &Pair) -> Ordering| {
        let mut pairs = pairs.clone();
        pairs.sort_by(order);
        pairs.dedup();
        pairs.iter().map(|(name, value)| format!("{name}{value}")).collect::<String>()
    };
    let units = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
    let mut all =
        vec![text(&|a, b| (units(&a.0), units(&a.1)).cmp(&(units(&b.0), units(&b.1)))), text(&|a, b| a.cmp(b))];
    let ambiguous = pairs.iter().any(|a| pairs.iter().any(|b| a.0 == b.0 && a.1.len() != b.1.len()));
    if ambiguous {
        // Numbers come first, by value.
        let rank = |text: &str| match text.parse::<f64>() {
            Ok(number) => (0, number),
            Err(_) => (1, 0.0),
        };
        all.push(text(&|a, b| {
            let ((kind_a, number_a), (kind_b, number_b)) = (rank(&a.1), rank(&b.1));
            let texts = || if kind_a == 0 { a.1.cmp(&b.1) } else { units(&a.1).cmp(&units(&b.1)) };
            let names = units(&a.0).cmp(&units(&b.0));
            names.then(kind_a.cmp(&kind_b)).then(number_a.total_cmp(&number_b)).then_with(texts)
        }));
    }
    all
}
