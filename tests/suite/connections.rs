//! Tests that slow, silent, oversized and excess connections are closed in time while other connections are served.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;

use frontgate_tests::{Gateway, Setup, eventually};

/// Returns all bytes that the server sends until it closes the connection.
fn until_closed(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset closes the connection too.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn send(gateway: &Gateway, text: &str) -> TcpStream {
    let mut stream = gateway.connect();
    stream.write_all(text.as_bytes()).expect("the server reads");
    stream
}

/// An invalid signature of the right length, so that the gateway reads the body.
const SIGNATURE: &str = "x-twilio-signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n";

fn with_short_timeouts() -> Setup {
    Setup::misbehaving().set("server.header_timeout_ms", "300").set("server.body_timeout_ms", "300")
}

#[test]
fn slow_clients_time_out_while_others_are_served() {
    let gateway = with_short_timeouts().start();
    let post = format!("POST /callbacks/crm HTTP/1.1\r\nhost: x\r\n{SIGNATURE}");
    let table = [
        ("nothing sent", String::new(), ""),
        ("half a header", post.clone(), ""),
        ("idle after a request", "GET /callbacks/crm HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), "405"),
        ("body withheld", format!("{post}content-length: 10\r\n\r\n12"), "408"),
        ("chunks withheld", format!("{post}transfer-encoding: chunked\r\n\r\n2\r\n12\r\n"), "408"),
    ];
    thread::scope(|scope| {
        for (name, text, status) in &table {
            for _ in 0..20 {
                let stream = send(&gateway, text);
                scope.spawn(move || {
                    let answer = until_closed(stream);
                    let expected = if status.is_empty() {
                        answer.is_empty() || answer.contains(" 408 ")
                    } else {
                        answer.contains(status)
                    };
                    assert!(expected, "{name}: {answer}");
                });
            }
        }
        for _ in 0..20 {
            assert_eq!(gateway.output_of("hello"), "version 1");
        }
    });
}

#[test]
fn a_client_that_never_reads_times_out() {
    let gateway = Setup::misbehaving().set("server.write_timeout_ms", "300").start();
    let mut stream = gateway.connect();
    let request = b"GET /callbacks/crm HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    // Unread answers accumulate until the server cannot write, stops reading, and closes the connection.
    while stream.write_all(&request).is_ok() {}
    assert_eq!(gateway.output_of("hello"), "version 1");
}

#[test]
fn a_header_sent_byte_by_byte_times_out() {
    let gateway = with_short_timeouts().start();
    let mut stream = send(&gateway, "POST /callbacks/crm HTTP/1.1\r\n");
    // Each byte arrives in time, but the complete header does not.
    eventually("the connection is closed", || stream.write_all(b"a").is_ok(), |is_open| !is_open);
}

#[test]
fn oversized_requests_are_rejected() {
    let gateway = Setup::misbehaving().set("server.body_bytes_max", "1000").start();
    let headers: String = (0..100).map(|number| format!("x-{number}: y\r\n")).collect();
    let chunk = format!("7d0\r\n{}\r\n0\r\n\r\n", "x".repeat(2000));
    let table = [
        ("many headers", format!("POST /callbacks/crm HTTP/1.1\r\nhost: x\r\n{headers}\r\n"), " 431 "),
        (
            "long header",
            format!("POST /callbacks/crm HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(64 * 1024)),
            " 431 ",
        ),
        (
            "announced body",
            format!("POST /callbacks/crm HTTP/1.1\r\nhost: x\r\n{SIGNATURE}content-length: 2000\r\n\r\n"),
            " 413 ",
        ),
        (
            "chunked body",
            format!("POST /callbacks/crm HTTP/1.1\r\nhost: x\r\n{SIGNATURE}transfer-encoding: chunked\r\n\r\n{chunk}"),
            " 413 ",
        ),
    ];
    for (name, text, status) in table {
        let mut stream = gateway.connect();
        // The server may answer and close the connection before it has read everything.
        let _ = stream.write_all(text.as_bytes());
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).expect("an answer");
        assert!(String::from_utf8_lossy(&answer).contains(status.trim_end()), "{name}: {answer:?}");
    }
}

#[test]
fn ambiguous_requests_are_rejected() {
    let gateway = with_short_timeouts().start();
    let post = "POST /callbacks/crm HTTP/1.1\r\n";
    let table = [
        ("no host", format!("{post}content-length: 0\r\n\r\n"), " 400 "),
        ("two hosts", format!("{post}host: a\r\nhost: b\r\ncontent-length: 0\r\n\r\n"), " 400 "),
        ("two lengths", format!("{post}host: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n12"), " 400 "),
        ("odd coding", format!("{post}host: a\r\ntransfer-encoding: chunked, identity\r\n\r\n"), " 400 "),
        ("space before colon", format!("{post}host : a\r\n\r\n"), " 400 "),
        ("not HTTP", "hello\r\n\r\n".to_owned(), " 400 "),
    ];
    for (name, text, status) in table {
        let answer = until_closed(send(&gateway, &text));
        assert!(answer.contains(status), "{name}: {answer}");
    }
    let smuggled = format!(
        "{post}host: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /callbacks/crm HTTP/1.1\r\nhost: a\r\n\r\n"
    );
    let answer = until_closed(send(&gateway, &smuggled));
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "the second request must not be served: {answer}");
}

#[test]
fn one_address_cannot_use_every_connection() {
    let gateway = Setup::misbehaving().set("server.connections_per_address_max", "3").start();
    let _held: Vec<_> = (0..3).map(|_| send(&gateway, "P")).collect();
    assert_eq!(until_closed(gateway.connect()), "");
}

#[test]
fn a_connection_over_its_maximum_age_is_closed_between_requests() {
    let gateway = Setup::misbehaving().set("server.connection_age_ms", "200").start();
    let answer = until_closed(send(&gateway, "GET /callbacks/crm HTTP/1.1\r\nhost: x\r\n\r\n"));
    assert!(answer.contains(" 405 "), "{answer}");
}

#[test]
fn a_disconnected_caller_leaves_one_log_line() {
    let gateway = Setup::misbehaving().start();
    let request = format!("POST /callbacks/crm HTTP/1.1\r\nhost: x\r\n{SIGNATURE}content-length: 10\r\n\r\n12");
    drop(send(&gateway, &request));
    gateway.log().wait_for("callback crm");
}
