//! Finding 7: a plugin reads a bound secret.
//!
//! A plugin may send any request to a host that returns parts of the request, in any encoding that servers use. The
//! plugin must never learn the secret that the gateway has inserted.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use frontgate_tests::{Gateway, Names, Setup, Web};

const APIS: [&str; 2] = ["flat", "wasi"];
const SECRET: &str = "pat-na1-s3cr3t-T0ken-9f2c7e";
const USER: &str = "mora-the-account";
const PASSWORD: &str = "pa55word-1b8d4a";
const WITHHELD: &str = "response withheld: contains a secret bound to ";

/// A function that returns the bytes of an answer containing the given credential.
type Echo = fn(&str) -> Vec<u8>;

fn head(line: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{line}\r\ncontent-length: 0\r\n\r\n").into_bytes()
}

fn body(text: impl AsRef<[u8]>) -> Vec<u8> {
    let text = text.as_ref();
    [format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", text.len()).as_bytes(), text].concat()
}

fn each(text: &str, spell: impl Fn(u8) -> String) -> String {
    text.bytes().map(spell).collect()
}

/// Returns an answer with a chunked body, one byte per chunk.
fn chunked(text: &str, trailer: &str) -> Vec<u8> {
    let chunks = each(text, |byte| format!("1\r\n{}\r\n", char::from(byte)));
    format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n{trailer}\r\n").into_bytes()
}

/// Named ways to return a credential: `pat-...`, or user and password in base64.
const ECHOES: [(&str, Echo); 38] = [
    ("a header", |seen| head(&format!("x-echo: {seen}"))),
    ("the middle of a header", |seen| head(&format!("x-echo: you sent \"{seen}\" here"))),
    ("a header in capitals", |seen| head(&format!("x-echo: {}", seen.to_uppercase()))),
    ("the name of a header", |seen| head(&format!("{}: x", seen.trim_end_matches('=')))),
    ("two headers", |seen| {
        let (one, other) = seen.split_at(9);
        head(&format!("x-echo: {one}\r\nx-echo: {other}"))
    }),
    ("where a redirect leads", |seen| {
        format!("HTTP/1.1 302 Found\r\nlocation: /login?next={seen}\r\ncontent-length: 0\r\n\r\n").into_bytes()
    }),
    ("a cookie", |seen| head(&format!("set-cookie: session={seen}; path=/"))),
    ("a challenge", |seen| {
        format!("HTTP/1.1 401 No\r\nwww-authenticate: Bearer error=\"{seen}\"\r\ncontent-length: 0\r\n\r\n")
            .into_bytes()
    }),
    ("a trailer", |seen| chunked("hello", &format!("x-echo: {seen}\r\n"))),
    ("a body", |seen| body(format!("{{\"authorization\":\"{seen}\"}}"))),
    ("a body after much else", |seen| body("x".repeat(200_000) + seen)),
    ("a body to the end of the connection", |seen| format!("HTTP/1.0 200 OK\r\n\r\n{seen}").into_bytes()),
    ("a body in chunks of one byte", |seen| chunked(seen, "")),
    ("the body of an error", |seen| {
        format!("HTTP/1.1 500 No\r\ncontent-length: {}\r\n\r\n{seen}", seen.len()).into_bytes()
    }),
    ("capitals", |seen| body(seen.to_uppercase())),
    ("small letters", |seen| body(seen.to_lowercase())),
    ("without its last letters", |seen| body(&seen[..seen.len() - 5])),
    ("without its first letters", |seen| body(&seen[5..])),
    ("percent escapes", |seen| body(each(seen, |byte| format!("%{byte:02x}")))),
    ("some percent escapes", |seen| body(seen.replace('a', "%61").replace('3', "%33").replace('=', "%3D"))),
    ("percent escapes of percent escapes", |seen| body(each(seen, |byte| format!("%25{byte:02X}")))),
    ("an escape before it that eats its first letter", |seen| body(format!("%4{seen}%"))),
    ("JSON escapes", |seen| body(each(seen, |byte| format!("\\u{byte:04x}")))),
    ("JavaScript escapes", |seen| body(each(seen, |byte| format!("\\x{byte:02X}")))),
    ("HTML escapes", |seen| body(each(seen, |byte| format!("&#{byte};")))),
    ("hexadecimal HTML escapes", |seen| body(each(seen, |byte| format!("&amp;#x{byte:x};")))),
    ("quoted-printable", |seen| body(each(seen, |byte| format!("={byte:02X}")))),
    ("hexadecimal digits", |seen| body(each(seen, |byte| format!("{byte:02x}")))),
    ("a list of numbers", |seen| body(each(seen, |byte| format!("{byte}, ")))),
    ("separators", |seen| body(each(seen, |byte| format!("{} ", char::from(byte))))),
    ("UTF-16", |seen| body(each(seen, |byte| format!("{}\0", char::from(byte))))),
    ("UTF-32", |seen| body(each(seen, |byte| format!("\0\0\0{}", char::from(byte))))),
    ("base64", |seen| body(BASE64_STANDARD.encode(seen))),
    ("base64 of more", |seen| body(BASE64_STANDARD.encode(format!("a{seen}b")))),
    ("base64 of even more", |seen| body(BASE64_STANDARD.encode(format!("authorization: {seen} ")))),
    ("base64 for URLs", |seen| body(BASE64_URL_SAFE_NO_PAD.encode(format!("{{{seen}}}")))),
    ("base64 in lines", |seen| {
        let text = BASE64_STANDARD.encode(format!("Authorization: {seen}"));
        body(text.as_bytes().chunks(7).map(|line| [line, b"\r\n"].concat()).collect::<Vec<_>>().concat())
    }),
    ("base64 in percent escapes", |seen| body(each(&BASE64_STANDARD.encode(seen), |byte| format!("%{byte:02X}")))),
];

/// Returns the credential in the `authorization` header, without the scheme.
fn credential(head: &str) -> Option<&str> {
    let line = head.lines().find(|line| line.to_lowercase().starts_with("authorization:"))?;
    line.rsplit(' ').next()
}

/// Starts a server that returns the credential in form N: `/echo/N` as received, `/decoded/N` decoded from base64.
fn echo_server() -> Web {
    Web::scripted(|head| {
        let path = head.split(' ').nth(1)?;
        let (number, decoded) = match path.strip_prefix("/decoded/") {
            Some(number) => (number, true),
            None => (path.strip_prefix("/echo/")?, false),
        };
        let (_, echo) = ECHOES.get(number.parse::<usize>().ok()?)?;
        let seen = credential(head)?;
        match decoded {
            true => Some(echo(&String::from_utf8(BASE64_STANDARD.decode(seen).ok()?).ok()?)),
            false => Some(echo(seen)),
        }
    })
}

fn bound(port: u16, more: &str) -> String {
    format!(
        "[{{ to = \"http://crm.test:{port}\", header = \"authorization\", value = \"Bearer {{token}}\", secrets = {{ token \
         = {{ file = \"files/secret\" }} }}{more} }}, {{ to = \"http://basic.test:{port}\", header = \"authorization\", \
         value = \"Basic {{user}}:{{word}}\", secrets = {{ user = {{ file = \"files/user\" }}, word = {{ file = \
         \"files/word\" }} }} }}]"
    )
}

fn setup(web: &Web, names: &Names, more: &str) -> Setup {
    let port = web.port();
    let hosts = ["crm", "basic", "plain"].map(|name| format!("\"http://{name}.test:{port}\"")).join(",");
    Setup::caller(names, port)
        .file("secret", SECRET)
        .file("user", USER)
        .file("word", PASSWORD)
        .set("plugins.named.plugin.outbound", format!("[{hosts}]"))
        .set("plugins.named.plugin.bound_secrets", bound(port, more))
}

fn names() -> Names {
    ["crm.test", "basic.test", "plain.test"].iter().fold(Names::start(), |names, name| names.is(name, &["127.0.0.1"]))
}

fn start(web: &Web, more: &str) -> Gateway {
    setup(web, &names(), more).start()
}

#[test]
fn no_echo_reveals_a_bound_secret_to_a_plugin() {
    let web = echo_server();
    let gateway = start(&web, "");
    for (number, (kind, _)) in ECHOES.iter().enumerate() {
        for api in APIS {
            let output = gateway.output_of(&format!("{api} GET http://crm.test:{}/echo/{number} show=all", web.port()));
            assert!(output.contains(WITHHELD), "{api}, {kind}: {output}");
        }
    }
    let warning = gateway.log().wait_for(WITHHELD);
    assert_eq!(warning["event"], "outbound.answer_withheld");
}

#[test]
fn no_echo_reveals_user_or_password_to_a_plugin() {
    let web = echo_server();
    let gateway = start(&web, "");
    for (number, (kind, _)) in ECHOES.iter().enumerate() {
        for way in ["echo", "decoded"] {
            // A header name cannot contain a colon.
            if way == "decoded" && *kind == "the name of a header" {
                continue;
            }
            let output =
                gateway.output_of(&format!("wasi GET http://basic.test:{}/{way}/{number} show=all", web.port()));
            assert!(output.contains(WITHHELD), "{way}, {kind}: {output}");
        }
    }
}

#[test]
fn the_reason_phrase_of_a_status_does_not_reach_a_plugin() {
    let web = Web::scripted(|head| {
        let phrase = credential(head)?;
        Some(format!("HTTP/1.1 200 {phrase}\r\ncontent-length: 5\r\n\r\nhello").into_bytes())
    });
    let gateway = start(&web, "");
    for api in APIS {
        let output = gateway.output_of(&format!("{api} GET http://crm.test:{}/ show=all", web.port()));
        assert!(
            output.starts_with("200, 5 bytes") && output.contains("hello") && !output.contains(SECRET),
            "{api}: {output}"
        );
    }
}

#[test]
fn an_answer_that_cannot_be_scanned_for_a_secret_is_withheld() {
    let table = [
        ("206 Partial Content", "content-range: bytes 0-4/100", "partial content"),
        ("200 OK", "content-range: bytes 0-4/100", "partial content"),
        ("226 IM Used", "x: y", "partial content"),
        ("200 OK", "content-type: Multipart/ByteRanges; boundary=x", "partial content"),
        ("200 OK", "content-encoding: gzip", "content-encoding"),
        ("200 OK", "content-encoding: identity\r\ncontent-encoding: br", "content-encoding"),
        ("404 Not Found", "content-encoding: identity, x-own", "content-encoding"),
    ];
    for (status, header, reason) in table {
        let web = Web::scripted(move |_| {
            Some(format!("HTTP/1.1 {status}\r\n{header}\r\ncontent-length: 5\r\n\r\nhello").into_bytes())
        });
        let gateway = start(&web, "");
        for api in APIS {
            let output = gateway.output_of(&format!("{api} GET http://crm.test:{}/", web.port()));
            assert!(
                output.contains(&format!(
                    "response of crm.test withheld: cannot be searched for the bound secret ({reason})"
                )),
                "{api}, {header}: {output}"
            );
            let output = gateway.output_of(&format!("{api} GET http://plain.test:{}/", web.port()));
            assert!(output.ends_with("hello"), "{api}, {header}, a host without a secret: {output}");
        }
    }
}

#[test]
fn a_plugin_cannot_request_a_range_or_another_encoding() {
    let web = Web::start();
    let gateway = start(&web, "");
    for api in APIS {
        for header in ["range", "If-Range", "a-im"] {
            let output =
                gateway.output_of(&format!("{api} GET http://crm.test:{}/ header:{header}=bytes=0-4", web.port()));
            let refused =
                format!("header {} not allowed for crm.test, which has a bound secret", header.to_lowercase());
            assert!(output.contains(&refused), "{api}: {output}");
        }
        assert_eq!(web.requests().len(), usize::from(api == "wasi"));
        gateway.output_of(&format!("{api} GET http://crm.test:{}/ header:accept-encoding=gzip", web.port()));
        let request = web.requests().pop().expect("a request");
        assert!(request.contains("accept-encoding: identity\n") && !request.contains("gzip"), "{request}");
    }
}

#[test]
fn only_listed_methods_are_sent() {
    let web = Web::start();
    let gateway = start(&web, "");
    for api in APIS {
        for method in ["TRACE", "TRACK", "DEBUG", "CONNECT", "trace", "get", "Get", "PROPFIND", "PRI"] {
            let output = gateway.output_of(&format!("{api} {method} http://plain.test:{}/", web.port()));
            assert!(output.contains(&format!("method {method} not allowed")), "{api}: {output}");
        }
    }
    assert_eq!(web.connections(), 0);
    for api in APIS {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            gateway.output_of(&format!("{api} {method} http://crm.test:{}/", web.port()));
            let request = web.requests().pop().expect("a request");
            assert!(request.starts_with(&format!("{method} / HTTP/1.1\n")), "{api}: {request}");
        }
    }
}

