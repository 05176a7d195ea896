//! Front's `Keys::verify`, compared with a second verifier.
//!
//! An input is three lines and a body: signing options (see [`run`]), the timestamp, a signature; then the body.

use frontgate_front::signature::{Content, Key, Keys, Refusal, SignedRequest};

use super::{byte, line, naive};

const SECRETS: [&str; 3] =
    ["first-secret", "second-secret", "a-secret-that-is-longer-than-one-block-of-the-hash-function-which-is-64"];
const WINDOW_MS: u64 = 300_000;
const NOW_MS: u64 = 1_700_000_000_000;

/// Asserts that a request is accepted exactly if the second verifier accepts it.
///
/// Bytes of the first line: 0 selects POST or DELETE; 1 selects the signing key, or the signature in line 3; 2 selects
/// the signed content, the body or `undefined`; 3 selects the change after signing.
pub fn run(mut input: &[u8]) {
    let how = line(&mut input);
    let (Ok(timestamp), Ok(written)) = (str::from_utf8(line(&mut input)), str::from_utf8(line(&mut input))) else {
        return;
    };
    let is_delete = byte(how, 0) % 2 == 1;
    let signed = if byte(how, 2) % 2 == 1 { b"undefined" } else { input };
    let mut signature = match SECRETS.get(byte(how, 1) % 4) {
        Some(secret) => sign(secret, timestamp, signed),
        None => written.to_owned(),
    };
    let (mut timestamp, mut body) = (timestamp.to_owned(), input.to_vec());
    match byte(how, 3) % 8 {
        1 => body.push(b' '),
        2 => timestamp.insert(0, '0'),
        3 => signature = signature.trim_end_matches('=').to_owned(),
        4 => signature.push('='),
        5 => signature = signature.to_ascii_lowercase(),
        6 => timestamp.push('0'),
        _ => {}
    }

    let keys = SECRETS.iter().enumerate().map(|(index, secret)| Key::new(format!("app_secrets[{index}]"), secret));
    let keys = Keys::new(keys.collect(), WINDOW_MS);
    let request = SignedRequest { is_delete, timestamp: Some(&timestamp), signature: Some(&signature), body: &body };
    let verified = keys.verify(&request, NOW_MS);
    let signs = |text: &[u8]| SECRETS.iter().any(|secret| sign(secret, &timestamp, text) == signature);
    let (by_body, by_absence) = (signs(&body), is_delete && signs(b"undefined"));
    let sent_ms = sent_ms(&timestamp);
    let in_time = sent_ms.is_some_and(|sent_ms| NOW_MS.abs_diff(sent_ms) <= WINDOW_MS);
    assert_eq!(verified.is_ok(), (by_body || by_absence) && in_time, "{verified:?}");
    match verified {
        Ok(verified) => {
            let content = if by_body { Content::Body(&body) } else { Content::AddressOnly };
            assert_eq!((verified.content(), verified.is_delete()), (content, is_delete));
            assert_eq!(Some(verified.sent_ms), sent_ms);
            assert!(verified.until_ms > NOW_MS, "a replay is recognized while it would be accepted");
        }
        Err(Refusal::TooOld { .. } | Refusal::TooNew { .. }) => {
            assert!(by_body || by_absence, "the time is revealed to an unverified caller")
        }
        Err(_) => {}
    }
    for request in [SignedRequest { timestamp: None, ..request }, SignedRequest { signature: None, ..request }] {
        assert!(matches!(keys.verify(&request, NOW_MS), Err(Refusal::Missing(_))));
    }
}

fn sign(secret: &str, timestamp: &str, body: &[u8]) -> String {
    naive::hmac_sha256(secret, &[timestamp.as_bytes(), b":", body].concat())
}

/// Returns the time in milliseconds. Numbers up to 100,000,000,000 are seconds.
fn sent_ms(timestamp: &str) -> Option<u64> {
    let mut number: u64 = 0;
    for letter in timestamp.chars() {
        let digit = letter.is_ascii_digit().then(|| u64::from(letter) - u64::from('0'))?;
        number = number.checked_mul(10)?.checked_add(digit)?;
    }
    match number {
        _ if timestamp.is_empty() => None,
        0..=100_000_000_000 => Some(number * 1_000),
        _ => Some(number),
    }
}
