//! Tests the page Live in a real browser: many tails at once, a gateway that stops, and a machine that sleeps. No request is
//! missing or shown twice without a row that says so, and no old page says that it is live.

use std::net::TcpListener;

use frontgate_tests::{Chromium, Gateway, LIST, Setup, eventually};
use rustix::process::Signal;

use crate::console_browser::sign_in;

const TAILS: usize = 12;

/// The button that says whether a page is live.
const STATE: &str = "[data-pause-text]";

fn send(gateway: &Gateway, count: usize) {
    (0..count).for_each(|_| assert_eq!(gateway.crm(&LIST).status, 200));
}

/// Returns the numbers of the shown requests, the newest first, and the texts of rows about others.
fn shown(browser: &Chromium) -> (Vec<u64>, Vec<String>) {
    let script = "const of = (selector, read) => [...document.querySelectorAll(selector)].map(read);
                  return [of('#tail tr[data-sequence]', row => Number(row.dataset.sequence)),
                          of('#tail tr.gap', row => row.textContent)]";
    serde_json::from_value(browser.execute(script)).expect("rows")
}

/// Waits until a tail has this many requests, each once, the newest first.
#[track_caller]
fn wait_for_requests(browser: &Chromium, count: usize) -> Vec<String> {
    let (numbers, others) =
        eventually(&format!("{count} requests"), || shown(browser), |(numbers, _)| numbers.len() >= count);
    assert_eq!(numbers.len(), count);
    assert!(numbers.is_sorted_by(|newer, older| newer > older), "{numbers:?}");
    others
}

/// Starts a gateway whose console has the same address after a restart.
fn with_address(setup: Setup) -> Gateway {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("an address");
    setup.set("console.listen", format!("\"{free}\"")).start()
}

#[test]
fn twelve_visible_tails_show_each_request_once_and_another_page_loads() {
    let gateway = Setup::misbehaving().start();
    let browser = Chromium::start(1280, &[]);
    let origin = sign_in(&browser, &gateway, "viewer");
    let tail = || {
        let window = browser.new_window();
        browser.open(&format!("{origin}/live?q=callback:crm"));
        browser.wait_for_text(STATE, "Live");
        window
    };
    let tails: Vec<String> = (0..TAILS).map(|_| tail()).collect();
    for window in &tails {
        browser.switch_to(window);
        assert_eq!(browser.execute("return document.hidden"), false);
    }
    send(&gateway, 60);
    browser.new_window();
    browser.open(&format!("{origin}/deliveries"));
    browser.wait_for_text("h1", "No delivery waits");
    send(&gateway, 60);
    for window in &tails {
        browser.switch_to(window);
        assert!(wait_for_requests(&browser, 120).is_empty());
        browser.wait_for_text(STATE, "Live");
    }
}

#[test]
fn a_tail_continues_after_a_restart_of_the_gateway_and_says_so() {
    let mut gateway = with_address(Setup::misbehaving());
    let browser = Chromium::start(1280, &[]);
    let origin = sign_in(&browser, &gateway, "viewer");
    browser.open(&format!("{origin}/live?q=callback:crm"));
    send(&gateway, 20);
    assert!(wait_for_requests(&browser, 20).is_empty());
    gateway.kill();
    browser.wait_for_text(STATE, "Not current");
    let notice = || browser.execute("return document.getElementById('notice').textContent").to_string();
    eventually("a notice", notice, |text| text.contains("The gateway has not answered for"));
    let gateway = gateway.start_again();
    browser.wait_for_text(STATE, "Live");
    send(&gateway, 20);
    let others = wait_for_requests(&browser, 40);
    assert!(others.len() == 1 && others[0].contains("started again"), "{others:?}");
    browser.wait_for_text("#notice", "");
}

#[test]
fn a_tail_that_slept_shows_or_counts_every_request() {
    let gateway = Setup::misbehaving().start();
    let browser = Chromium::start(1280, &[]);
    let origin = sign_in(&browser, &gateway, "viewer");
    browser.open(&format!("{origin}/live?q=callback:crm"));
    send(&gateway, 20);
    assert!(wait_for_requests(&browser, 20).is_empty());
    browser.sleep();
    send(&gateway, 700);
    browser.wake();
    let left_out = |others: &[String]| -> usize {
        let digits = |text: &String| text.chars().filter(char::is_ascii_digit).collect::<String>();
        others.iter().filter_map(|text| digits(text).parse::<usize>().ok()).sum()
    };
    let is_whole = |(numbers, others): &(Vec<u64>, Vec<String>)| numbers.len() + left_out(others) >= 720;
    let (numbers, others) = eventually("720 requests", || shown(&browser), is_whole);
    assert_eq!(numbers.len() + left_out(&others), 720, "{others:?}");
    assert!(numbers.is_sorted_by(|newer, older| newer > older), "{numbers:?}");
    assert!(!others.is_empty(), "it was too far behind to show all");
}

#[test]
fn a_reader_that_is_far_behind_learns_how_many_requests_are_left_out() {
    let gateway = Setup::misbehaving().start();
    let person = gateway.sign_in("ana", "viewer");
    let after = person.json("/live.json")["next"].as_u64().expect("a number");
    send(&gateway, 700);
    let rows = person.json(&format!("/live/rows.json?q=callback:crm&after={after}"));
    assert_eq!(rows["skipped"], 650, "{rows}");
    assert_eq!(rows["rows"].as_array().map(Vec::len), Some(50));
}

#[test]
fn a_page_is_not_live_after_an_hour_of_sleep_until_the_gateway_answers() {
    let gateway = Setup::misbehaving().start();
    let browser = Chromium::start(1280, &[]);
    let origin = sign_in(&browser, &gateway, "viewer");
    for path in ["/live?q=callback:crm", "/deliveries"] {
        browser.open(&format!("{origin}{path}"));
        browser.wait_for_text(STATE, "Live");
        gateway.signal(Signal::STOP);
        browser.execute("const now = Date.now; Date.now = () => now.call(Date) + 3600000");
        browser.wait_for_text(STATE, "Not current");
        gateway.signal(Signal::CONT);
        browser.wait_for_text(STATE, "Live");
    }
    browser.open(&format!("{origin}/live?q=callback:crm"));
    send(&gateway, 20);
    assert!(wait_for_requests(&browser, 20).is_empty());
}
