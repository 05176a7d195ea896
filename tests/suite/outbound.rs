//! Tests the destinations of plugins' requests: the grants, and every known way to bypass them. Each test uses both
//! APIs for requests: `http-client` (`flat`) and `wasi:http` (`wasi`).

use std::net::TcpListener;

use frontgate_tests::{Gateway, Names, Setup, Tls, Web, component};

const APIS: [&str; 2] = ["flat", "wasi"];

fn crm_name() -> Names {
    Names::start().is("crm.test", &["127.0.0.1"])
}

/// Returns the value of `frontgate_plugin_outbound_total` for an outcome, the label `verdict`.
fn verdict(gateway: &Gateway, verdict: &str) -> u64 {
    let metrics = gateway.admin_get("/metrics").1;
    let label = format!("verdict=\"{verdict}\"");
    let mut lines = metrics.lines().filter(|line| line.starts_with("frontgate_plugin_outbound_total"));
    let line = lines.find(|line| line.contains("plugin=\"plugin\"") && line.contains(&label));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
}

#[test]
fn a_granted_host_is_reached_under_its_own_name() {
    let web = Web::start();
    let names = crm_name();
    let gateway = Setup::caller(&names, web.port()).start();
    for api in APIS {
        let url = format!("http://crm.test:{}/customers?q=1", web.port());
        let output = gateway.output_of(&format!("{api} POST {url} header:accept=text/plain size=10000"));
        assert_eq!(output, "200 x-kind content-length hello", "{api}");
        let request = web.requests().pop().expect("a request");
        assert!(request.starts_with("POST /customers?q=1 HTTP/1.1\n"), "{request}");
        for line in [&format!("host: crm.test:{}\n", web.port()), "accept: text/plain\n", "body: 10000\n"] {
            assert!(request.contains(line), "{line} in {request}");
        }
    }
    assert_eq!(verdict(&gateway, "answered"), 2);
}

#[test]
fn nothing_of_the_inbound_request_is_forwarded() {
    let web = Web::start();
    let names = crm_name();
    let gateway = Setup::caller(&names, web.port()).start();
    for api in APIS {
        gateway.output_of(&format!("{api} GET http://crm.test:{}/", web.port()));
    }
    for request in web.requests() {
        let names: Vec<_> = request.lines().skip(1).filter_map(|line| line.split(':').next()).collect();
        assert!(names.iter().all(|name| ["host", "body"].contains(name)), "{request}");
    }
}

