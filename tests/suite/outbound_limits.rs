//! Tests the limits on plugins' requests: number, size and time. Each test uses both APIs for requests: `http-client`
//! (`flat`) and `wasi:http` (`wasi`).

use frontgate_tests::{Gateway, Names, Setup, Web};

const APIS: [&str; 2] = ["flat", "wasi"];

/// Starts a gateway whose plugin may call a web server, with these limits.
fn start(web: &Web, limits: &[(&str, &str)]) -> Gateway {
    let names = Names::start().is("crm.test", &["127.0.0.1"]);
    let setup = limits.iter().fold(Setup::caller(&names, web.port()), |setup, (limit, value)| {
        setup.set(&format!("plugins.named.plugin.limits.{limit}"), *value)
    });
    setup.start()
}

/// Makes the plugin send requests, and returns the plugin's output.
fn send(gateway: &Gateway, web: &Web, api: &str, method: &str, path: &str, more: &str) -> String {
    gateway.output_of(&format!("{api} {method} http://crm.test:{}{path} {more}", web.port()))
}

#[test]
fn the_number_of_requests_per_call_is_limited() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_requests_max", "5")]);
    for api in APIS {
        let output = send(&gateway, &web, api, "GET", "/", "times=3000");
        assert!(output.starts_with("2995 times "), "{output}");
        assert!(output.contains("outbound_requests_max = 5 reached by this call"), "{output}");
    }
    // The limit applies per call.
    assert!(send(&gateway, &web, "flat", "GET", "/", "").ends_with("hello"));
    assert_eq!(web.requests().len(), 11);
}

#[test]
fn rejected_requests_use_up_the_limit() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_requests_max", "5")]);
    let output = gateway.output_of("flat GET http://127.0.0.1/ times=6");
    assert!(output.contains("outbound_requests_max"), "{output}");
}

#[test]
fn requests_over_the_concurrency_limit_wait() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_concurrent_max", "2"), ("outbound_requests_max", "50")]);
    let output = send(&gateway, &web, "wasi", "GET", "/", "together=20");
    assert!(output.starts_with("20 times 200 "), "{output}");
    assert!(web.connections() <= 2, "{} connections", web.connections());
}

#[test]
fn a_request_that_never_leaves_the_queue_is_not_sent() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_concurrent_max", "1"), ("outbound_timeout_ms", "1000")]);
    let output = send(&gateway, &web, "wasi", "GET", "/hang", "together=3");
    assert!(output.contains("request not sent: "), "{output}");
    // The second request may have been sent after the first one timed out and before it timed out itself.
    assert!(web.requests().len() < 3);
}

#[test]
fn an_oversized_request_is_not_sent() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_request_bytes_max", "100000")]);
    for api in APIS {
        assert!(send(&gateway, &web, api, "POST", "/", "size=100000").ends_with("hello"), "{api}");
    }
    let before = web.requests().len();
    assert_eq!(send(&gateway, &web, "flat", "POST", "/", "size=100001"), "too-large");
    assert_eq!(send(&gateway, &web, "wasi", "POST", "/", "size=100001"), "HttpRequestBodySize(None)");
    let announced = "header:content-length=200000 size=200000";
    assert_eq!(send(&gateway, &web, "wasi", "POST", "/", announced), "HttpRequestBodySize(None)");
    assert_eq!(web.requests().len(), before);
}

#[test]
fn an_oversized_answer_is_rejected_before_it_is_buffered() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_response_bytes_max", "10000")]);
    let before = gateway.resident_kib();
    for api in APIS {
        assert!(send(&gateway, &web, api, "GET", "/large/10000", "").ends_with("xxx"), "{api}");
    }
    let table = [
        ("/large/10001", "body: HTTP response body size exceeds limit"),
        ("/large/100000000", "body: HTTP response body size exceeds limit"),
        ("/announced/10001", "HttpResponseBodySize(None)"),
        ("/header/100000", "HttpResponseBodySize(None)"),
    ];
    for (path, output) in table {
        assert_eq!(send(&gateway, &web, "flat", "GET", path, ""), "too-large", "{path}");
        assert_eq!(send(&gateway, &web, "wasi", "GET", path, ""), output, "{path}");
    }
    let after = gateway.resident_kib();
    assert!(after < before + 32 * 1024, "{before} KiB before, {after} KiB after");
}

#[test]
fn a_hanging_or_slow_server_costs_at_most_the_timeout() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_timeout_ms", "1000")]);
    for (path, output) in [("/hang", "HttpResponseTimeout"), ("/drip", "body: HTTP response timeout")] {
        assert_eq!(send(&gateway, &web, "flat", "GET", path, ""), "timeout", "{path}");
        assert_eq!(send(&gateway, &web, "wasi", "GET", path, ""), output, "{path}");
    }
}

#[test]
fn a_plugin_can_set_a_shorter_timeout() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_timeout_ms", "60000")]);
    for api in APIS {
        let late = if api == "flat" { "timeout" } else { "HttpResponseTimeout" };
        assert_eq!(send(&gateway, &web, api, "GET", "/hang", "timeout=500"), late, "{api}");
    }
}

#[test]
fn no_request_outlives_its_call() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_timeout_ms", "60000"), ("call_timeout_ms", "300")]);
    for api in APIS {
        let answer = gateway.instruct(&format!("{api} GET http://crm.test:{}/drip", web.port()));
        // Either the request or the call times out first.
        assert!(answer.status == 504 || answer.text.contains("imeout"), "{api}: {}", answer.text);
    }
}

#[test]
fn an_interrupted_answer_differs_from_a_request_that_was_not_sent() {
    let web = Web::start();
    let gateway = start(&web, &[]);
    for (path, broken) in [("/cut", "ConnectionTerminated"), ("/half", "body: connection terminated")] {
        let output = send(&gateway, &web, "flat", "GET", path, "");
        assert!(output.starts_with("interrupted: connection interrupted: "), "{path}: {output}");
        assert_eq!(send(&gateway, &web, "wasi", "GET", path, ""), broken, "{path}");
    }
}

#[test]
fn the_log_counts_the_requests_of_a_call() {
    let web = Web::start();
    let names = Names::start().is("crm.test", &["127.0.0.1"]);
    let gateway = Setup::caller(&names, web.port()).set("log.level", "\"info,frontgate_runtime=debug\"").start();
    assert!(send(&gateway, &web, "flat", "POST", "/", "size=1000 times=3").ends_with("hello"));
    let line = gateway.log().wait_for("the call sent 3 outbound requests");
    let number = |key: &str| line[key].as_u64().expect("a number");
    assert_eq!(line["hosts"], "crm.test");
    assert!((3000..4000).contains(&number("sent")) && (100..1000).contains(&number("received")), "{line}");
}
