//! Finding 13: an over-long path is replaced by the root.
//!
//! What cannot be sent as it was written is refused, and nothing is sent in its place.

use frontgate_tests::{Gateway, Names, Setup, Web};

fn start(web: &Web) -> Gateway {
    Setup::caller(&Names::start().is("crm.test", &["127.0.0.1"]), web.port()).start()
}

#[test]
fn a_path_that_is_too_long_is_refused_through_http_client() {
    let web = Web::start();
    let gateway = start(&web);
    for url in ["/", "/x?q="] {
        let said = gateway.wished(&format!("flat DELETE http://crm.test:{}{url} longer=70000", web.port()));
        assert!(
            said.starts_with("forbidden: blocked by egress policy: ") && said.contains("invalid URL path"),
            "{said}"
        );
    }
    assert_eq!(web.connections(), 0);
}

#[test]
fn a_path_that_is_too_long_is_refused_through_wasi_http() {
    let web = Web::start();
    let gateway = start(&web);
    for url in ["/", "/x?q="] {
        let said = gateway.wished(&format!("wasi DELETE http://crm.test:{}{url} longer=70000", web.port()));
        assert_eq!(said, "no path");
    }
    assert_eq!(web.connections(), 0);
}

#[test]
fn a_path_with_control_characters_is_refused_and_not_shortened() {
    let web = Web::start();
    let gateway = start(&web);
    for path in ["/a\tb", "/a\nb", "/a\rb", "/\t", "/a?b\nc", "/\u{1}"] {
        let said = gateway.wished(&format!("flat DELETE http://crm.test:{}{path} times=1", web.port()));
        assert!(said.contains("it contains a control character"), "{path:?}: {said}");
        let said = gateway.wished(&format!("wasi DELETE http://crm.test:{}{path} times=1", web.port()));
        assert_eq!(said, "no path", "{path:?}");
    }
    assert_eq!(web.connections(), 0);
}

#[test]
fn a_long_path_that_can_be_sent_arrives_whole() {
    let web = Web::start();
    let gateway = start(&web);
    for door in ["flat", "wasi"] {
        gateway.wished(&format!("{door} DELETE http://crm.test:{}/ longer=60000", web.port()));
        let request = web.requests().pop().expect("a request");
        assert_eq!(request.lines().next().map(str::len), Some("DELETE / HTTP/1.1".len() + 60_000), "{door}");
    }
}
