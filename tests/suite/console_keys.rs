//! Tests the keys of the console in a real browser, and what does the same with a pointer.

use frontgate_tests::{Chromium, Gateway, Setup, list};

use crate::console_browser::violations;

/// The key Control, held until the end of the text.
const CONTROL: char = '\u{e009}';
const ENTER: char = '\u{e007}';

/// Starts a gateway with two requests, and a browser whose person reads the page Live.
fn with_rows() -> (Gateway, Chromium, String) {
    let gateway = Setup::misbehaving().start();
    (0..2).for_each(|_| assert_eq!(gateway.crm(&list(&[])).status, 200));
    let person = gateway.sign_in("ben", "viewer");
    person.wait_for("/live.json", "two rows", |live| live["rows"][1].is_object());
    let browser = Chromium::start(1280, &[]);
    let origin = format!("http://{}", gateway.console_address());
    browser.open(&gateway.console_link(&["--for", "ana", "--role", "viewer"]));
    browser.wait_for_url(&format!("{origin}/"));
    browser.open(&format!("{origin}/live"));
    browser.click("[data-open=keys]:not([hidden])");
    browser.click("#keys button");
    (gateway, browser, origin)
}

#[test]
fn a_row_is_opened_with_keys() {
    let (gateway, browser, origin) = with_rows();
    let rows = gateway.sign_in("ben", "viewer").json("/live.json");
    browser.write("main", "jjk");
    browser.write("main", "j");
    browser.write("main", &ENTER.to_string());
    browser.wait_for_url(&format!("{origin}/events/{}", rows["rows"][1]["id"].as_str().expect("an id")));
}

#[test]
fn rows_are_chosen_with_keys_and_with_a_pointer() {
    let (_gateway, browser, _) = with_rows();
    browser.write("main", "jx");
    browser.wait_for_text("[data-row-text]", "1 chosen");
    browser.click("#tail tr:nth-child(2) td:nth-child(2)");
    browser.click("[data-row=choose]");
    browser.wait_for_text("[data-row-text]", "2 chosen");
    browser.click("[data-row=leave]");
    assert_eq!(browser.execute("return document.getElementById('row-bar').hidden"), true);
}

#[test]
fn keys_do_nothing_while_a_field_has_the_focus() {
    let (_gateway, browser, origin) = with_rows();
    browser.write("#filter", "jxgs?");
    assert_eq!(browser.execute("return document.getElementById('row-bar').hidden"), true);
    assert_eq!(browser.execute("return document.querySelector('dialog[open]') === null"), true);
    assert_eq!(browser.url(), format!("{origin}/live"));
}

#[test]
fn pages_are_reached_with_two_keys() {
    let (_gateway, browser, origin) = with_rows();
    browser.write("main", "gs");
    browser.wait_for_url(&format!("{origin}/setup"));
}

#[test]
fn the_palette_goes_to_pages_and_searches_for_ids() {
    let (gateway, browser, origin) = with_rows();
    browser.write("main", &format!("{CONTROL}k"));
    browser.write("#palette-text", "set");
    browser.click("#palette form button");
    browser.wait_for_url(&format!("{origin}/setup"));
    let rows = gateway.sign_in("ben", "viewer").json("/live.json");
    let id = rows["rows"][0]["id"].as_str().expect("an id");
    browser.click("[data-open=palette]:not([hidden])");
    browser.write("#palette-text", id);
    browser.click("#palette form button");
    browser.wait_for_url(&format!("{origin}/events/{id}"));
}

#[test]
fn buttons_of_a_row_and_dialogs_are_accessible() {
    let (_gateway, browser, _) = with_rows();
    let quiet = serde_json::json!([]);
    browser.write("main", "jx");
    browser.wait_for_text("[data-row-text]", "1 chosen");
    assert_eq!(violations(&browser), quiet, "a row");
    for dialog in ["keys", "palette"] {
        browser.click(&format!("[data-open={dialog}]"));
        assert_eq!(violations(&browser), quiet, "{dialog}");
        browser.click(&format!("#{dialog} button"));
    }
}