#[test]
fn every_way_around_the_grants_is_rejected_with_its_reason() {
    let web = Web::start();
    let names = crm_name()
        .is("private.test", &["10.1.2.3"])
        .is("mapped.test", &["::ffff:10.1.2.3"])
        .is("nat64.test", &["64:ff9b::a01:203"])
        .is("metadata.test", &["169.254.169.254"])
        .is("other-loopback.test", &["127.0.0.2"])
        .is("six.test", &["fd00::1", "fe80::1", "2002:a01:203::1", "2001::1"]);
    let port = web.port();
    let hosts = ["private", "mapped", "nat64", "metadata", "other-loopback", "six"];
    let granted = hosts.iter().map(|name| format!("\"http://{name}.test:{port}\""));
    let granted: Vec<_> =
        granted.chain(["\"https://*.wild.test\"".to_owned(), format!("\"http://crm.test:{port}\"")]).collect();
    let setup = Setup::caller(&names, port).set("plugins.named.plugin.outbound", format!("[{}]", granted.join(",")));
    let gateway = setup.set("plugins.limits.outbound_requests_max", "1").start();
    let table = [
        ("http://2130706433/", "127.0.0.1 is not a public address (loopback)", "address"),
        ("http://0177.0.0.1/", "127.0.0.1 is not a public address (loopback)", "address"),
        ("http://0x7f000001/", "127.0.0.1 is not a public address (loopback)", "address"),
        ("http://0x7F.0.0.0x1/", "127.0.0.1 is not a public address (loopback)", "address"),
        ("http://127.1/", "127.0.0.1 is not a public address (loopback)", "address"),
        ("http://127.0.1/", "127.0.0.1 is not a public address (loopback)", "address"),
        ("http://127.0.0.1./", "127.0.0.1 is not a public address (loopback)", "address"),
        ("http://0/", "0.0.0.0 is not a public address (unspecified)", "address"),
        ("http://[::1]/", "::1 is not a public address (loopback)", "address"),
        ("http://[::ffff:127.0.0.1]/", "127.0.0.1 is not a public address (loopback)", "address"),
        ("http://[::ffff:7f00:1]/", "127.0.0.1 is not a public address (loopback)", "address"),
        ("http://[::127.0.0.1]/", "::7f00:1 is not a public address (IPv4-compatible)", "address"),
        ("http://[64:ff9b::127.0.0.1]/", "64:ff9b::7f00:1 is not a public address (NAT64)", "address"),
        ("http://[64:ff9b:1::1]/", "64:ff9b:1::1 is not a public address (NAT64)", "address"),
        ("http://[2002:7f00:1::]/", "2002:7f00:1:: is not a public address (6to4)", "address"),
        ("http://[2001:0:7f00:1::]/", "is not a public address (Teredo)", "address"),
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254 is not a public address (metadata)", "address"),
        ("http://2852039166/", "169.254.169.254 is not a public address (metadata)", "address"),
        ("http://[fd00:ec2::254]/", "fd00:ec2::254 is not a public address (metadata)", "address"),
        ("http://[fe80::1]/", "fe80::1 is not a public address (link-local)", "address"),
        ("http://10.1.2.3/", "10.1.2.3 is not a public address (private)", "address"),
        ("http://93.184.215.14/", "93.184.215.14 not granted", "host"),
        ("http://evil.test/", "evil.test not granted", "host"),
        ("https://wild.test/", "wild.test not granted", "host"),
        ("https://a.wild.test.evil.test/", "a.wild.test.evil.test not granted", "host"),
        ("https://awild.test/", "awild.test not granted", "host"),
        ("http://a.wild.test/", "a.wild.test is granted, but not over http", "scheme"),
        ("http://crm.test/", "crm.test is granted, but not its port 80", "port"),
        ("ftp://crm.test/", "only https and http can be granted", "scheme"),
        ("http://crm.test@evil.test/", "URL contains credentials", "user-info"),
        ("http://user:word@crm.test/", "URL contains credentials", "user-info"),
        ("http://private.test:PORT/", "private.test resolves to 10.1.2.3, not a public address (private)", "address"),
        ("http://PRIVATE.test.:PORT/", "private.test resolves to 10.1.2.3, not a public address (private)", "address"),
        ("http://mapped.test:PORT/", "mapped.test resolves to 10.1.2.3, not a public address (private)", "address"),
        ("http://nat64.test:PORT/", "nat64.test resolves to 64:ff9b::a01:203, not a public address (NAT64)", "address"),
        ("http://metadata.test:PORT/", "resolves to 169.254.169.254, not a public address (metadata)", "address"),
        ("http://other-loopback.test:PORT/", "resolves to 127.0.0.2, not a public address (loopback)", "address"),
        ("http://six.test:PORT/", "six.test resolves to", "address"),
    ];
    for api in APIS {
        for (url, reason, label) in table {
            let before = verdict(&gateway, label);
            let output = gateway.output_of(&format!("{api} GET {}", url.replace("PORT", &port.to_string())));
            let kind =
                if api == "flat" { "forbidden: blocked by egress policy: " } else { "internal-error: blocked by" };
            assert!(output.starts_with(kind) && output.contains(reason), "{api} {url}: {output}");
            assert_eq!(verdict(&gateway, label), before + 1, "{api} {url}");
        }
        for method in ["CONNECT", "TRACE"] {
            let output = gateway.output_of(&format!("{api} {method} http://crm.test:{port}/"));
            assert!(output.contains(&format!("method {method} not allowed")), "{api}: {output}");
        }
    }
    assert_eq!(web.connections(), 0);
    // Each kind of rejection is logged as a warning once only.
    let log = gateway.log().text();
    let warnings = log.lines().filter(|line| line.contains("outbound.request_rejected")).count();
    assert_eq!(warnings, 6, "{log}");
}

