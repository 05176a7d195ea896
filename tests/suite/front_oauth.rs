//! Tests the authorization server of Front apps: a person signs in, Front gets tokens, and channels use the provider's
//! credential.
//!
//! Front is a client of Authlib, which knows nothing of the gateway, or Front's simulator.

mod browser;
mod endpoints;
mod flow;
mod pages;
mod refusals;
mod sign_ins;
mod tokens;

use frontgate_tests::{Browser, Front, Gateway, OauthClient, PUBLIC_URL, Page, Provider, Setup};
use serde_json::{Value, json};

use crate::channels::SERVER;

/// Front's address for returns, as far as the client of Authlib is concerned.
const RETURN: &str = "https://front.example.com/return";
const CLIENT: &str = "front-client";
const SECRET: &str = "client-secret-of-front-with-32-letters";
/// The user name of the person, which is part of the credential.
const USER: &str = "planted-user";
const PASSWORD: &str = "right";
const CREDENTIAL: &str = "credential-of-planted-user";

/// A gateway with an OAuth app whose plugin is `courier`, and a browser.
struct Fixture {
    front: Front,
    provider: Provider,
    gateway: Gateway,
    browser: Browser,
}

impl Fixture {
    fn new() -> Self {
        Self::with(|setup| setup)
    }

    fn with(change: impl FnOnce(Setup) -> Setup) -> Self {
        let (front, provider) = (Front::start(), Provider::start());
        let gateway = change(setup(&front, &provider)).start();
        front.point_at(gateway.address());
        let browser = Browser::new(gateway.address());
        Self { front, provider, gateway, browser }
    }

    /// Starts a client of Authlib with the usual settings, of which some are changed.
    fn client(&self, change: &Value) -> OauthClient {
        let mut settings = json!({
            "server": format!("http://{}/front/sms/oauth", self.gateway.address()),
            "pages": format!("{SERVER}/oauth"),
            "client_id": CLIENT,
            "client_secret": SECRET,
            "redirect_uri": RETURN,
            "challenge_method": "S256",
        });
        for (name, value) in change.as_object().expect("an object") {
            settings[name] = value.clone();
        }
        OauthClient::start(&settings)
    }

    /// Signs in as a user, up to the consent.
    fn sign_in(&mut self, url: &str, user: &str) -> Page {
        let page = self.browser.open(url);
        self.browser.submit(&page, &[("field.user", user), ("field.password", PASSWORD), ("action", "submit")])
    }

    /// Signs in and allows. Returns the URL at which Front gets the code.
    fn allow(&mut self, url: &str) -> String {
        let consent = self.sign_in(url, USER);
        let left = self.browser.submit(&consent, &[("action", "allow")]);
        assert!(left.url.starts_with(RETURN) || left.url.starts_with(self.front.url()), "{left:?}");
        left.url
    }

    /// Connects a channel of Front's simulator: the person signs in, and the browser returns to Front.
    fn connect(&mut self) -> String {
        let url = self.front.begin_oauth(&client_of_front());
        self.finish_in_front(&url)
    }

    /// Signs in for a connection that Front has begun. Returns the channel.
    fn finish_in_front(&mut self, url: &str) -> String {
        let returned = self.allow(url);
        let path = returned.strip_prefix(self.front.url()).expect("Front's address").to_owned();
        let answer = frontgate_tests::get(self.front.address(), &path, &[]);
        let connection = self.front.oauth_connections().pop().expect("a connection");
        assert!(matches!(connection.outcome, Some(Ok(_))), "{} {connection:?}", answer.text);
        connection.channel
    }

    /// Continues with another gateway process.
    fn restarted(self, restart: impl FnOnce(Gateway) -> Gateway) -> Self {
        let Self { front, provider, gateway, mut browser } = self;
        let gateway = restart(gateway);
        front.point_at(gateway.address());
        browser.point_at(gateway.address());
        Self { front, provider, gateway, browser }
    }

    /// Sends a form of a client with Basic authentication.
    fn post(&self, endpoint: &str, form: &[(&str, &str)]) -> frontgate_tests::Answer {
        self.post_as((CLIENT, SECRET), endpoint, form)
    }

    fn post_as(&self, client: (&str, &str), endpoint: &str, form: &[(&str, &str)]) -> frontgate_tests::Answer {
        post_to(self.gateway.address(), client, &format!("/front/sms/oauth/{endpoint}"), form)
    }
}

fn post_to(
    address: std::net::SocketAddr,
    (id, secret): (&str, &str),
    path: &str,
    form: &[(&str, &str)],
) -> frontgate_tests::Answer {
    use base64::Engine as _;
    let basic = format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(format!("{id}:{secret}")));
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", &basic)];
    frontgate_tests::post(address, path, &headers, body.as_bytes())
}

/// Front's settings of the app.
fn client_of_front() -> frontgate_tests::front::OauthClient {
    frontgate_tests::front::OauthClient {
        server_url: SERVER.to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: SECRET.to_owned(),
    }
}

fn setup(front: &Front, provider: &Provider) -> Setup {
    oauth(Setup::courier(front, provider), front, "sms")
}

/// Adds OAuth to an app.
fn oauth(setup: Setup, front: &Front, app: &str) -> Setup {
    let key = |name: &str| format!("tenants.demo.front.{app}.oauth.{name}");
    setup
        .file("oauth-secret", SECRET)
        .set(&key("client_id"), format!("{CLIENT:?}"))
        .set(&key("client_secrets"), "[{ file = \"files/oauth-secret\" }]")
        .set(&key("redirect_uris"), format!("[{RETURN:?}, {:?}]", front.redirect_uri()))
        .set("plugins.named.courier.config.sign_in_url", "\"https://provider.example.com/login\"")
}

/// Returns the URL that begins a sign-in without PKCE.
fn begin(change: &[(&str, &str)]) -> String {
    let mut pairs =
        vec![("response_type", "code"), ("client_id", CLIENT), ("redirect_uri", RETURN), ("state", "state-1")];
    for (name, value) in change {
        pairs.retain(|(known, _)| known != name);
        pairs.push((name, value));
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{PUBLIC_URL}/front/sms/oauth/authorize?{query}")
}

/// Returns the code of a URL at which Front gets it.
fn code(url: &str) -> String {
    let (_, query) = url.split_once('?').expect("a query");
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "code").map(|(_, value)| value.into_owned()).expect("a code")
}
