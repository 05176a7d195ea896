//! Tests bound secrets: a plugin uses them but never sees them.

use frontgate_tests::{Names, Setup, Web, run};

const SECRET: &str = "s3cr3t-T0ken-9f2c7e";
const PASSWORD: &str = "pa55word-1b8d4a";
const APIS: [&str; 2] = ["flat", "wasi"];

/// Creates a setup whose plugin has a bearer token for one host, and user and password for another.
fn setup(web: &Web, names: &Names) -> Setup {
    let port = web.port();
    let bound = format!(
        r#"[
            {{ to = "http://crm.test:{port}", header = "authorization", value = "Bearer {{token}}", secrets = {{ token = {{ file = "files/secret" }} }} }},
            {{ to = "http://basic.test:{port}", header = "Authorization", value = "Basic {{user}}:{{word}}", secrets = {{ user = {{ file = "files/user" }}, word = {{ file = "files/word" }} }} }},
        ]"#
    );
    let hosts = ["crm", "basic", "plain"].map(|name| format!("\"http://{name}.test:{port}\"")).join(",");
    Setup::caller(names, port)
        .file("secret", SECRET)
        .file("user", "mora")
        .file("word", PASSWORD)
        .set("plugins.named.plugin.outbound", format!("[{hosts}]"))
        .set("plugins.named.plugin.bound_secrets", bound.replace('\n', " "))
}

fn names() -> Names {
    ["crm.test", "basic.test", "plain.test"].iter().fold(Names::start(), |names, name| names.is(name, &["127.0.0.1"]))
}

#[test]
fn a_bound_secret_goes_only_to_its_host_and_replaces_the_plugins_header() {
    let web = Web::start();
    let names = names();
    let gateway = setup(&web, &names).start();
    let sent = |host: &str, api: &str| {
        let instruction = format!("{api} GET http://{host}.test:{}/ header:authorization=guess", web.port());
        assert!(gateway.output_of(&instruction).ends_with("hello"));
        let request = web.requests().pop().expect("a request");
        let lines: Vec<_> = request.lines().filter(|line| line.to_lowercase().starts_with("authorization:")).collect();
        lines.join("; ").to_owned()
    };
    for api in APIS {
        assert_eq!(sent("crm", api), format!("authorization: Bearer {SECRET}"), "{api}");
        // printf 'mora:pa55word-1b8d4a' | base64
        assert_eq!(sent("basic", api), "authorization: Basic bW9yYTpwYTU1d29yZC0xYjhkNGE=", "{api}");
        assert_eq!(sent("plain", api), "authorization: guess", "{api}");
    }
}

#[test]
fn a_bound_secret_is_absent_from_plugin_memory_and_logs() {
    let web = Web::start();
    let names = names();
    let gateway = setup(&web, &names).set("log.level", "\"trace\"").start();
    let shifted = |text: &str| text.bytes().map(|byte| format!("{:02x}", byte + 1)).collect::<String>();
    for api in APIS {
        for path in ["/", "/redirect", "/cut", "/half", "/large/2000000", "/header/100000"] {
            for host in ["crm", "basic"] {
                let output = gateway.output_of(&format!("{api} GET http://{host}.test:{}{path}", web.port()));
                assert!(!output.contains(SECRET) && !output.contains(PASSWORD), "{output}");
            }
        }
    }
    // The call that has just used the secrets searches its memory: it finds the text of the response, but no secret.
    let looked =
        |text: &str| gateway.output_of(&format!("find-after http://crm.test:{}/ {}", web.port(), shifted(text)));
    assert_eq!(looked("hello"), "true 2");
    assert_eq!(looked(SECRET), "false 2");
    assert_eq!(looked(PASSWORD), "false 2");
    let log = gateway.log().text();
    assert!(log.contains("outbound request to http://crm.test"), "debug lines are there");
    for mark in [SECRET, PASSWORD, "bW9yYTpwYTU1d29yZC0xYjhkNGE="] {
        let line = log.lines().find(|line| line.contains(mark));
        assert!(line.is_none(), "{mark} is in the log: {line:?}");
    }
    for page in ["/statusz", "/metrics"] {
        assert!(!gateway.admin_get(page).1.contains(SECRET));
    }
}

#[test]
fn invalid_grants_are_faults_with_their_position() {
    let bound = |to: &str, header: &str, value: &str, secrets: &str| {
        format!("[{{ to = {to:?}, header = {header:?}, value = {value:?}, secrets = {secrets} }}]")
    };
    let token = "{ token = { file = \"token\" } }";
    let crm = "http://crm.test";
    let table = [
        ("outbound", "[\"https://ok.test\", \"crm.test\"]".to_owned(), "outbound[1]: has no scheme"),
        ("outbound", "[\"https://crm.test/v1\"]".to_owned(), "more than scheme, host and port"),
        ("outbound", "[\"https://*\"]".to_owned(), "has a `*`"),
        ("outbound", "[\"http://10.0.0.5\"]".to_owned(), "is not public (private), so its network must be granted"),
        ("outbound", "[\"http://169.254.169.254\"]".to_owned(), "is not public (metadata), and cannot be granted"),
        ("outbound_networks", "[\"10.0.0.0\"]".to_owned(), "is not a network"),
        ("outbound_networks", "[\"0.0.0.0/0\"]".to_owned(), "is not within one private network"),
        ("bound_secrets", bound("http://no.test", "a", "{token}", token), "bound_secrets[0].to: is not granted"),
        ("bound_secrets", bound(crm, "host", "{token}", token), "is not a header that can be set"),
        ("bound_secrets", bound(crm, "a b", "{token}", token), "is not a header that can be set"),
        ("bound_secrets", bound(crm, "a", "{tokn}", token), "names `{tokn}`, which is not one of `secrets`"),
        ("bound_secrets", bound(crm, "a", "Bearer", token), "secrets.token: is not part of `value`"),
        ("bound_secrets", bound(crm, "a", "Bearer", "{}"), "bound_secrets[0].secrets: is empty"),
        ("bound_secrets", bound(crm, "a", "{token}", "{ token = \"literal-token\" }"), "a secret by reference"),
        (
            "bound_secrets",
            bound(crm, "a", "{token}", "{ token = { env = \"NOT_SET_ANYWHERE\" } }"),
            "the environment variable `NOT_SET_ANYWHERE` is not set",
        ),
    ];
    for (key, value, problem) in table {
        let setup = Setup::misbehaving()
            .set("plugins.named.plugin.outbound", format!("[{crm:?}]"))
            .set(&format!("plugins.named.plugin.{key}"), value.clone());
        setup.write();
        let output = run(setup.folder(), &["check", "--config", "config.toml"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{key} = {value}: {text}");
        assert!(text.contains(problem) && text.contains("config.toml:"), "{key} = {value}: no `{problem}` in {text}");
        assert!(!text.contains("literal-token") && !text.contains(frontgate_tests::TOKEN), "{text}");
    }
}
