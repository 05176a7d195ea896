use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::explain::{Surroundings, explain};

const U: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
const P: &str = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
const REASONS: &str = "&ReasonConferenceEnded=test&Reason=Participant";

fn base(url: &str) -> Base {
    Base::new(url.strip_suffix(target(url)).expect("a path")).expect("a URL")
}

/// Returns path and query as in the URL; a URL parser would escape them again.
fn target(url: &str) -> &str {
    let (_, rest) = url.split_once("://").expect("a scheme");
    &rest[rest.find('/').unwrap_or(rest.len())..]
}

fn keys(url: &str, tokens: &[&str]) -> Keys {
    let token = |(index, token): (usize, &&str)| Key::new(format!("auth_tokens[{index}]"), token, Algorithm::HmacSha1);
    Keys::new(base(url), tokens.iter().enumerate().map(token).collect(), Vec::new())
}

fn form<'r>(target: &'r str, body: &'r str, signature: &'r str) -> SignedRequest<'r> {
    SignedRequest { target, signature: Some(signature), settings: None, is_form: true, body: body.as_bytes() }
}

fn accepted(url: &str, token: &str, body: &str, signature: &str) -> bool {
    keys(url, &[token]).verify(&form(target(url), body, signature)).is_ok()
}

#[test]
fn the_official_vectors_are_accepted() {
    let reasons = format!("{P}{REASONS}");
    let numbers = "MessagingBinding.Address=%2B1415xxxxxxx&MessagingBinding.Address=%2B1325xxxxxxx";
    let repeated = "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234";
    let docs = "Caller=%2B12349013030&From=%2B12349013030&To=%2B18005551212&CallSid=CA1234567890ABCDE&Digits=1234";
    let apostrophe = "https://mycompany.com/myapp.php?foo=1&bar=2&Body=It's+amazing";
    let table = [
        ("A1", U, P, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("A1", "https://mycompany.com:1234/myapp.php?foo=1&bar=2", P, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("A5", "http://mycompany.com:1234/myapp.php?foo=1&bar=2", P, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        ("A6", U, P, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("A7", "http://mycompany.com/myapp.php?foo=1&bar=2", P, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        ("A8", "https://user:pass@mycompany.com/myapp.php?foo=1&bar=2", P, "CukzLTc1tT5dXEDIHm/tKBanW10="),
        ("A9", "https://user:pass@mycompany.com/myapp.php?foo=1&bar=2", P, "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI="),
        ("A10", "https://user@mycompany.com/myapp.php?foo=1&bar=2", P, "2YRLlVAflCqxaNicjMpJcSTgzSs="),
        ("A11", "https://user@mycompany.com/myapp.php?foo=1&bar=2", P, "aZfj4hyX1MLZhSS6QIL18Vn2/RA="),
        (
            "without the userinfo",
            "https://user:pass@mycompany.com/myapp.php?foo=1&bar=2",
            P,
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        ),
        ("A12", apostrophe, P, "TfZzewPq8wqrGlMfyAud8+/IvJ0="),
        ("A13", U, numbers, "83O6e2vORAoJHUNzJjDWN1jz+BA="),
        ("A14", U, repeated, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        ("G1", U, &reasons, "vOEb5UThFn24KEfnOFLQY2AE5FY="),
        ("G2", "http://mycompany.com/myapp.php?foo=1&bar=2", &reasons, "n2xBNyzSW7rfYStDtOFiFMv7qNo="),
        ("G4", U, "property=value&boolean=true", "NBdBDr/T/lgjI+tlgpXjKZQZs/k="),
        ("J1", U, "", "zYQTYrRWXE7LtzbG4PfP7/bkkGo="),
        ("J2", "https://mycompany.com/myapp.php", P, "1xaxFBvyzXYvWplzNOSs28HWO94="),
        ("D1", U, docs, "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
    ];
    for (name, url, body, signature) in table {
        assert!(accepted(url, "12345", body, signature), "{name}");
        assert!(!accepted(url, "12346", body, signature), "{name} with another token");
    }
}

#[test]
fn the_official_negatives_are_rejected() {
    let sorted_by_name_and_value = "95+Bu0JVPi0r/SsESZCVf0dWAjw=";
    assert!(!accepted(U, "12345", &format!("{P}{REASONS}"), sorted_by_name_and_value));
    for signature in ["", "WRONG", "NOTRSOYDt4T1cUTdK1PDd93/VVr8B8=", "RSOYDt4T1cUTdK1PDd93/VVr8B8"] {
        assert!(!accepted(U, "12345", P, signature), "{signature}");
    }
    let unsigned = SignedRequest { signature: None, ..form(target(U), P, "") };
    assert_eq!(keys(U, &["12345"]).verify(&unsigned).err(), Some(Refusal::Missing));
}

#[test]
fn frontlines_own_shapes_are_accepted() {
    let token = "0123456789abcdef0123456789abcdef";
    let crm = "https://gw.example.org/callbacks/crm";
    let list = "PageSize=30&Worker=ana%40example.org&Location=GetCustomersList";
    let outgoing = "ChannelValue=whatsapp%3A%2B15550100001&Worker=ana%40example.org&CustomerId=c-7&ChannelType=whatsapp&Location=GetProxyAddress";
    let group = "AccountSid=AC00000000000000000000000000000000&EventType=onConversationAdd&MessagingBinding.Address=%2B15550100003&MessagingBinding.Address=%2B15550100002&MessagingBinding.AuthorAddress=%2B15550100001&Attributes=%7B%7D";
    let table = [
        (crm, list.to_owned(), "s2CtMMaHim3NJMHegEkv7iufnHI="),
        (crm, list.to_owned(), "B2EzWN4lXtfY1z87f5TZzQP6IMU="),
        (
            "https://gw.example.org/callbacks/crm?tenant=a%20b&x=1",
            format!("{list}&Query=Zo%C3%AB+%26+co+"),
            "FJG20yQVxgUHCglOPPS8B14Ah6M=",
        ),
        ("https://gw.example.org/callbacks/outgoing-conversation", outgoing.to_owned(), "oSizfTQ092GQYLdhfIY2LJCgyr8="),
        ("https://gw.example.org/callbacks/conversations", group.to_owned(), "XzzgTg6c2jLXDBzw1fHxS1U2jSU="),
        ("https://gw.example.org/callbacks/conversations", "a=1&B=2&A=".to_owned(), "H5Reu/rub++X5Gh0dX5Z2XnKWGE="),
        (crm, String::new(), "3glXU0Ytgoe2sweTywXq5oQZAt0="),
    ];
    for (url, body, signature) in table {
        assert!(accepted(url, token, &body, signature), "{url} {body}");
    }
}

#[test]
fn a_body_that_is_not_a_form_must_match_its_hash() {
    let body = r#"{"property": "value", "boolean": true}"#;
    let hash = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    let empty = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let table = [
        (format!("/myapp.php?foo=1&bar=2&bodySHA256={hash}"), body, "a9nBmqA0ju/hNViExpshrM61xv4="),
        (format!("/myapp.php?foo=1&bar=2&bodySHA256={empty}"), "{}", "Ldidvp12m26NI7eqEvxnEpkd9Hc="),
        (format!("/myapp.php?bodySHA256={hash}"), body, "y77kIzt2vzLz71DgmJGsen2scGs="),
    ];
    let keys = keys(U, &["12345"]);
    for (target, body, signature) in &table {
        let request = SignedRequest { is_form: false, ..form(target, body, signature) };
        assert!(keys.verify(&request).is_ok(), "{target}");
        let other = SignedRequest { body: b"[]", ..request };
        assert_eq!(keys.verify(&other).err(), Some(Refusal::BodyHash), "{target}");
    }
}

#[test]
fn every_configured_token_is_accepted() {
    let keys = keys(U, &["another", "12345"]);
    assert!(keys.verify(&form(target(U), P, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")).is_ok());
}

#[test]
fn a_shared_key_is_chosen_by_its_id_and_never_weakened() {
    let strong = Key::new("webhooks_sharedkey_1", "secret", Algorithm::HmacSha256);
    let weak = Key::new("webhooks_sharedkey_1", "secret", Algorithm::HmacSha1);
    let keys = Keys::new(base(U), vec![Key::new("auth_tokens[0]", "12345", Algorithm::HmacSha1)], vec![strong.clone()]);
    let (strong, weak) = (strong.sign(U, "a1"), weak.sign(U, "a1"));
    let by_token = keys.tokens[0].sign(U, "a1");
    let id = "key=webhooks_sharedkey_1";
    let table = [
        (format!("{id},algorithm=HMAC_SHA256"), &strong, Ok(())),
        (format!("{id},algorithm=HMAC_SHA256"), &weak, Err("no configured key produces that length")),
        (format!("{id},algorithm=HMAC_SHA256"), &by_token, Err("no configured key produces that length")),
        (format!("{id},algorithm=HMAC_SHA1"), &weak, Err("configured for HMAC_SHA256")),
        (format!("{id},algorithm=NONE"), &strong, Err("configured for HMAC_SHA256")),
        ("key=webhooks_sharedkey_2,algorithm=HMAC_SHA256".to_owned(), &strong, Err("not in shared_keys")),
        (id.to_owned(), &by_token, Ok(())),
        (id.to_owned(), &strong, Err("no configured key produces that length")),
        (String::new(), &by_token, Ok(())),
    ];
    for (settings, signature, want) in table {
        let request = SignedRequest { settings: Some(&settings), ..form(target(U), "a=1", signature) };
        match (keys.verify(&request), want) {
            (Ok(_), Ok(())) => {}
            (Err(refusal), Err(words)) => assert!(refusal.to_string().contains(words), "{settings}: {refusal}"),
            (got, want) => panic!("{settings}: {got:?}, not {want:?}"),
        }
    }
}

#[derive(Deserialize)]
struct Case {
    public_url: String,
    target: String,
    token: String,
    body: String,
    signature: String,
}

fn cases() -> Vec<Case> {
    let fixture = include_str!("../../../../../tests/fixtures/twilio-signatures.json");
    serde_json::from_str(fixture).expect("the fixture")
}

fn accepts(case: &Case) -> bool {
    let base = Base::new(&case.public_url).expect("a URL");
    let keys = Keys::new(base, vec![Key::new("auth_tokens[0]", &case.token, Algorithm::HmacSha1)], Vec::new());
    keys.verify(&form(&case.target, &case.body, &case.signature)).is_ok()
}

#[test]
fn signatures_of_twilios_library_are_accepted() {
    for case in cases() {
        assert!(accepts(&case), "{} {} {}", case.public_url, case.target, case.body);
    }
}

#[test]
fn no_bit_of_a_signature_may_differ() {
    for mut case in cases().into_iter().step_by(20) {
        let signature = case.signature.clone();
        for bit in 0..signature.len() * 8 {
            let mut bytes = signature.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            case.signature = changed;
            assert!(!accepts(&case), "bit {bit} of {signature}");
        }
    }
}

#[test]
fn no_bit_of_target_or_body_may_differ_unless_the_fields_stay_the_same() {
    let fields = |body: &str| Form::parse(body.as_bytes()).ok().map(|form| candidates::texts(&form));
    for case in cases().into_iter().step_by(20) {
        for bit in 0..(case.target.len() + case.body.len()) * 8 {
            let mut text = format!("{}{}", case.target, case.body).into_bytes();
            text[bit / 8] ^= 1 << (bit % 8);
            let Ok(text) = String::from_utf8(text) else { continue };
            let Some((target, body)) = text.split_at_checked(case.target.len()) else { continue };
            let same = target == case.target && fields(body) == fields(&case.body);
            let changed = Case {
                target: target.to_owned(),
                body: body.to_owned(),
                signature: case.signature.clone(),
                public_url: case.public_url.clone(),
                token: case.token.clone(),
            };
            assert_eq!(accepts(&changed), same, "bit {bit}: {target} {body}");
        }
    }
}

#[test]
fn the_explanation_names_the_single_change_that_would_match() {
    let body = "Worker=ana%40example.org&Zip=a+";
    let whole = candidates::texts(&Form::parse(body.as_bytes()).expect("a form")).swap_remove(0);
    let (gw, token) = ("https://gw.example.org", "12345");
    let sign = |token: &str, url: &str, form: &str| Key::new("", token, Algorithm::HmacSha1).sign(url, form);
    let table = [
        (
            "http://gw.example.org",
            "/c",
            sign(token, "https://gw.example.org/c", &whole),
            "if public_url were https://gw.example.org",
        ),
        (
            gw,
            "/c",
            sign(token, "https://tunnel.example.com/c", &whole),
            "if public_url were https://tunnel.example.com",
        ),
        (gw, "/c", sign(token, "https://gw.example.org/c/", &whole), "if the URL at Twilio ended with a slash"),
        (gw, "/c/", sign(token, "https://gw.example.org/c", &whole), "if the URL at Twilio had no slash"),
        (gw, "/c?added=1", sign(token, "https://gw.example.org/c", &whole), "without the query string"),
        (gw, "/c?b=1&a=2", sign(token, "https://gw.example.org/c?a=2&b=1", &whole), "if the query were sorted"),
        (gw, "/c", sign(token, "https://gw.example.org/c", ""), "without the form"),
        (gw, "/c", sign(token, "https://gw.example.org/c", whole.trim_end()), "values were trimmed"),
        (gw, "/c", sign("acme's", "https://gw.example.org/c", &whole), "with the keys of tenant `acme`"),
    ];
    let acme = keys(gw, &["acme's"]);
    let around = Surroundings { host: Some("tunnel.example.com"), others: &[("acme", &acme)] };
    for (public_url, target, signature, words) in table {
        let keys = keys(public_url, &[token]);
        let request = form(target, body, &signature);
        let refusal = keys.verify(&request).expect_err("signed differently");
        let said = explain(&keys, &request, refusal, &around).to_string();
        assert!(said.contains(words), "{words}: {said}");
        assert!(said.contains("auth_tokens[0]") && !said.contains(token) && !said.contains("ana"), "{said}");
    }
}

proptest! {
    #[test]
    fn repeated_values_of_numbers_and_words_have_an_order(
        values in proptest::collection::vec("[0-9]{1,3}|[0-9]{1,2}[a-z]|[a-z-]{1,3}", 0..80),
    ) {
        let body: Vec<String> = values.iter().map(|value| format!("a={value}")).collect();
        let form = Form::parse(body.join("&").as_bytes()).map(|form| candidates::texts(&form).len());
        prop_assert!(form.is_ok());
    }

    #[test]
    fn any_input_is_rejected_without_a_panic(
        target in "/[ -~]{0,40}",
        signature in ".{0,40}",
        settings in proptest::option::of(".{0,40}"),
        body in proptest::collection::vec(any::<u8>(), 0..100),
        is_form: bool,
    ) {
        let keys = keys("https://u:p@gw.example.org:8443/", &["token"]);
        let request = SignedRequest { target: &target, signature: Some(&signature), settings: settings.as_deref(), is_form, body: &body };
        let refusal = keys.verify(&request).expect_err("a random signature");
        let around = Surroundings { host: Some("x"), others: &[] };
        explain(&keys, &request, refusal, &around).to_string();
    }
}
