//! Tests access tokens in bound secrets against the authorization server of Authlib.

use std::thread;

use frontgate_tests::{AuthorizationServer, Gateway, Names, Replicas, Setup, eventually, run};
use rustix::process::Signal;

const CREDENTIALS: &str =
    r#"grant = "client-credentials", client_id = "crm", client_secret = { file = "files/secret" }, scope = "contacts""#;
const REFRESH: &str = r#"grant = "refresh-token", client_id = "crm", client_secret = { file = "files/secret" }, refresh_token = { file = "files/refresh" }"#;

/// A server with the names of a login host and an API.
struct Hosts {
    server: AuthorizationServer,
    names: Names,
}

impl Hosts {
    fn start() -> Self {
        let names = Names::start().is("crm.test", &["127.0.0.1"]).is("login.test", &["127.0.0.1"]);
        Self { server: AuthorizationServer::start(), names }
    }

    /// Creates a setup whose plugin may call the API, with these keys of `oauth`.
    fn setup(&self, oauth: &str) -> Setup {
        let port = self.server.port();
        let bound = format!(
            r#"[{{ to = "http://crm.test:{port}", header = "authorization", value = "Bearer {{token}}", oauth = {{ token_url = "http://login.test:{port}/token", {oauth} }} }}]"#
        );
        let setup = Setup::caller(&self.names, port).set("plugins.named.plugin.bound_secrets", bound);
        let setup = setup.set("plugins.limits.outbound_timeout_ms", "5000");
        let setup = setup.file("secret", self.server.secret("secret"));
        setup.file("refresh", self.server.secret("first_refresh")).file("key", self.server.secret("rsa"))
    }

    /// Sends a request to the API through the plugin.
    fn call(&self, gateway: &Gateway, method_and_path: &str) -> String {
        let (method, path) = method_and_path.split_once(' ').expect("a method and a path");
        gateway.output_of(&format!("flat {method} http://crm.test:{}/api/{path}", self.server.port()))
    }

    fn hello(&self, gateway: &Gateway) {
        let output = self.call(gateway, "GET hello");
        assert!(output.ends_with("hello"), "{output}");
    }

    /// Returns the statuses of the token requests so far.
    fn statuses(&self) -> Vec<u64> {
        self.server.requests().iter().map(|request| request["status"].as_u64().unwrap_or_default()).collect()
    }
}

#[test]
fn a_token_of_client_credentials_reaches_the_api() {
    let hosts = Hosts::start();
    let gateway = hosts.setup(CREDENTIALS).start();
    hosts.hello(&gateway);
    let request = &hosts.server.requests()[0];
    assert_eq!((&request["grant"], &request["basic"]), (&"client_credentials".into(), &true.into()));
    assert_eq!(request["scope"], "contacts");
}

#[test]
fn a_client_authenticates_in_the_body_if_the_operator_says_so() {
    let hosts = Hosts::start();
    let more = r#"client_auth = "body", parameters = { note = "for the server" }"#;
    let gateway = hosts.setup(&format!("{CREDENTIALS}, {more}")).start();
    hosts.hello(&gateway);
    let request = &hosts.server.requests()[0];
    assert_eq!((&request["basic"], &request["note"]), (&false.into(), &"for the server".into()));
}

#[test]
fn assertions_are_signed_by_an_rsa_or_a_p256_key() {
    for kind in ["rsa", "ec"] {
        let hosts = Hosts::start();
        let oauth = format!(
            r#"grant = "jwt-bearer", private_key = {{ file = "files/key" }}, issuer = "signer-{kind}", subject = "ana@crm.test", audience = "https://login.test/audience""#
        );
        let gateway = hosts.setup(&oauth).file("key", hosts.server.secret(kind)).start();
        hosts.hello(&gateway);
        assert_eq!(hosts.statuses(), [200], "{kind}");
    }
}

#[test]
fn calls_at_the_same_time_cause_one_token_request() {
    let hosts = Hosts::start();
    hosts.server.set_open(false);
    let gateway = hosts.setup(CREDENTIALS).start();
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| hosts.hello(&gateway));
        }
        eventually("a token request", || hosts.server.requests().len(), |count| *count > 0);
        hosts.server.set_open(true);
    });
    assert_eq!(hosts.statuses(), [200]);
}

