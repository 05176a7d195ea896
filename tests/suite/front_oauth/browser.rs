//! The pages in a real browser, behind TLS as in operation.

use frontgate_tests::front::Draft;
use frontgate_tests::{Chromium, Tls, Web};
use serde_json::json;

use super::{Fixture, PASSWORD, USER, begin, client_of_front};
use crate::channels::LEE;

/// Width of a phone, in pixels.
const PHONE: u32 = 390;
const DESKTOP: u32 = 1_200;

/// A gateway behind TLS, and a browser that finds the gateway, Front and the provider.
struct Behind {
    fixture: Fixture,
    browser: Chromium,
    _tls: Tls,
}

impl Behind {
    fn new(width: u32) -> Self {
        Self::with(width, &[])
    }

    fn with(width: u32, hosts: &[(&str, u16)]) -> Self {
        let fixture = Fixture::new();
        let tls = Tls::of("gw.example.org", fixture.gateway.address());
        let hosts = [&[("gw.example.org", tls.port())][..], hosts].concat();
        let browser = Chromium::start(width, &hosts);
        Self { fixture, browser, _tls: tls }
    }

    fn sign_in(&self, user: &str) {
        self.browser.write("input[name='field.user']", user);
        self.browser.write("input[name='field.password']", PASSWORD);
        self.browser.click("button.main");
    }

    /// Fails if the page is wider than the window, or a text has too little contrast to be read.
    fn assert_readable(&self) {
        let wide = self.browser.execute("return document.documentElement.scrollWidth > window.innerWidth");
        assert_eq!(wide, false, "{} is wider than the window", self.browser.url());
        let contrast = self.browser.execute(CONTRAST);
        assert!(contrast.as_f64().is_some_and(|ratio| ratio >= 4.5), "{}: contrast {contrast}", self.browser.url());
        let small = self.browser.execute(
            "return [...document.querySelectorAll('button')].filter(b => b.getBoundingClientRect().height < 44).length",
        );
        assert_eq!(small, 0, "buttons are too small for a finger");
    }
}

