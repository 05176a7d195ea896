//! Tests the console in a real browser: sign-in, changes, new rows, hostile texts, and access for everyone.

use std::fs;

use frontgate_tests::{Action, Call, Chromium, Fault, Gateway, Twilio, eventually, list, target};
use serde_json::Value;

use crate::delivery::{OURS, start_with_twilio};

/// A customer's text that would run a script if a page did not escape it.
const HOSTILE: &str = "</textarea><script>window.attacked = 1</script><img src=x onerror='window.attacked = 1'>\
                       <a href=\"javascript:window.attacked = 1\" hx-get=/leave hx-trigger=load>\u{202e}x</a>";

/// Starts a gateway with one delivery that waits, after a customer has sent a hostile text.
fn waiting() -> (Twilio, Gateway, String) {
    let (twilio, gateway) = start_with_twilio(|setup| {
        setup.set("delivery.retry_first_ms", "3600000").set("delivery.retry_longest_ms", "3600000")
    });
    twilio.filters(&[]);
    twilio.fault(Fault::new(Action::FailBefore(503)).on(Call::AddParticipant));
    let sid = twilio.inbound_sms("+12025550107", OURS, HOSTILE).expect("a conversation");
    gateway.wait_for_delivery(1, "unknown");
    (twilio, gateway, sid)
}

/// Signs a person in, and returns the console's origin.
pub(crate) fn sign_in(browser: &Chromium, gateway: &Gateway, role: &str) -> String {
    let origin = format!("http://{}", gateway.console_address());
    browser.open(&gateway.console_link(&["--for", "ana", "--role", role]));
    browser.wait_for_url(&format!("{origin}/"));
    browser.wait_for_text("nav .brand span", "Frontgate");
    origin
}

#[test]
fn a_link_signs_in_and_leaves_no_code_in_the_address() {
    let (_twilio, gateway, _) = waiting();
    let browser = Chromium::start(1280, &[]);
    let origin = sign_in(&browser, &gateway, "operator");
    assert_eq!(browser.url(), format!("{origin}/"));
    browser.wait_for_text("header .pill bdi", "ana");
}

#[test]
fn a_delivery_is_retried_with_a_click() {
    let (_twilio, gateway, _) = waiting();
    let browser = Chromium::start(1280, &[]);
    let origin = sign_in(&browser, &gateway, "operator");
    browser.open(&format!("{origin}/deliveries/1"));
    browser.click("form[action='/deliveries/1/retry'] button:not([disabled])");
    browser.wait_for_text(".notice", "retry: the delivery is unknown now.");
    // The page refreshes itself until the delivery is sent.
    browser.wait_for_text("h1", "Delivery 1 is sent");
}

#[test]
fn personal_data_is_shown_after_a_click_only() {
    let (_twilio, gateway, _) = waiting();
    let browser = Chromium::start(1280, &[]);
    let origin = sign_in(&browser, &gateway, "support");
    browser.open(&format!("{origin}/deliveries/1"));
    let text = || browser.execute("return document.body.innerText").as_str().expect("text").to_owned();
    assert!(!text().contains("12025550107"));
    browser.click("form[action='/deliveries/1/show'] button:not([disabled])");
    browser.wait_for_text("[data-hide-after]", "Shown for 1 min");
    assert!(text().contains("12025550107"));
}

#[test]
fn new_requests_appear_by_themselves() {
    let (_twilio, gateway, _) = waiting();
    let browser = Chromium::start(1280, &[]);
    let origin = sign_in(&browser, &gateway, "viewer");
    browser.open(&format!("{origin}/live?q=callback:crm"));
    browser.wait_for_text("#tail", "");
    assert_eq!(gateway.crm(&list(&[])).status, 200);
    browser.wait_for_text("#tail td:nth-child(3)", "crm");
}

#[test]
fn hostile_texts_run_nothing_and_break_no_page() {
    let (_twilio, gateway, sid) = waiting();
    let browser = Chromium::start(1280, &[]);
    let origin = sign_in(&browser, &gateway, "support");
    let hostile = format!("{origin}/live?q={}", "%3Cscript%3Ewindow.attacked%3D1%3C/script%3E");
    let paths = [
        "/",
        "/live",
        "/deliveries",
        "/deliveries/1",
        "/setup",
        "/setup/demo",
        "/audit",
        &*format!("/conversations/demo/{sid}"),
    ];
    for url in paths.iter().map(|path| format!("{origin}{path}")).chain([hostile]) {
        browser.open(&url);
        browser.wait_for_text("nav .brand span", "Frontgate");
        assert_quiet(&browser, &url);
    }
    gateway.crm(&list(&[("Query", HOSTILE), (HOSTILE, "1")]));
    let live = gateway.sign_in("ben", "viewer").json("/live.json?q=callback:crm");
    browser.open(&format!("{origin}/events/{}", live["rows"][0]["id"].as_str().expect("an id")));
    assert_quiet(&browser, "a request");
    browser.click("form[action$='/show'] button:not([disabled])");
    browser.wait_for_text("[data-hide-after]", "Shown for 1 min");
    assert!(browser.execute("return document.body.innerText").as_str().is_some_and(|text| text.contains("<script>")));
    assert_quiet(&browser, "its content");
}

