//! Finding 22: the log grows with unsigned requests.

use frontgate_tests::{Raw, Setup, get};

const REQUESTS: usize = 300;

#[test]
fn unsigned_rejections_are_counted_but_logged_at_a_bounded_rate() {
    let gateway = Setup::misbehaving().set("server.refusal_lines_per_second_max", "0").start();
    for number in 0..REQUESTS / 3 {
        assert_eq!(get(gateway.address(), &format!("/nothing/{number}"), &[]).status, 404);
        assert_eq!(get(gateway.address(), "/callbacks/crm", &[]).status, 405);
        let hung_up = "POST /callbacks/crm HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\
                       x-twilio-signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\nhalf";
        Raw::connect(gateway.address()).send(hung_up);
    }
    // This line is written after the lines of all requests.
    let line = gateway.log().event("gateway.refusal_lines_omitted").wait_for(1);
    assert_eq!(line["event"], "gateway.refusal_lines_omitted");
    assert_eq!(gateway.metric_sum("frontgate_refusal_lines_omitted_total") as usize, REQUESTS);
    assert_eq!(gateway.metric_sum("frontgate_requests_total") as usize, REQUESTS);
    let log = gateway.log().text();
    assert!(!log.contains("refused:") && !log.contains("disconnected"), "{log}");
}

#[test]
fn every_signed_request_has_a_log_line() {
    let gateway = Setup::misbehaving().set("server.refusal_lines_per_second_max", "0").start();
    assert_eq!(gateway.instruct("failed").status, 502);
    gateway.log().event("gateway.request_refused").saying("the plugin failed").wait_for(1);
}

#[test]
fn plugin_output_is_one_line_without_bidi_controls() {
    let gateway = Setup::misbehaving().start();
    assert_eq!(gateway.output_of("forge"), "forged");
    let line = gateway.log().wait_for("first line");
    let text = line["message"].as_str().expect("a text");
    assert!(text.contains("turned") && text.is_ascii(), "{text:?}");
}