#[test]
fn a_token_is_renewed_before_it_expires() {
    let hosts = Hosts::start();
    hosts.server.set_lifetime(8);
    let gateway = hosts.setup(CREDENTIALS).start();
    hosts.hello(&gateway);
    // Each call has a valid token: a quarter of the lifetime before the end, one of them starts a renewal.
    let count = || {
        hosts.hello(&gateway);
        hosts.statuses()
    };
    eventually("a renewal", count, |statuses| statuses.len() == 2);
    assert_eq!(gateway.log().count_events("outbound.token_failed"), 0);
}

#[test]
fn an_expired_token_is_replaced() {
    let hosts = Hosts::start();
    hosts.server.set_lifetime(1);
    let gateway = hosts.setup(CREDENTIALS).start();
    hosts.hello(&gateway);
    hosts.server.set_down(503);
    // The renewals in the background fail, so the token expires.
    let output = eventually(
        "a failure",
        || hosts.call(&gateway, "GET hello"),
        |output| output.contains("failed to get an access token"),
    );
    assert!(output.contains("status 503") || output.contains("expired"), "{output}");
    hosts.server.set_down(0);
    eventually("a new token", || hosts.call(&gateway, "GET hello"), |output| output.ends_with("hello"));
}

#[test]
fn a_request_that_is_answered_401_is_repeated_once_with_a_new_token() {
    let hosts = Hosts::start();
    let gateway = hosts.setup(CREDENTIALS).start();
    hosts.hello(&gateway);
    hosts.server.revoke();
    let output = hosts.call(&gateway, "POST hello body=again");
    assert!(output.ends_with("hello again"), "{output}");
    assert_eq!(hosts.statuses(), [200, 200]);
}

#[test]
fn a_server_that_rejects_new_tokens_too_causes_one_renewal() {
    let hosts = Hosts::start();
    let gateway = hosts.setup(CREDENTIALS).start();
    for _ in 0..5 {
        assert!(hosts.call(&gateway, "GET denied").starts_with("401"));
    }
    assert_eq!(hosts.statuses(), [200, 200]);
}

#[test]
fn a_streamed_request_is_not_repeated_but_the_next_one_has_a_new_token() {
    let hosts = Hosts::start();
    let gateway = hosts.setup(CREDENTIALS).start();
    hosts.hello(&gateway);
    hosts.server.revoke();
    let streamed = format!("wasi POST http://crm.test:{}/api/hello body=again", hosts.server.port());
    let output = gateway.output_of(&streamed);
    assert!(output.starts_with("401"), "{output}");
    let output = gateway.output_of(&streamed);
    assert!(output.ends_with("hello again"), "{output}");
}

#[test]
fn a_response_that_repeats_the_token_is_withheld() {
    let hosts = Hosts::start();
    let gateway = hosts.setup(CREDENTIALS).start();
    let output = hosts.call(&gateway, "GET echo");
    assert!(output.contains("withheld: contains a secret bound to crm.test"), "{output}");
    // The same is true of the next token.
    hosts.server.revoke();
    let output = hosts.call(&gateway, "GET echo");
    assert!(output.contains("withheld: contains a secret bound to crm.test"), "{output}");
    assert_eq!(hosts.statuses(), [200, 200]);
}

#[test]
fn the_plugin_cannot_call_the_token_endpoint() {
    let hosts = Hosts::start();
    let gateway = hosts.setup(CREDENTIALS).start();
    let output = gateway.output_of(&format!("flat POST http://login.test:{}/token", hosts.server.port()));
    assert!(output.contains("login.test not granted"), "{output}");
}

#[test]
fn a_failure_of_the_token_endpoint_is_an_error_for_the_plugin_and_an_event_for_the_operator() {
    let hosts = Hosts::start();
    hosts.server.set_down(503);
    let gateway = hosts.setup(CREDENTIALS).start();
    let output = hosts.call(&gateway, "GET hello");
    let expected = format!("failed to get an access token from http://login.test:{}: status 503", hosts.server.port());
    assert!(output.contains(&expected), "{output}");
    let line = gateway.log().wait_for_event("outbound.token_failed");
    assert!(line["message"].as_str().is_some_and(|text| text.contains(&expected)), "{line}");
    // Calls during the pause cause no further request.
    let before = hosts.statuses().len();
    hosts.call(&gateway, "GET hello");
    assert!(hosts.statuses().len() <= before + 1);
    hosts.server.set_down(0);
    eventually("a token", || hosts.call(&gateway, "GET hello"), |output| output.ends_with("hello"));
}

