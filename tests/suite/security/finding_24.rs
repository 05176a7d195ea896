//! Finding 24: of two equal headers the first is used.

use frontgate_tests::{Raw, Setup, signed_callback};

#[test]
fn a_security_relevant_header_must_be_unique() {
    let gateway = Setup::misbehaving().start();
    let table = [
        ("x-twilio-signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=", 403, "signature-mismatch"),
        ("content-type: application/json", 400, "ambiguous-request"),
        (
            "x-twilio-webhooks-signature-settings: a=b\r\nx-twilio-webhooks-signature-settings: a=b",
            400,
            "ambiguous-request",
        ),
        ("i-twilio-idempotency-token: a\r\ni-twilio-idempotency-token: b", 400, "ambiguous-request"),
        ("host: other.example.org", 400, "ambiguous-request"),
    ];
    for (lines, status, code) in table {
        let mut raw = Raw::connect(gateway.address());
        let answer = raw.send(signed_callback(&format!("{lines}\r\n"))).answer().expect("an answer");
        assert!(answer.status == status && answer.body.contains(code), "{lines}: {answer:?}");
    }
    let answer = Raw::connect(gateway.address()).send(signed_callback("i-twilio-idempotency-token: a\r\n")).answer();
    assert_eq!(answer.map(|answer| answer.status), Some(200));
}