#[test]
fn zone_ids_and_invalid_urls_reach_nothing() {
    let web = Web::start();
    let names = crm_name();
    let gateway = Setup::caller(&names, web.port()).start();
    for url in ["http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[::1", "http:///x", "http://1.2.3.4.5/"] {
        let output = gateway.output_of(&format!("flat GET {url}"));
        assert!(output.starts_with("forbidden: blocked by egress policy: "), "{url}: {output}");
        let output = gateway.output_of(&format!("wasi GET {url}"));
        let refused = output.contains("invalid URL: ") || output == "no authority" || output.contains("UriInvalid");
        assert!(refused, "{url}: {output}");
    }
    assert_eq!(web.connections(), 0);
}

#[test]
fn redirects_are_not_followed() {
    let web = Web::start();
    let names = crm_name();
    let gateway = Setup::caller(&names, web.port()).start();
    for api in APIS {
        let output = gateway.output_of(&format!("{api} GET http://crm.test:{}/redirect", web.port()));
        assert_eq!(output, "302 location content-length", "{api}");
    }
    assert_eq!(web.requests().len(), 2);
}

#[test]
fn a_name_that_changes_its_address_is_checked_again() {
    for api in APIS {
        let web = Web::start();
        let port = web.port();
        let names = Names::start().changes("crm.test", &[&["127.0.0.1"], &["10.1.2.3"]]);
        let gateway = Setup::caller(&names, port).start();
        let instruction = format!("{api} GET http://crm.test:{port}/close");
        assert!(gateway.output_of(&instruction).ends_with("closed"), "{api}");
        let output = gateway.output_of(&instruction);
        assert!(output.contains("crm.test resolves to 10.1.2.3, not a public address (private)"), "{api}: {output}");
        assert_eq!(web.connections(), 1);
    }
}

#[test]
fn only_allowed_addresses_of_a_name_are_tried() {
    let web = Web::start();
    let names = Names::start().is("crm.test", &["10.1.2.3", "127.0.0.1", "fd00::1"]);
    let gateway = Setup::caller(&names, web.port()).start();
    for api in APIS {
        assert!(gateway.output_of(&format!("{api} GET http://crm.test:{}/", web.port())).ends_with("hello"));
    }
}

#[test]
fn the_gateway_itself_is_unreachable() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let names = Names::start().is("crm.test", &["127.0.0.1"]);
    for (key, listen) in [("server.listen", free.to_string()), ("server.listen", format!("0.0.0.0:{}", free.port()))] {
        let gateway = Setup::caller(&names, free.port()).set(key, format!("{listen:?}")).start();
        for api in APIS {
            let output = gateway.output_of(&format!("{api} GET http://crm.test:{}/", free.port()));
            assert!(output.contains("crm.test resolves to the gateway's own address"), "{api} {listen}: {output}");
        }
    }
}

