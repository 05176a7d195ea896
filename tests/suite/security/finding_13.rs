//! Finding 13: an overlong path is replaced by the root path.
//!
//! A request whose path cannot be sent unchanged is rejected, and not sent with another path.

use frontgate_tests::{Gateway, Names, Setup, Web};

fn start(web: &Web) -> Gateway {
    Setup::caller(&Names::start().is("crm.test", &["127.0.0.1"]), web.port()).start()
}

#[test]
fn an_overlong_path_is_rejected_through_http_client() {
    let web = Web::start();
    let gateway = start(&web);
    for url in ["/", "/x?q="] {
        let output = gateway.output_of(&format!("flat DELETE http://crm.test:{}{url} longer=70000", web.port()));
        assert!(
            output.starts_with("forbidden: blocked by egress policy: ") && output.contains("invalid URL path"),
            "{output}"
        );
    }
    assert_eq!(web.connections(), 0);
}

#[test]
fn an_overlong_path_is_rejected_through_wasi_http() {
    let web = Web::start();
    let gateway = start(&web);
    for url in ["/", "/x?q="] {
        let output = gateway.output_of(&format!("wasi DELETE http://crm.test:{}{url} longer=70000", web.port()));
        assert_eq!(output, "no path");
    }
    assert_eq!(web.connections(), 0);
}

#[test]
fn a_path_with_control_characters_is_rejected() {
    let web = Web::start();
    let gateway = start(&web);
    for path in ["/a\tb", "/a\nb", "/a\rb", "/\t", "/a?b\nc", "/\u{1}"] {
        let output = gateway.output_of(&format!("flat DELETE http://crm.test:{}{path} times=1", web.port()));
        assert!(output.contains("invalid URL: control character"), "{path:?}: {output}");
        let output = gateway.output_of(&format!("wasi DELETE http://crm.test:{}{path} times=1", web.port()));
        assert_eq!(output, "no path", "{path:?}");
    }
    assert_eq!(web.connections(), 0);
}

#[test]
fn a_long_valid_path_arrives_completely() {
    let web = Web::start();
    let gateway = start(&web);
    for api in ["flat", "wasi"] {
        gateway.output_of(&format!("{api} DELETE http://crm.test:{}/ longer=60000", web.port()));
        let request = web.requests().pop().expect("a request");
        assert_eq!(request.lines().next().map(str::len), Some("DELETE / HTTP/1.1".len() + 60_000), "{api}");
    }
}
