//! Measures costs of a call by counts. Unlike times, counts are the same on a slow or busy machine.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use frontgate_tests::{Gateway, PUBLIC_URL, Setup, TOKEN, list, sign};
use url::form_urlencoded;

/// The number of calls until pools, caches and buffers have their final size.
const WARM_UP: u64 = 1_000;
const CALLS: u64 = 4_000;

/// Returns the bytes of a signed list callback.
fn request(instruction: &str) -> Vec<u8> {
    let form = list(&[("Query", instruction)]);
    let signature = sign(TOKEN, &format!("{PUBLIC_URL}/callbacks/crm"), &form);
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    let kind = "application/x-www-form-urlencoded";
    format!(
        "POST /callbacks/crm HTTP/1.1\r\nhost: gw.example.org\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
         x-twilio-signature: {signature}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Reads one complete answer.
fn read_answer(stream: &mut BufReader<TcpStream>) {
    let (mut length, mut line) = (0, String::new());
    stream.read_line(&mut line).expect("a status");
    assert!(line.contains(" 200 "), "{line}");
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).expect("a header");
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
    }
    stream.read_exact(&mut vec![0; length]).expect("the body");
}

fn page_faults_per_call(gateway: &Gateway, instruction: &str) -> f64 {
    let request = request(instruction);
    let mut stream = BufReader::new(gateway.connect());
    let mut call = |times| {
        for _ in 0..times {
            stream.get_mut().write_all(&request).expect("the server reads");
            read_answer(&mut stream);
        }
    };
    call(WARM_UP);
    let before = gateway.page_faults();
    call(CALLS);
    (gateway.page_faults() - before) as f64 / CALLS as f64
}

#[test]
fn a_call_in_steady_state_causes_no_page_faults() {
    let gateway = Setup::misbehaving().start();
    for instruction in ["hello", "too-many 20"] {
        let faults = page_faults_per_call(&gateway, instruction);
        assert!(faults < 0.5, "{faults} page faults for each call that answers `{instruction}`");
    }
}