#[test]
fn a_secret_bound_to_paths_is_sent_to_those_paths_only() {
    let web = Web::start();
    let gateway = start(&web, ", paths = [\"/v1/\", \"/v2/people\"]");
    for api in APIS {
        for (path, expected) in [
            ("/v1/people", true),
            ("/v1/", true),
            ("/v2/people", true),
            ("/v2/people/7?next=/../..", true),
            ("/v2/people-and-more", false),
            ("/v1", false),
            ("/V1/people", false),
            ("/", false),
            ("/debug/v1/", false),
            ("/%76%31/people", false),
        ] {
            gateway.output_of(&format!("{api} GET http://crm.test:{}{path}", web.port()));
            let request = web.requests().pop().expect("a request");
            assert!(request.starts_with(&format!("GET {path} ")), "{api}, {path}: {request}");
            assert_eq!(request.contains(SECRET), expected, "{api}, {path}: {request}");
        }
    }
}

#[test]
fn an_ambiguous_path_is_rejected_if_a_secret_is_bound_to_paths() {
    let web = Web::start();
    let gateway = start(&web, ", paths = [\"/v1/\"]");
    for path in [
        "/v1//debug",
        "/v1/..%2fdebug",
        "/v1/..%5cdebug",
        "/v1/..;/debug",
        "/v1/%252e%252e/debug",
        "/v1/x;y=z",
        "/v1/%2fdebug",
        "/v1/%00",
        "/v1/%c0%ae%c0%ae/debug",
        "//v1/",
    ] {
        for api in APIS {
            let output = gateway.output_of(&format!("{api} GET http://crm.test:{}{path}", web.port()));
            assert!(
                output.contains("ambiguous path, and a secret is bound to paths of crm.test"),
                "{api}, {path}: {output}"
            );
        }
    }
    // URL parsing removes these segments; `wasi:http` passes a path unchanged.
    for path in ["/v1/../debug", "/v1/./x", "/v1/%2e%2e/debug", "/v1/.%2E/debug"] {
        let output = gateway.output_of(&format!("wasi GET http://crm.test:{}{path}", web.port()));
        assert!(output.contains("ambiguous path, and a secret is bound to paths of crm.test"), "{path}: {output}");
    }
    for header in ["x-original-url", "X-Rewrite-URL"] {
        let output = gateway.output_of(&format!("flat GET http://crm.test:{}/v1/x header:{header}=/debug", web.port()));
        assert!(output.contains("not allowed for crm.test, which has a bound secret"), "{output}");
    }
    assert_eq!(web.connections(), 0);
    for api in APIS {
        gateway.output_of(&format!("{api} GET http://plain.test:{}/v1//x", web.port()));
        assert!(web.requests().pop().expect("a request").starts_with("GET /v1//x "), "{api}");
    }
}

