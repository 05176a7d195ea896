use super::*;

#[test]
fn a_site_is_scheme_host_and_port() {
    let table = [
        ("https://api.example.com", "https://api.example.com:443"),
        ("http://API.Example.COM.", "http://api.example.com:80"),
        ("https://*.example.org:8443", "https://*.example.org:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example:443"),
        ("http://10.0.0.5:8080", "http://10.0.0.5:8080"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://crm:8080", "http://crm:8080"),
    ];
    for (text, shown) in table {
        assert_eq!(Site::parse(text).map(|site| site.to_string()), Ok(shown.to_owned()), "{text}");
    }
}

#[test]
fn an_invalid_site_is_rejected_with_the_reason() {
    let table = [
        ("api.example.com", "has no scheme"),
        ("ftp://api.example.com", "is neither https nor http"),
        ("https://api.example.com/", "has more than scheme, host and port"),
        ("https://api.example.com/v1", "has more than scheme, host and port"),
        ("https://user@api.example.com", "has more than scheme, host and port"),
        ("https://", "has no host that can be looked up"),
        ("https://a.*.example.com", "has a `*` that is not the first label of the host"),
        ("https://*.*.example.com", "has a `*` that is not the first label of the host"),
        ("https://*", "has a `*` that is not the first label of the host"),
        ("https://*.com", "matches all names of a top-level domain"),
        ("https://*.10.0.0.5", "has a `*` before an address"),
        ("http://0x0a.0.0.5", "has an address in an unusual notation"),
        ("http://10.5", "has an address in an unusual notation"),
        ("http://[::ffff:10.0.0.5]", "has an address in an unusual notation"),
        ("http://10.0.0.256", "has no host that can be looked up"),
        ("https://api.example.com:0", "has no port that can be called"),
        ("https://api.example.com:70000", "has no host that can be looked up"),
    ];
    for (text, reason) in table {
        assert_eq!(Site::parse(text), Err(reason), "{text}");
    }
}

#[test]
fn secrets_take_the_place_of_their_names() {
    let rendered = |value: &str| {
        let text = format!("value = {value:?}\n[secrets]\nuser = {{ env = \"HOME\" }}\nword = {{ env = \"PATH\" }}");
        let mut bound: BoundSecret = toml::from_str(&text).expect("a bound secret");
        let folder = std::path::Path::new(".");
        bound.secrets.values_mut().for_each(|secret| secret.resolve(folder, frontgate_system::ownership::open));
        bound.render("").map(|value| value.to_string())
    };
    let (user, word) = (std::env::var("HOME").expect("a home"), std::env::var("PATH").expect("a path"));
    assert_eq!(rendered("Bearer {word}"), Ok(format!("Bearer {word}")));
    assert_eq!(rendered("{user}; {word}"), Ok(format!("{user}; {word}")));
    assert_eq!(rendered("Basic {word}"), Ok(format!("Basic {word}")));
    let encoded = base64(format!("{user}:{word}"));
    assert_eq!(rendered("Basic {user}:{word}"), Ok(format!("Basic {}", encoded.as_str())));
    assert_eq!(rendered("{other}"), Err("names `{other}`, which is not one of `secrets`".to_owned()));
    assert_eq!(rendered("{user"), Err("has a `{` without a `}`".to_owned()));
}

#[test]
fn a_path_that_servers_may_read_differently_is_not_plain() {
    for path in ["/", "/v1", "/v1/", "/v1/a%20b", "/v1/caf%C3%A9", "/v1/a.b..c", "/v1/...", "/v1/%41"] {
        assert!(is_plain_path(path), "{path}");
    }
    let table = [
        "",
        "*",
        "v1",
        "//",
        "//v1",
        "/v1//x",
        "/v1/.",
        "/v1/./x",
        "/v1/..",
        "/v1/../x",
        "/v1/%2e%2e/x",
        "/v1/.%2E/x",
        "/v1%2fx",
        "/v1/%2F",
        "/v1/..%5cx",
        "/v1/..\\x",
        "/v1/..;/x",
        "/v1;a=b/x",
        "/v1/%3bx",
        "/v1/%252e%252e/x",
        "/v1/%",
        "/v1/%2",
        "/v1/%zz",
        "/v1/%00",
        "/v1/%0a",
        "/v1/%c0%ae%c0%ae/x",
        "/v1/%ff",
        "/v1/%3fx",
        "/v1/%23x",
    ];
    for path in table {
        assert!(!is_plain_path(path), "{path}");
    }
}

#[test]
fn a_path_covers_what_is_below_it() {
    for (path, above, expected) in [
        ("/v1/x", "/v1/", true),
        ("/v1/", "/v1/", true),
        ("/v1", "/v1/", false),
        ("/v1", "/v1", true),
        ("/v1/x", "/v1", true),
        ("/v1x", "/v1", false),
        ("/V1/x", "/v1", false),
        ("/x", "/", true),
    ] {
        assert_eq!(is_below(path, above), expected, "{path} below {above}");
    }
}
