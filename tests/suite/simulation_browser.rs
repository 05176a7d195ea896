//! Tests the page of simulations in a real browser.

use frontgate_tests::{Chromium, Front, eventually};

use crate::console_browser::{assert_accessible, sign_in};
use crate::delivery::{OURS, start_with_twilio};

/// Waits until the page shows the result of an action.
#[track_caller]
fn wait_for_notice(browser: &Chromium, text: &str) {
    let notice = || browser.execute("return document.querySelector('.notice')?.innerText ?? ''").to_string();
    eventually(text, notice, |notice| notice.contains(text));
}

#[test]
fn a_message_is_written_answered_and_shown_on_the_page_of_a_simulation() {
    let front = Front::start();
    let (_twilio, gateway) = start_with_twilio(|setup| {
        setup
            .plugin("echo-channel", &frontgate_tests::component("echo-channel"))
            .front(&front, "echo-channel")
            .set("console.simulator", "\"full\"")
            .set("tenants.demo.twilio.numbers", format!("[{OURS:?}]"))
    });
    let browser = Chromium::start(1280, &[]);
    let origin = sign_in(&browser, &gateway, "operator");
    let page = format!("{origin}/simulator/conversations");
    browser.open(&page);
    assert_accessible(&browser, "before a simulation");
    browser.click("form[action$='/start'] button:not([disabled])");
    browser.wait_for_text("h1", "Simulation of demo");
    browser.wait_for_text("form[action$='/customer-writes'] button:not([disabled])", "Send");
    browser.write("form[action$='/customer-writes'] input[name=text]", "Are you open on Saturday?");
    browser.click("form[action$='/customer-writes'] button");
    wait_for_notice(&browser, "The message is in conversation");
    browser.wait_for_text("form[action$='/worker-answers'] button:not([disabled])", "Answer as worker");
    browser.wait_for_text(".worker-of", "ana@example.org");
    browser.write("form[action$='/worker-answers'] input[name=text]", "Until noon.");
    browser.click("form[action$='/worker-answers'] button");
    wait_for_notice(&browser, "The worker's message is in the conversation.");
    browser.click("form[action$='/connect'] button");
    wait_for_notice(&browser, "is connected.");
    let shown = browser.execute("return document.body.innerText");
    let shown = shown.as_str().expect("text");
    assert!(shown.contains("Are you open on Saturday?") && shown.contains("Until noon."), "{shown}");
    for is_dark in [false, true] {
        browser.set_dark(is_dark);
        assert_accessible(&browser, &format!("a simulation, dark: {is_dark}"));
    }
    if let Some(folder) = std::env::var_os("FRONTGATE_SCREENSHOTS") {
        std::fs::write(std::path::Path::new(&folder).join("console-simulation.png"), browser.screenshot())
            .expect("a file");
    }
}
