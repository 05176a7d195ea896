//! Finding 32: unusual transfer codings are accepted.

use frontgate_tests::{Raw, Setup, signed_callback};

#[test]
fn transfer_codings_other_than_chunked_are_rejected() {
    let gateway = Setup::misbehaving().start();
    let codings = [
        "gzip, chunked",
        "identity, chunked",
        "chunked, chunked",
        "x, chunked",
        "chunked\r\ntransfer-encoding: chunked",
    ];
    for coding in codings {
        let mut raw = Raw::connect(gateway.address());
        // A verified connection would otherwise stay open.
        assert_eq!(raw.send(signed_callback("")).answer().map(|answer| answer.closes()), Some(false));
        let request =
            format!("POST /callbacks/crm HTTP/1.1\r\nhost: x\r\ntransfer-encoding: {coding}\r\n\r\n0\r\n\r\n");
        let answer = raw.send(request).answer().expect("an answer");
        assert!(answer.status == 400 && answer.closes() && raw.is_closed(), "{coding}: {answer:?}");
    }
}