/// Checks that nothing of a customer has run, and that the page's policy had nothing to stop.
#[track_caller]
fn assert_quiet(browser: &Chromium, place: &str) {
    let script = "const found = []; const observer = new ReportingObserver(() => {}, { buffered: true, types: ['csp-violation'] });
                  observer.observe(); for (const report of observer.takeRecords()) found.push(JSON.stringify(report.body));
                  return [window.attacked ?? null, found, performance.getEntriesByType('resource').map(entry => entry.name)
                    .filter(name => !name.startsWith(location.origin))]";
    let found = browser.execute(script);
    assert_eq!(found, serde_json::json!([null, [], []]), "{place}");
}

#[test]
fn pages_are_readable_without_scripts() {
    let (_twilio, gateway, _) = waiting();
    let browser = Chromium::start(1280, &[]);
    let origin = format!("http://{}", gateway.console_address());
    let link = gateway.console_link(&[]);
    browser.forbid_scripts();
    browser.open(&format!("{origin}/enter"));
    browser.write("input[name=code]", link.split_once('#').expect("a code").1);
    browser.click("#enter button");
    eventually("the first page", || browser.url(), |url| *url == format!("{origin}/"));
    browser.open(&format!("{origin}/deliveries/1"));
    assert!(browser.url().ends_with("/deliveries/1"));
    browser.click("form[action='/deliveries/1/retry'] button[disabled]");
    assert!(browser.url().ends_with("/deliveries/1"), "a change needs the script");
}

/// Returns what axe finds on the page that the browser shows.
pub(crate) fn violations(browser: &Chromium) -> Value {
    let axe = fs::read_to_string(target().join("tools/axe/node_modules/axe-core/axe.min.js"));
    browser.execute(&axe.expect("axe; run `cargo xtask tools`"));
    browser.execute_async(
        "const done = arguments[0];
         axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
           .then(result => done(result.violations.map(one => [one.id, one.nodes.map(node => node.html.slice(0, 200))])))",
    )
}

#[test]
fn all_pages_are_accessible_in_all_colors_and_on_a_phone() {
    let (_twilio, gateway, sid) = waiting();
    for (width, colors) in [(1280, "light"), (1280, "dark"), (1280, "forced"), (390, "light")] {
        let browser = Chromium::start(width, &[]);
        match colors {
            "forced" => browser.force_colors(),
            _ => browser.set_dark(colors == "dark"),
        }
        let origin = sign_in(&browser, &gateway, "operator");
        let request =
            gateway.sign_in("ben", "viewer").json("/live.json")["rows"][0]["id"].as_str().expect("an id").to_owned();
        let paths = [
            "/".to_owned(),
            "/live".to_owned(),
            format!("/events/{request}"),
            "/conversations".to_owned(),
            format!("/conversations/demo/{sid}"),
            "/deliveries".to_owned(),
            "/deliveries?state=unknown".to_owned(),
            "/deliveries/1".to_owned(),
            "/deliveries/bulk?change=retry&state=unknown&tenant=demo".to_owned(),
            "/channels".to_owned(),
            "/plugins".to_owned(),
            "/plugins/plugin".to_owned(),
            "/setup".to_owned(),
            "/setup/demo".to_owned(),
            "/replicas".to_owned(),
            "/audit".to_owned(),
            "/enter".to_owned(),
        ];
        for path in paths {
            browser.open(&format!("{origin}{path}"));
            assert_accessible(&browser, &format!("{path} at {width} in {colors} colors"));
        }
    }
}

/// Checks the open page with axe, and that it is not wider than the window.
#[track_caller]
pub(crate) fn assert_accessible(browser: &Chromium, place: &str) {
    // During the transition from another page, the document is as wide as the window with its scroll bar.
    browser.execute_async(
        "const done = arguments[0];
         Promise.allSettled(document.getAnimations().map(animation => animation.finished)).then(() => done(true))",
    );
    assert_eq!(violations(browser), Value::Array(Vec::new()), "{place}");
    let overflow = "const width = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth <= width) return [];
        return [width, document.documentElement.scrollWidth, ...[...document.querySelectorAll('body *')]
            .filter(one => one.getBoundingClientRect().right > width).map(one => one.outerHTML.slice(0, 200))]";
    assert_eq!(browser.execute(overflow), Value::Array(Vec::new()), "{place} is wider than the window");
}
