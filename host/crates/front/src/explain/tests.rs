use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE};

use serde_json::Value;

use super::*;
use crate::signature::{Key, SIGNATURE, WINDOW_MS};

const T: &str = "1700000000123";
const NOW_MS: u64 = 1_700_000_000_123;
const BODY: &str = r#"{"type":"message","payload":{"id":"msg_1","body":"Zoë 👋 a/b"}}"#;

fn keys(secret: &str) -> Keys {
    Keys::new(vec![Key::new("app_secrets[0]", secret)], WINDOW_MS)
}

fn hmac(secret: &[u8], text: &[u8]) -> Vec<u8> {
    KeyedHash::new(secret, Algorithm::HmacSha256).hash(&[text]).as_bytes().to_vec()
}

fn hmac1(text: &str) -> String {
    BASE64_STANDARD.encode(KeyedHash::new("hunter2", Algorithm::HmacSha1).hash(&[text.as_bytes()]).as_bytes())
}

/// Returns the explanation of a POST.
fn said(secret: &str, timestamp: Option<&str>, signature: &str) -> String {
    let request = SignedRequest { is_delete: false, timestamp, signature: Some(signature), body: BODY.as_bytes() };
    let refusal = keys(secret).verify(&request, NOW_MS).expect_err("signed differently");
    let acme = keys("acme's");
    let said = explain(&keys(secret), &request, refusal, &Surroundings { others: &[("acme", &acme)] }).to_string();
    assert!(!said.contains(secret.trim()) && !said.contains("Zo"), "{said}");
    said
}

#[test]
fn the_explanation_names_the_single_change_that_would_match() {
    let right = format!("{T}:{BODY}");
    let sign = |text: &str| BASE64_STANDARD.encode(hmac(b"hunter2", text.as_bytes()));
    let digest = hmac(b"hunter2", right.as_bytes());
    let hex = frontgate_signing::hex(&digest);
    let escapes = BODY.replace('ë', "\\u00eb").replace('👋', "\\ud83d\\udc4b");
    let python = escapes.replace(',', ", ").replace("\":", "\": ");
    let sorted = r#"{"payload":{"body":"Zoë 👋 a/b","id":"msg_1"},"type":"message"}"#;
    let table = [
        (hex.clone(), "instead of hexadecimal digits"),
        (hex.to_uppercase(), "instead of hexadecimal digits"),
        (BASE64_STANDARD_NO_PAD.encode(&digest), "instead of base64 without its `=`"),
        (BASE64_STANDARD.encode(hmac(b"acme's", right.as_bytes())), "with the keys of `acme`"),
        (sign(BODY), "if the time and a colon were signed before the body"),
        (hmac1(BODY), "rule webhook"),
        (hmac1(&right), "HMAC-SHA256 instead of HMAC-SHA1"),
        (sign(&format!("1700000000:{BODY}")), "the timestamp were in seconds"),
        (sign(&format!("{T}:{BODY}\n")), "ended with a line feed"),
        (sign(&format!("{T}:{escapes}")), "`\\u` escapes for all but ASCII"),
        (sign(&format!("{T}:{python}")), "spaces and `\\u` escapes"),
        (sign(&format!("{T}:{sorted}")), "keys were sorted"),
        (sign(&format!("{T}:{}", BODY.replace('/', "\\/"))), "as PHP writes it"),
        (sign(&format!("{T}:undefined")), "if the request were a DELETE"),
    ];
    for (signature, words) in table {
        let said = said("hunter2", Some(T), &signature);
        assert!(said.contains("it would match") && said.contains(words), "{words}: {said}");
        assert!(said.contains("app_secrets[0]"), "{said}");
    }
    let url = BASE64_URL_SAFE.encode(hmac(b"hunter2", format!("7:{BODY}").as_bytes()));
    assert!(url.contains(['-', '_']), "another time is needed here: {url}");
    let said = said("hunter2", Some("7"), &url);
    assert!(said.contains("alphabet of URLs"), "{said}");
}

#[test]
fn a_secret_in_another_form_is_recognised() {
    let right = format!("{T}:{BODY}");
    let sign = |secret: &[u8]| BASE64_STANDARD.encode(hmac(secret, right.as_bytes()));
    let table: [(&str, &[u8], &str); 4] = [
        (" hunter2 ", b"hunter2", "no white space around it"),
        ("hunter2", b"hunter2\n", "ended with a line feed"),
        ("00fFa7", &[0x00, 0xff, 0xa7], "decoded from hexadecimal digits"),
        ("aHVudGVyMg==", b"hunter2", "decoded from base64"),
    ];
    for (configured, used, words) in table {
        let said = said(configured, Some(T), &sign(used));
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn a_body_that_was_formatted_on_its_way_is_recognised() {
    let signature = keys("hunter2").sign(T, BODY.as_bytes()).expect("a key");
    let value: Value = serde_json::from_str(BODY).expect("JSON");
    let pretty = serde_json::to_string_pretty(&value).expect("JSON");
    for body in [pretty, format!(" {BODY}\n")] {
        let request =
            SignedRequest { is_delete: false, timestamp: Some(T), signature: Some(&signature), body: body.as_bytes() };
        let refusal = keys("hunter2").verify(&request, NOW_MS).expect_err("another body");
        let said = explain(&keys("hunter2"), &request, refusal, &Surroundings { others: &[] }).to_string();
        assert!(said.contains("as JavaScript writes it") || said.contains("no white space around it"), "{said}");
    }
}

#[test]
fn a_rule_webhook_is_recognised_by_its_headers() {
    let said = said("hunter2", None, &hmac1(BODY));
    assert!(said.contains("no x-front-request-timestamp header") && said.contains("rule webhook"), "{said}");
}

#[test]
fn an_unexplained_mismatch_says_so() {
    let said = said("hunter2", Some(T), &BASE64_STANDARD.encode([7; 32]));
    assert!(said.contains("no single change") && said.contains("the secret of the app"), "{said}");
    let request = SignedRequest { is_delete: false, timestamp: Some(T), signature: None, body: b"" };
    let refusal = keys("hunter2").verify(&request, NOW_MS).expect_err("unsigned");
    let said = explain(&keys("hunter2"), &request, refusal, &Surroundings { others: &[] }).to_string();
    assert_eq!(said, format!("no {SIGNATURE} header; tried with app_secrets[0]"));
}

#[test]
fn a_late_request_needs_no_other_reason() {
    let signature = keys("hunter2").sign(T, b"{}").expect("a key");
    let request = SignedRequest { is_delete: false, timestamp: Some(T), signature: Some(&signature), body: b"{}" };
    let refusal = keys("hunter2").verify(&request, NOW_MS + 400_000).expect_err("late");
    let said = explain(&keys("hunter2"), &request, refusal, &Surroundings { others: &[] }).to_string();
    assert_eq!(
        said,
        "signature valid, but request is 400000 ms old (signature_window_ms = 300000); check the gateway's clock"
    );
}