#[test]
fn proxy_environment_variables_are_ignored() {
    let web = Web::start();
    let proxy = Web::start();
    let names = crm_name();
    let variable = format!("http://{}", proxy.address());
    let variables = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"];
    let variables = variables.map(|name| (name, variable.as_str()));
    let gateway = Setup::caller(&names, web.port()).start_in(&variables);
    for api in APIS {
        assert!(gateway.output_of(&format!("{api} GET http://crm.test:{}/", web.port())).ends_with("hello"));
    }
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn tls_checks_the_host_name_and_the_configured_authorities() {
    let web = Web::start();
    let tls = Tls::of("crm.test", web.address());
    let other = Tls::of("other.test", web.address());
    let names = crm_name();
    let setup = |trusted: &str, port: u16| {
        Setup::caller(&names, port)
            .file("ca.pem", trusted)
            .set("plugins.ca_files", "[\"files/ca.pem\"]")
            .set("plugins.named.plugin.outbound", format!("[\"https://crm.test:{port}\"]"))
    };
    let trusting = setup(tls.certificate(), tls.port()).start();
    let misled = setup(other.certificate(), other.port()).start();
    let strict = setup(other.certificate(), tls.port()).start();
    for api in APIS {
        assert!(trusting.output_of(&format!("{api} GET https://crm.test:{}/", tls.port())).ends_with("hello"), "{api}");
        let output = misled.output_of(&format!("{api} GET https://crm.test:{}/", other.port()));
        assert!(output.contains("not valid for name \"crm.test\""), "{api}: {output}");
        let output = strict.output_of(&format!("{api} GET https://crm.test:{}/", tls.port()));
        assert!(output.contains("invalid peer certificate"), "{api}: {output}");
    }
    // Certificate authorities configured for platforms are not trusted for plugins.
    let platforms = setup(tls.certificate(), tls.port())
        .set("plugins.ca_files", "[]")
        .set("delivery.ca_files", "[\"files/ca.pem\"]")
        .start();
    assert!(platforms.output_of(&format!("flat GET https://crm.test:{}/", tls.port())).contains("UnknownIssuer"));
}

#[test]
fn without_a_grant_a_plugin_loads_but_its_requests_fail() {
    let gateway = Setup::new().plugin("plugin", &component("caller")).start();
    for api in APIS {
        let output = gateway.output_of(&format!("{api} GET http://crm.test/"));
        assert!(output.contains("no outbound host granted"), "{api}: {output}");
    }
    gateway
        .log()
        .wait_for("plugin `plugin`: imports not granted in [plugins.named.plugin]: outbound HTTP (`outbound`)");
}

#[test]
fn connections_are_pooled_per_tenant_and_plugin_version() {
    let web = Web::start();
    let names = crm_name();
    let gateway = Setup::caller(&names, web.port())
        .set("tenants.other.path", "\"/other\"")
        .set("tenants.other.twilio.auth_tokens", "[{ file = \"token\" }]")
        .set("tenants.other.roles.crm", "[\"plugin\"]")
        .start();
    let instruction = |api: &str| format!("{api} GET http://crm.test:{}/connection", web.port());
    assert!(gateway.output_of(&instruction("flat")).ends_with("connection 1"));
    assert!(gateway.output_of(&instruction("wasi")).ends_with("connection 1"));
    let other = gateway.tenant_callback("/other", "crm", &frontgate_tests::list(&[("Query", &instruction("flat"))]));
    assert!(other.text.contains("connection 2"), "{}", other.text);
    assert!(gateway.output_of(&instruction("flat")).ends_with("connection 1"));
    gateway.drop_plugin("plugin", &frontgate_tests::another_build(&component("caller"), 2));
    gateway.log().event("plugin.live").with("plugin", "plugin").wait_for(2);
    assert!(gateway.output_of(&instruction("flat")).ends_with("connection 3"));
}

#[test]
fn failed_lookups_and_connects_are_reported() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let names = crm_name();
    let granted = format!("[\"http://crm.test:{free}\", \"http://unknown.test\", \"http://silent.test\"]");
    let gateway = Setup::caller(&names, free)
        .set("plugins.named.plugin.outbound", granted)
        .set("plugins.limits.outbound_connect_timeout_ms", "300")
        .start();
    let table = [
        (
            format!("http://crm.test:{free}/"),
            format!("failed to connect to http://crm.test:{free} at 127.0.0.1: Connection refused"),
        ),
        ("http://unknown.test/".to_owned(), "failed to look up unknown.test: ".to_owned()),
        ("http://silent.test/".to_owned(), "failed to look up silent.test: no nameserver answers in time".to_owned()),
    ];
    for api in APIS {
        for (url, reason) in &table {
            let output = gateway.output_of(&format!("{api} GET {url}"));
            assert!(output.contains("request not sent: ") && output.contains(reason), "{api} {url}: {output}");
        }
    }
    assert_eq!(verdict(&gateway, "not-connected"), 6);
}