#[test]
fn answers_for_other_paths_of_the_host_are_scanned_too() {
    let web = Web::scripted(|head| head.starts_with("GET /last ").then(|| body(SECRET)));
    let gateway = start(&web, ", paths = [\"/v1/\"]");
    for api in APIS {
        let output = gateway.output_of(&format!("{api} GET http://crm.test:{}/last", web.port()));
        assert!(output.contains(WITHHELD), "{api}: {output}");
    }
}

#[test]
fn a_connection_that_carried_a_secret_carries_no_request_without_it() {
    let web = Web::start();
    let gateway = start(&web, ", paths = [\"/connection\"]");
    let get = |path: &str| gateway.output_of(&format!("flat GET http://crm.test:{}{path}", web.port()));
    assert!(get("/connection").ends_with("connection 1"));
    assert!(get("/connection").ends_with("connection 1"));
    get("/");
    assert_eq!(web.connections(), 2);
    assert!(get("/connection").ends_with("connection 1"));
    get("/");
    assert_eq!(web.connections(), 2);
}

#[test]
fn an_answer_without_a_secret_is_unchanged() {
    let long = format!("{{\"token_type\":\"pat-na1\",\"text\":\"{}\"}}", "s3cr3t-T0ken ".repeat(5_000));
    let expected = format!("200, {} bytes", long.len());
    let web = Web::scripted(move |_| Some(body(&long)));
    let gateway = start(&web, "");
    for api in APIS {
        let output = gateway.output_of(&format!("{api} GET http://crm.test:{}/ show=all", web.port()));
        assert!(output.starts_with(&expected), "{api}: {output}");
    }
}

#[test]
fn a_visible_secret_may_be_returned() {
    let web = Web::scripted(|_| Some(body(format!("{{\"account\":\"{USER}\"}}"))));
    let names = names();
    let hidden = setup(&web, &names, "").start();
    let visible = bound(web.port(), "").replace("value = \"Basic", "visible = [\"user\"], value = \"Basic");
    let visible = setup(&web, &names, "").set("plugins.named.plugin.bound_secrets", visible).start();
    for api in APIS {
        let instruction = format!("{api} GET http://basic.test:{}/ show=all", web.port());
        assert!(hidden.output_of(&instruction).contains(WITHHELD), "{api}");
        assert!(visible.output_of(&instruction).contains(USER), "{api}");
    }
}
