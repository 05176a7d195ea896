use proptest::prelude::*;

use super::*;
use crate::explain::{Surroundings, explain};

const SECRET: &str = "channel-secret-for-tests-0001";
const T: &str = "1700000000123";
const NOW_MS: u64 = 1_700_000_000_123;

const V1: (&str, &str) = (
    r#"{"type":"authorization","payload":{"channel_id":"cha_test1"}}"#,
    "fNpbTLSbBCVDaiaFn5nQvuw/Ie+YKU+6cQTvocBweU8=",
);
const V1_HEX: &str = "7cda5b4cb49b0425436a26859f99d0beec3f21ef98294fba7104efa1c070794f";
const V2: (&str, &str) = (
    r#"{"type":"message","payload":{"id":"msg_test1","type":"custom","is_inbound":false,"created_at":1700000000.123,"body":"Café ☕ 👋","text":"Café ☕ 👋","recipients":[{"handle":"+15550100","role":"to"}],"attachments":[]},"metadata":{"external_conversation_ids":["conv-1"]}}"#,
    "RXMWj68L/+/xaZsn/+XKeY3LWWAIqcHDNZURHNSp0iA=",
);
const V2_ESCAPED: &str = "3lpiDTa4Cc5UShcjWgcan1ISb9sAvWRWY2OG/Q5IKsE=";
const V2_SPACED: &str = "pESY5Mv9UO5qr30nPmozIKCktVHNMX+sAc3rE0J3x/g=";
const V2_SORTED: &str = "PZk8mb0p3AFu0rqTCyuc1CTtrm0tDvPNdIOk5SuUxW0=";
const V3: &str = "RaPEaR5ksX5aULWAquTYd/4v5C9l2u3sZdj/8OQ3moU=";
const V4: &str = "iFA56dscqWNXxB7XDjBlFlMePXOOZVLsRoGU89qWJCw=";
const V5: (&str, &str) =
    (r#"{"type":"delete","payload":{"channel_id":"cha_test1"}}"#, "xOtdWPf5MHi9Af4aCLdZbokDISGqAo+QL2000iYs15o=");

fn keys(secrets: &[&str]) -> Keys {
    let key = |(index, secret): (usize, &&str)| Key::new(format!("app_secrets[{index}]"), secret);
    Keys::new(secrets.iter().enumerate().map(key).collect(), WINDOW_MS)
}

fn post<'r>(body: &'r [u8], signature: &'r str) -> SignedRequest<'r> {
    SignedRequest { is_delete: false, timestamp: Some(T), signature: Some(signature), body }
}

fn delete<'r>(body: &'r [u8], signature: &'r str) -> SignedRequest<'r> {
    SignedRequest { is_delete: true, ..post(body, signature) }
}

fn refusal(request: &SignedRequest<'_>) -> Option<Refusal> {
    keys(&[SECRET]).verify(request, NOW_MS).err()
}

#[test]
fn the_vectors_are_accepted_and_signed() {
    for (body, signature) in [V1, V2, V5, ("undefined", V3), ("", V4)] {
        let verified = keys(&[SECRET]).verify(&post(body.as_bytes(), signature), NOW_MS).expect(body);
        assert_eq!((verified.content(), verified.sent_ms), (Content::Body(body.as_bytes()), NOW_MS));
        assert_eq!(keys(&[SECRET]).sign(T, body.as_bytes()).as_deref(), Some(signature));
    }
    assert_eq!((V1.0.len(), V2.0.len(), V5.0.len()), (61, 277, 54));
}

#[test]
fn a_reserialised_body_is_rejected() {
    for signature in [V2_ESCAPED, V2_SPACED, V2_SORTED, V1.1, V3, V4] {
        assert_eq!(refusal(&post(V2.0.as_bytes(), signature)), Some(Refusal::Mismatch), "{signature}");
    }
    let value: serde_json::Value = serde_json::from_str(V2.0).expect("JSON");
    let pretty = serde_json::to_vec_pretty(&value).expect("JSON");
    assert_eq!(refusal(&post(&pretty, V2.1)), Some(Refusal::Mismatch));
    for body in [r#"{"a":1,"a":2}"#, r#"{"n":10.0}"#, r#"{"s":"\/"}"#, r#"{"s":"\ud800"}"#, "{ \"a\" : 1 }\n"] {
        let signature = keys(&[SECRET]).sign(T, body.as_bytes()).expect("a key");
        assert_eq!(refusal(&post(body.as_bytes(), &signature)), None, "{body}");
    }
}

#[test]
fn a_refusal_has_its_reason() {
    let whole = post(V1.0.as_bytes(), V1.1);
    let table = [
        (SignedRequest { timestamp: None, ..whole }, Refusal::Missing(TIMESTAMP)),
        (SignedRequest { signature: None, ..whole }, Refusal::Missing(SIGNATURE)),
        (SignedRequest { timestamp: Some("soon"), ..whole }, Refusal::Timestamp),
        (SignedRequest { timestamp: Some(""), ..whole }, Refusal::Timestamp),
        (SignedRequest { signature: Some(V1_HEX), ..whole }, Refusal::Length(64)),
        (SignedRequest { signature: Some(""), ..whole }, Refusal::Length(0)),
        (SignedRequest { signature: Some(&V1.1[..43]), ..whole }, Refusal::Length(43)),
        (
            SignedRequest { signature: Some("fNpbTLSbBCVDaiaFn5nQvuw_Ie-YKU-6cQTvocBweU8="), ..whole },
            Refusal::NotBase64,
        ),
        // The unused bits of the last character differ: a second notation of the same bytes.
        (
            SignedRequest { signature: Some("fNpbTLSbBCVDaiaFn5nQvuw/Ie+YKU+6cQTvocBweU9="), ..whole },
            Refusal::NotBase64,
        ),
        (SignedRequest { timestamp: Some("1700000000124"), ..whole }, Refusal::Mismatch),
        (SignedRequest { timestamp: Some("01700000000123"), ..whole }, Refusal::Mismatch),
        (SignedRequest { body: b"", ..whole }, Refusal::Mismatch),
    ];
    for (request, want) in table {
        assert_eq!(refusal(&request), Some(want), "{request:?}");
    }
    assert_eq!(keys(&[]).verify(&whole, NOW_MS).err(), Some(Refusal::Mismatch));
}

#[test]
fn each_of_several_secrets_is_accepted_and_named() {
    let verified = keys(&["the next one", SECRET]).verify(&post(V1.0.as_bytes(), V1.1), NOW_MS).expect("signed");
    assert_eq!(verified.key, "app_secrets[1]");
    assert!(!format!("{:?}", keys(&[SECRET])).contains(SECRET));
}

#[test]
fn a_delete_may_be_signed_without_its_body() {
    let table = [
        (delete(V5.0.as_bytes(), V5.1), Some(Content::Body(V5.0.as_bytes()))),
        (delete(V5.0.as_bytes(), V3), Some(Content::AddressOnly)),
        (delete(b"", V3), Some(Content::AddressOnly)),
        (delete(b"", V4), Some(Content::Body(b""))),
        (delete(V5.0.as_bytes(), V4), None),
        (post(V5.0.as_bytes(), V3), None),
        (post(b"", V3), None),
    ];
    for (request, want) in table {
        let got = keys(&[SECRET]).verify(&request, NOW_MS).ok();
        assert_eq!(got.as_ref().map(Verified::content), want, "{request:?}");
        assert!(got.is_none_or(|verified| verified.is_delete()));
    }
}

#[test]
fn the_window_has_two_borders() {
    let window_ms = 300_000;
    for (timestamp, sent_ms) in [(T, NOW_MS), ("1700000000", 1_700_000_000_000)] {
        let signature = keys(&[SECRET]).sign(timestamp, b"{}").expect("a key");
        let request = SignedRequest { timestamp: Some(timestamp), ..post(b"{}", &signature) };
        let verify = |now_ms| keys(&[SECRET]).verify(&request, now_ms).map(|verified| verified.until_ms);
        let until_ms = sent_ms + window_ms + 1;
        for now_ms in [sent_ms, sent_ms + window_ms, sent_ms - window_ms, until_ms - 1] {
            assert_eq!(verify(now_ms), Ok(until_ms), "{timestamp} at {now_ms}");
        }
        assert_eq!(verify(until_ms), Err(Refusal::TooOld { age_ms: window_ms + 1, window_ms }));
        assert_eq!(verify(sent_ms - window_ms - 1), Err(Refusal::TooNew { ahead_ms: window_ms + 1, window_ms }));
        assert_eq!(verify(0), Err(Refusal::TooNew { ahead_ms: sent_ms, window_ms }));
        assert_eq!(verify(u64::MAX), Err(Refusal::TooOld { age_ms: u64::MAX - sent_ms, window_ms }));
    }
    let narrow = Keys::new(vec![Key::new("k", SECRET)], 0);
    assert!(narrow.verify(&post(V1.0.as_bytes(), V1.1), NOW_MS).is_ok());
    assert!(narrow.verify(&post(V1.0.as_bytes(), V1.1), NOW_MS + 1).is_err());
}

/// Flips one bit of a text, or returns `None` if the result is not text.
fn flipped(text: &str, bit: usize) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    String::from_utf8(bytes).ok()
}