#[test]
fn a_redirect_of_the_token_endpoint_is_not_followed() {
    let hosts = Hosts::start();
    hosts.server.set_down(302);
    let gateway = hosts.setup(CREDENTIALS).start();
    let output = hosts.call(&gateway, "GET hello");
    assert!(output.contains("status 302"), "{output}");
    assert_eq!(hosts.statuses(), [302]);
}

#[test]
fn wrong_credentials_are_reported_with_the_code_of_the_server() {
    let hosts = Hosts::start();
    let gateway = hosts.setup(CREDENTIALS).file("secret", "another secret of the client").start();
    let output = hosts.call(&gateway, "GET hello");
    assert!(output.contains("invalid_client (status 401)"), "{output}");
}

#[test]
fn a_private_address_of_the_token_endpoint_has_to_be_granted() {
    let hosts = Hosts::start();
    let gateway = hosts.setup(CREDENTIALS).set("plugins.named.plugin.outbound_networks", "[]").start();
    let output = hosts.call(&gateway, "GET hello");
    assert!(output.contains("login.test resolves to 127.0.0.1, not a public address"), "{output}");
}

#[test]
fn a_rotated_refresh_token_survives_a_restart() {
    let hosts = Hosts::start();
    let gateway = hosts.setup(REFRESH).start();
    hosts.hello(&gateway);
    let gateway = gateway.restart();
    // The access token in the database is still valid.
    hosts.hello(&gateway);
    assert_eq!(hosts.statuses(), [200]);
    hosts.server.revoke();
    hosts.hello(&gateway);
    assert_eq!(hosts.statuses(), [200, 200]);
    let spent = |index: usize| hosts.server.requests()[index]["refresh_token"].clone();
    assert_eq!(spent(0), hosts.server.secret("first_refresh"));
    assert_ne!(spent(1), spent(0));
}

#[test]
fn a_refresh_token_that_the_operator_changed_wins_over_the_stored_one() {
    let hosts = Hosts::start();
    let gateway = hosts.setup(REFRESH).start();
    hosts.hello(&gateway);
    std::fs::write(gateway.path("files/refresh"), hosts.server.secret("other_refresh")).expect("a file");
    let gateway = gateway.restart();
    hosts.hello(&gateway);
    assert_eq!(hosts.server.requests()[1]["refresh_token"], hosts.server.secret("other_refresh"));
}

#[test]
fn a_rotated_refresh_token_survives_a_reload() {
    let hosts = Hosts::start();
    let gateway = hosts.setup(REFRESH).start();
    hosts.hello(&gateway);
    gateway.reload();
    hosts.hello(&gateway);
    hosts.server.revoke();
    hosts.hello(&gateway);
    assert_eq!(hosts.statuses(), [200, 200]);
}

#[test]
fn a_refresh_token_that_is_replaced_during_a_shutdown_is_stored() {
    let hosts = Hosts::start();
    hosts.server.set_open(false);
    let mut gateway = hosts.setup(REFRESH).start();
    let output = hosts.call(&gateway, "GET hello timeout=100");
    assert!(output.contains("failed to get an access token"), "{output}");
    eventually("a token request", || hosts.server.requests().len(), |count| *count == 1);
    gateway.signal(Signal::TERM);
    gateway.log().wait_for_event("gateway.draining");
    hosts.server.set_open(true);
    gateway.wait();
    hosts.hello(&gateway.start_again());
    assert_eq!(hosts.statuses(), [200]);
}

#[test]
fn replicas_share_a_refresh_token_and_never_spend_it_twice() {
    let hosts = Hosts::start();
    hosts.server.set_lifetime(4);
    let replicas = Replicas::start(2, || hosts.setup(REFRESH));
    let renewed = || {
        thread::scope(|scope| {
            for gateway in &replicas.gateways {
                scope.spawn(|| hosts.hello(gateway));
            }
        });
        hosts.statuses().len()
    };
    eventually("several renewals", renewed, |count| *count >= 4);
    let statuses = hosts.statuses();
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(replicas.count("outbound.token_failed"), 0);
}

