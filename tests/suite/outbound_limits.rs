//! What plugins' requests may use: how many, how large, how long. Each through `http-client` and through
//! `wasi:http`.

use frontgate_tests::{Gateway, Names, Setup, Web};

const DOORS: [&str; 2] = ["flat", "wasi"];

/// A gateway whose plugin may call a web server, with a limit.
fn start(web: &Web, limits: &[(&str, &str)]) -> Gateway {
    let names = Names::start().is("crm.test", &["127.0.0.1"]);
    let setup = limits.iter().fold(Setup::caller(&names, web.port()), |setup, (limit, value)| {
        setup.set(&format!("plugins.named.plugin.limits.{limit}"), *value)
    });
    setup.start()
}

/// What one request comes to.
fn wished(gateway: &Gateway, web: &Web, door: &str, method: &str, path: &str, more: &str) -> String {
    gateway.wished(&format!("{door} {method} http://crm.test:{}{path} {more}", web.port()))
}

#[test]
fn the_number_of_requests_of_a_call_has_an_end() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_requests_max", "5")]);
    for door in DOORS {
        let said = wished(&gateway, &web, door, "GET", "/", "times=3000");
        assert!(said.starts_with("2995 times "), "{said}");
        assert!(said.contains("outbound_requests_max = 5 reached by this call"), "{said}");
    }
    // Another call begins anew.
    assert!(wished(&gateway, &web, "flat", "GET", "/", "").ends_with("hello"));
    assert_eq!(web.requests().len(), 11);
}

#[test]
fn refused_requests_count_as_well() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_requests_max", "5")]);
    let said = gateway.wished("flat GET http://127.0.0.1/ times=6");
    assert!(said.contains("outbound_requests_max"), "{said}");
}

#[test]
fn requests_past_those_at_one_time_wait_for_their_turn() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_concurrent_max", "2"), ("outbound_requests_max", "50")]);
    let said = wished(&gateway, &web, "wasi", "GET", "/", "together=20");
    assert!(said.starts_with("20 times 200 "), "{said}");
    assert!(web.connections() <= 2, "{} connections", web.connections());
}

#[test]
fn a_turn_that_does_not_come_is_no_request() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_concurrent_max", "1"), ("outbound_timeout_ms", "1000")]);
    let said = wished(&gateway, &web, "wasi", "GET", "/hang", "together=3");
    assert!(said.contains("nothing was sent: "), "{said}");
    // The second may have had its turn for the moment between the first one's end and its own.
    assert!(web.requests().len() < 3);
}

#[test]
fn a_request_past_its_size_is_not_sent_or_broken_off() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_request_bytes_max", "100000")]);
    for door in DOORS {
        assert!(wished(&gateway, &web, door, "POST", "/", "size=100000").ends_with("hello"), "{door}");
    }
    let before = web.requests().len();
    assert_eq!(wished(&gateway, &web, "flat", "POST", "/", "size=100001"), "too-large");
    assert_eq!(wished(&gateway, &web, "wasi", "POST", "/", "size=100001"), "HttpRequestBodySize(None)");
    let announced = "header:content-length=200000 size=200000";
    assert_eq!(wished(&gateway, &web, "wasi", "POST", "/", announced), "HttpRequestBodySize(None)");
    assert_eq!(web.requests().len(), before);
}

#[test]
fn an_answer_past_its_size_is_refused_before_it_is_held() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_response_bytes_max", "10000")]);
    let before = gateway.resident_kib();
    for door in DOORS {
        assert!(wished(&gateway, &web, door, "GET", "/large/10000", "").ends_with("xxx"), "{door}");
    }
    let table = [
        ("/large/10001", "body: HTTP response body size exceeds limit"),
        ("/large/100000000", "body: HTTP response body size exceeds limit"),
        ("/announced/10001", "HttpResponseBodySize(None)"),
        ("/header/100000", "HttpResponseBodySize(None)"),
    ];
    for (path, said) in table {
        assert_eq!(wished(&gateway, &web, "flat", "GET", path, ""), "too-large", "{path}");
        assert_eq!(wished(&gateway, &web, "wasi", "GET", path, ""), said, "{path}");
    }
    let after = gateway.resident_kib();
    assert!(after < before + 32 * 1024, "{before} KiB before, {after} KiB after");
}

#[test]
fn a_server_that_hangs_or_drips_costs_no_more_than_the_time_of_a_request() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_timeout_ms", "1000")]);
    for (path, said) in [("/hang", "HttpResponseTimeout"), ("/drip", "body: HTTP response timeout")] {
        assert_eq!(wished(&gateway, &web, "flat", "GET", path, ""), "timeout", "{path}");
        assert_eq!(wished(&gateway, &web, "wasi", "GET", path, ""), said, "{path}");
    }
}

#[test]
fn a_plugin_can_ask_for_less_time() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_timeout_ms", "60000")]);
    for door in DOORS {
        let late = if door == "flat" { "timeout" } else { "HttpResponseTimeout" };
        assert_eq!(wished(&gateway, &web, door, "GET", "/hang", "timeout=500"), late, "{door}");
    }
}

#[test]
fn no_request_outlives_its_call() {
    let web = Web::start();
    let gateway = start(&web, &[("outbound_timeout_ms", "60000"), ("call_timeout_ms", "300")]);
    for door in DOORS {
        let answer = gateway.wish(&format!("{door} GET http://crm.test:{}/drip", web.port()));
        // Whichever of the two ends is seen first: the request's or the call's.
        assert!(answer.status == 504 || answer.text.contains("imeout"), "{door}: {}", answer.text);
    }
}

#[test]
fn an_answer_that_breaks_off_is_told_from_a_request_that_was_not_sent() {
    let web = Web::start();
    let gateway = start(&web, &[]);
    for (path, broken) in [("/cut", "ConnectionTerminated"), ("/half", "body: connection terminated")] {
        let said = wished(&gateway, &web, "flat", "GET", path, "");
        assert!(said.starts_with("interrupted: connection interrupted: "), "{path}: {said}");
        assert_eq!(wished(&gateway, &web, "wasi", "GET", path, ""), broken, "{path}");
    }
}

#[test]
fn what_a_call_has_sent_is_known_at_its_end() {
    let web = Web::start();
    let names = Names::start().is("crm.test", &["127.0.0.1"]);
    let gateway = Setup::caller(&names, web.port()).set("log.level", "\"info,frontgate::plugin=debug\"").start();
    assert!(wished(&gateway, &web, "flat", "POST", "/", "size=1000 times=3").ends_with("hello"));
    let line = gateway.log().wait_for("the call sent 3 outbound requests");
    let number = |key: &str| line[key].as_u64().expect("a number");
    assert_eq!(line["hosts"], "crm.test");
    assert!((3000..4000).contains(&number("sent")) && (100..1000).contains(&number("received")), "{line}");
}