#[test]
fn no_bit_may_differ() {
    for (body, signature) in [V1, V2, V5] {
        let whole = delete(body.as_bytes(), signature);
        for bit in 0..body.len() * 8 {
            let mut changed = body.as_bytes().to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(refusal(&delete(&changed, signature)), Some(Refusal::Mismatch), "bit {bit} of {body}");
        }
        for changed in (0..signature.len() * 8).filter_map(|bit| flipped(signature, bit)) {
            assert!(refusal(&SignedRequest { signature: Some(&changed), ..whole }).is_some(), "{changed}");
        }
        for changed in (0..T.len() * 8).filter_map(|bit| flipped(T, bit)) {
            let refusal = refusal(&SignedRequest { timestamp: Some(&changed), ..whole });
            assert!(matches!(refusal, Some(Refusal::Mismatch | Refusal::Timestamp)), "{changed}");
        }
    }
}

proptest! {
    #[test]
    fn a_signed_request_is_accepted_and_no_bit_of_it_may_differ(
        secret in "\\PC{1,40}",
        body in proptest::collection::vec(any::<u8>(), 1..80),
        at in 1_000_000_000_u64..2_000_000_000_000,
        bit in any::<prop::sample::Index>(),
    ) {
        let (keys, timestamp) = (keys(&[&secret]), at.to_string());
        let signature = keys.sign(&timestamp, &body).expect("a key");
        let whole = SignedRequest { timestamp: Some(&timestamp), ..post(&body, &signature) };
        let now_ms = time::unix_ms(at);
        prop_assert!(keys.verify(&whole, now_ms).is_ok());
        let bit = bit.index(body.len() * 8);
        let mut changed = body.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(keys.verify(&SignedRequest { body: &changed, ..whole }, now_ms).err(), Some(Refusal::Mismatch));
        let other = Key::new("other", &format!("{secret}x")).sign(&timestamp, &body);
        let forged = keys.verify(&SignedRequest { signature: Some(&other), ..whole }, now_ms);
        prop_assert_eq!(forged.err(), Some(Refusal::Mismatch));
    }

    #[test]
    fn any_input_is_rejected_without_a_panic(
        is_delete: bool,
        timestamp in proptest::option::of("[0-9]{0,25}|\\PC{0,20}"),
        signature in proptest::option::of("[A-Za-z0-9+/]{43}=|[0-9a-f]{64}|\\PC{0,50}"),
        body in proptest::collection::vec(any::<u8>(), 0..100),
        now_ms: u64,
    ) {
        let keys = keys(&["secret", "c2VjcmV0", "00ff"]);
        let (timestamp, signature) = (timestamp.as_deref(), signature.as_deref());
        let request = SignedRequest { is_delete, timestamp, signature, body: &body };
        let refusal = keys.verify(&request, now_ms).expect_err("a random signature");
        let said = explain(&keys, &request, refusal, &Surroundings { others: &[("acme", &keys)] }).to_string();
        prop_assert!(!said.contains("it would match"), "{}", said);
    }
}