/// Returns the smallest contrast of a text with its background, by the formula of WCAG 2.
const CONTRAST: &str = r"
const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const parse = text => text.match(/[\d.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const background = e => {
  for (; e; e = e.parentElement) {
    const color = parse(getComputedStyle(e).backgroundColor);
    if (color.length < 4 || color[3] > 0) return color;
  }
  return [255, 255, 255];
};
const texts = [...document.querySelectorAll('h1, p, label, button, a, dt, dd, small, span, input')];
return Math.min(...texts.map(e => {
  const [a, b] = [light(parse(getComputedStyle(e).color)), light(background(e))].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}));";

#[test]
fn an_admin_connects_a_channel_of_front_in_a_browser() {
    let behind = Behind::new(DESKTOP);
    let (front, browser) = (&behind.fixture.front, &behind.browser);
    browser.open(&front.begin_oauth(&client_of_front()));
    browser.wait_for_text("h1", "Sign in to Courier");
    behind.sign_in(USER);
    browser.wait_for_text("h1", "Allow Front to use this account?");
    browser.wait_for_text("dd", "Line of planted-user");
    browser.click("button[value=allow]");
    browser.wait_for_url(&front.redirect_uri());
    let connection = front.oauth_connections().pop().expect("a connection");
    assert!(matches!(connection.outcome, Some(Ok(_))), "{connection:?}");
    front.send(&connection.channel, Draft::new("planted text").to(LEE)).ids();
}

#[test]
fn a_client_of_authlib_gets_tokens_from_a_browser() {
    let client_page = Web::start();
    let behind = Behind::with(PHONE, &[("front.example.com", tls_port(&client_page).port())]);
    let client = behind.fixture.client(&json!({}));
    behind.browser.open(&client.begin());
    behind.sign_in("choose");
    behind.browser.wait_for_text(".choices button", "First <line>\n+15550100101");
    behind.browser.click(".choices button[value=two]");
    behind.browser.click("button[value=allow]");
    let returned = behind.browser.wait_for_url("https://front.example.com/return?code=");
    assert!(client.finish(&returned)["access_token"].is_string());
}

#[test]
fn a_person_who_cancels_or_refuses_returns_to_front() {
    for refuses in [false, true] {
        let behind = Behind::new(PHONE);
        let (front, browser) = (&behind.fixture.front, &behind.browser);
        browser.open(&front.begin_oauth(&client_of_front()));
        if refuses {
            behind.sign_in(USER);
            // Both pages have the button.
            browser.wait_for_text("h1", "Allow Front to use this account?");
        }
        browser.click("button[value=cancel]");
        browser.wait_for_url(&front.redirect_uri());
        let connection = front.oauth_connections().pop().expect("a connection");
        assert_eq!(connection.outcome, Some(Err("refused: access_denied".to_owned())));
    }
}

#[test]
fn the_providers_own_page_returns_to_the_same_sign_in() {
    let provider = Web::scripted(|head| {
        let query = head.split_once("/login?")?.1.split(' ').next()?;
        let value = |name: &str| {
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
        };
        let back = format!("{}?code=c1&state={}", value("return")?, value("state")?);
        Some(format!("HTTP/1.0 302 Found\r\nlocation: {back}\r\ncontent-length: 0\r\n\r\n").into_bytes())
    });
    let tls = Tls::of("provider.example.com", provider.address());
    let behind = Behind::with(PHONE, &[("provider.example.com", tls.port())]);
    behind.browser.open(&behind.fixture.front.begin_oauth(&client_of_front()));
    behind.sign_in("redirect");
    behind.browser.wait_for_text("h1", "Allow Front to use this account?");
    behind.browser.wait_for_text("dd", "Line of returned-c1");
}

#[test]
fn the_sign_in_works_without_scripts() {
    let behind = Behind::new(PHONE);
    let front = &behind.fixture.front;
    behind.browser.forbid_scripts();
    behind.browser.open(&front.begin_oauth(&client_of_front()));
    behind.sign_in(USER);
    behind.browser.click("button[value=allow]");
    behind.browser.wait_for_url(&front.redirect_uri());
}

#[test]
fn every_page_is_readable_on_a_phone_and_a_desktop_in_light_and_dark() {
    for width in [PHONE, DESKTOP] {
        let behind = Behind::new(width);
        let both = || {
            for is_dark in [false, true] {
                behind.browser.set_dark(is_dark);
                behind.assert_readable();
            }
        };
        let url = begin(&[]);
        behind.browser.open(&url);
        both();
        behind.browser.write("input[name='field.user']", USER);
        behind.browser.write("input[name='field.password']", "wrong");
        behind.browser.click("button.main");
        behind.browser.wait_for_text(".problem", "Wrong password.");
        both();
        behind.sign_in_again("choose");
        behind.browser.wait_for_text("h1", "Choose a line");
        both();
        behind.browser.click(".choices button[value=one]");
        behind.browser.wait_for_text("h1", "Allow Front to use this account?");
        both();
        behind.browser.open(&url);
        behind.sign_in("refuse");
        behind.browser.wait_for_text("h1", "This account cannot be connected");
        both();
        behind.browser.open(&begin(&[("client_id", "x")]));
        behind.browser.wait_for_text("h1", "This page cannot be opened");
        both();
    }
}

#[test]
fn the_policy_of_the_pages_stops_scripts_and_frames() {
    let behind = Behind::new(PHONE);
    behind.browser.open(&begin(&[]));
    behind.browser.execute(
        "const s = document.createElement('script'); s.textContent = 'window.planted = 1'; document.body.append(s);",
    );
    assert_eq!(behind.browser.execute("return window.planted === undefined"), true);
    let style = behind.browser.execute("return getComputedStyle(document.querySelector('main')).borderRadius !== ''");
    assert_eq!(style, true);
    let cookies = behind.browser.execute("return document.cookie");
    assert_eq!(cookies, "", "scripts cannot read the cookie");
}

impl Behind {
    /// Signs in where the name was entered before.
    fn sign_in_again(&self, user: &str) {
        self.browser.open(&begin(&[]));
        self.sign_in(user);
    }
}

/// Returns a TLS proxy before a web server. It ends with the test program.
fn tls_port(web: &Web) -> &'static Tls {
    Box::leak(Box::new(Tls::of("front.example.com", web.address())))
}