#[test]
fn no_token_and_no_secret_reaches_the_log() {
    let hosts = Hosts::start();
    let gateway = hosts.setup(REFRESH).set("log.level", "\"trace\"").start();
    for path in ["hello", "echo", "denied"] {
        hosts.call(&gateway, &format!("GET {path}"));
    }
    hosts.server.set_down(400);
    hosts.server.revoke();
    hosts.call(&gateway, "GET hello");
    let log = gateway.log().text();
    assert!(log.contains("token for plugin"), "debug lines are there");
    let mut private = hosts.server.tokens();
    private.push(hosts.server.secret("secret").to_owned());
    private.push("client%20s3cr3t".to_owned());
    assert!(private.len() > 5, "tokens were issued");
    for text in private {
        let line = log.lines().find(|line| line.contains(&text));
        assert!(line.is_none(), "{text} is in the log: {line:?}");
        for page in ["/statusz", "/metrics"] {
            assert!(!gateway.admin_get(page).1.contains(&text));
        }
    }
}

#[test]
fn keys_that_a_grant_lacks_or_does_not_know_are_faults() {
    let secret = "client_id = \"a\", client_secret = { file = \"files/secret\" }";
    let url = "token_url = \"https://login.test/token\"";
    let table = [
        (
            format!("grant = \"client-credentials\", {url}"),
            "oauth.client_id: is missing for the grant client-credentials",
        ),
        (format!("grant = \"client-credentials\", {url}, client_id = \"a\""), "oauth.client_secret: is missing"),
        (format!("grant = \"refresh-token\", {url}, {secret}"), "oauth.refresh_token: is missing"),
        (format!("grant = \"jwt-bearer\", {url}, issuer = \"a\""), "oauth.private_key: is missing"),
        (
            format!("grant = \"jwt-bearer\", {url}, issuer = \"a\", private_key = {{ file = \"files/secret\" }}"),
            "oauth.private_key: is not a private key in PEM",
        ),
        (
            format!("grant = \"jwt-bearer\", {url}, private_key = {{ file = \"files/key\" }}"),
            "oauth.issuer: is missing",
        ),
        (
            format!("grant = \"client-credentials\", {url}, {secret}, audience = \"b\""),
            "oauth.audience: has no effect for the grant client-credentials",
        ),
        (
            format!("grant = \"client-credentials\", {url}, {secret}, parameters = {{ scope = \"b\" }}"),
            "oauth.parameters.scope: is set by the gateway",
        ),
        (
            format!("grant = \"client-credentials\", {secret}, token_url = \"login.test/token\""),
            "oauth.token_url: is not a URL",
        ),
        (
            format!("grant = \"client-credentials\", {secret}, token_url = \"https://a:b@login.test\""),
            "oauth.token_url: has a user, a password or a fragment",
        ),
        (format!("{url}, {secret}"), "missing field `grant`"),
    ];
    let hosts = Hosts::start();
    let setup = hosts.setup(CREDENTIALS);
    let check = |setup: Setup, bound: &str| {
        let setup = setup.set("plugins.named.plugin.bound_secrets", bound);
        setup.write();
        let output = run(setup.folder(), &["check", "--config", "config.toml"]);
        (setup, output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let to = format!("to = \"http://crm.test:{}\", header = \"authorization\"", hosts.server.port());
    let mut setup = setup;
    for (oauth, problem) in table {
        let bound = format!("[{{ {to}, value = \"Bearer {{token}}\", oauth = {{ {oauth} }} }}]");
        let (checked, code, text) = check(setup, &bound);
        assert_eq!(code, Some(1), "{oauth}: {text}");
        assert!(text.contains(problem) && text.contains("config.toml:"), "{oauth}: no `{problem}` in {text}");
        setup = checked;
    }
    let valid = format!("grant = \"client-credentials\", {url}, {secret}");
    let bound = format!("[{{ {to}, value = \"Bearer\", oauth = {{ {valid} }} }}]");
    let (_, _, text) = check(setup, &bound);
    assert!(text.contains("bound_secrets[0].value: has no place for the access token"), "{text}");
}
