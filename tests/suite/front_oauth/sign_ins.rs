//! Sign-ins between two requests: bound to a browser, limited, and kept over restarts.

use frontgate_tests::{Browser, Gateway, get};
use serde_json::json;

use super::{Fixture, PASSWORD, RETURN, USER, begin};
use crate::channels::SERVER;

const SUBMIT: [(&str, &str); 3] = [("field.user", USER), ("field.password", PASSWORD), ("action", "submit")];

#[test]
fn a_sign_in_continues_after_a_restart_between_all_steps() {
    let mut fixture = Fixture::new();
    let client = fixture.client(&json!({}));
    let url = client.begin();
    let page = fixture.browser.open(&url);
    fixture = fixture.restarted(Gateway::restart);
    let consent = fixture.browser.submit(&page, &SUBMIT);
    fixture = fixture.restarted(Gateway::restart);
    let left = fixture.browser.submit(&consent, &[("action", "allow")]);
    fixture = fixture.restarted(Gateway::restart);
    let form = [("grant_type", "authorization_code"), ("code", &*super::code(&left.url)), ("redirect_uri", RETURN)];
    // The client's verifier is in its memory, so the exchange without one is refused for that reason only.
    let answer = fixture.post("token", &form);
    assert_eq!(answer.json["error_description"], "code_verifier is missing");
}

#[test]
fn a_page_belongs_to_the_browser_that_began() {
    let mut fixture = Fixture::new();
    let page = fixture.browser.open(&begin(&[]));
    let mut other = Browser::new(fixture.gateway.address());
    let stolen = other.submit(&page, &SUBMIT);
    assert_eq!((stolen.answer.status, stolen.title()), (400, "This sign-in has ended"));
    // A browser with a sign-in of its own cannot use the page either.
    other.open(&begin(&[]));
    let stolen = other.submit(&page, &SUBMIT);
    assert_eq!((stolen.answer.status, stolen.title()), (403, "This request was stopped"));
    assert_eq!(fixture.browser.submit(&page, &SUBMIT).title(), "Allow Front to use this account?");
}

#[test]
fn a_form_without_the_mark_of_its_page_is_stopped() {
    let mut fixture = Fixture::new();
    let page = fixture.browser.open(&begin(&[]));
    for mark in ["", "00", &"0".repeat(64)] {
        let forged = [&[("step", "0"), ("mark", mark)][..], &SUBMIT].concat();
        assert_eq!(fixture.browser.submit_as(&forged, &page).answer.status, 403, "{mark}");
    }
}

#[test]
fn a_consent_that_is_submitted_twice_issues_one_code() {
    let mut fixture = Fixture::new();
    let consent = fixture.sign_in(&begin(&[]), USER);
    let cookies = fixture.browser.cookies();
    let first = fixture.browser.submit(&consent, &[("action", "allow")]);
    assert!(first.url.starts_with(RETURN), "{}", first.url);
    let answer = get(fixture.gateway.address(), "/front/sms/oauth/sign-in", &[("cookie", &cookies)]);
    assert_eq!(answer.status, 400, "{}", answer.text);
}

#[test]
fn an_earlier_page_has_no_effect() {
    let mut fixture = Fixture::new();
    let page = fixture.browser.open(&begin(&[]));
    fixture.browser.submit(&page, &SUBMIT);
    let again = fixture.browser.submit(&page, &[("field.user", "refuse"), ("action", "submit")]);
    assert_eq!(again.title(), "Allow Front to use this account?");
}

#[test]
fn a_return_of_the_provider_with_another_state_is_stopped() {
    let mut fixture = Fixture::new();
    fixture.sign_in(&begin(&[]), "redirect");
    for query in ["code=c1", "code=c1&state=", "code=c1&state=00000000000000000000000000000000"] {
        let page = fixture.browser.open(&format!("{SERVER}/oauth/return?{query}"));
        assert_eq!(page.answer.status, 403, "{query}");
    }
}

#[test]
fn a_return_that_no_step_expects_is_stopped() {
    let mut fixture = Fixture::new();
    fixture.browser.open(&begin(&[]));
    let page = fixture.browser.open(&format!("{SERVER}/oauth/return?code=c1&state=x"));
    assert_eq!(page.answer.status, 403);
}

#[test]
fn a_sign_in_ends_after_too_many_passwords() {
    let mut fixture = Fixture::new();
    let mut page = fixture.browser.open(&begin(&[]));
    let wrong = [("field.user", USER), ("field.password", "wrong"), ("action", "submit")];
    for attempt in 0..20 {
        page = fixture.browser.submit(&page, &wrong);
        assert_eq!(page.answer.status, 200, "{attempt}");
    }
    let last = fixture.browser.submit(&page, &wrong);
    assert_eq!((last.answer.status, last.title()), (400, "This sign-in has ended"));
}

#[test]
fn steps_beyond_the_limit_of_an_app_are_refused() {
    let mut fixture = Fixture::with(|setup| setup.set("tenants.demo.front.sms.oauth.steps_per_minute_max", "2"));
    let page = fixture.browser.open(&begin(&[]));
    let consent = fixture.browser.submit(&page, &SUBMIT);
    assert_eq!(consent.title(), "Allow Front to use this account?");
    let refused = fixture.browser.open(&begin(&[]));
    assert_eq!((refused.answer.status, refused.title()), (503, "The service cannot be reached"));
    assert!(refused.answer.headers.contains_key("retry-after"));
}

#[test]
fn a_further_sign_in_replaces_the_oldest_in_which_nothing_was_entered() {
    let mut fixture = Fixture::with(|setup| setup.set("tenants.demo.front.sms.oauth.logins_max", "2"));
    let mut used = Browser::new(fixture.gateway.address());
    let page = used.open(&begin(&[]));
    let page = used.submit(&page, &SUBMIT);
    let idle = fixture.browser.open(&begin(&[]));
    Browser::new(fixture.gateway.address()).open(&begin(&[]));
    assert_eq!(fixture.browser.submit(&idle, &SUBMIT).title(), "This sign-in has ended");
    assert!(used.submit(&page, &[("action", "allow")]).url.starts_with(RETURN));
}

#[test]
fn a_step_can_be_tried_again_while_the_provider_is_down() {
    let mut fixture = Fixture::new();
    let page = fixture.browser.open(&begin(&[]));
    let down = fixture.browser.submit(&page, &[("field.user", "down"), ("action", "submit")]);
    assert!(down.answer.text.contains("The service cannot be reached at the moment."), "{}", down.answer.text);
    assert!(!down.answer.text.contains("planted"));
    assert_eq!(fixture.browser.submit(&down, &SUBMIT).title(), "Allow Front to use this account?");
}

#[test]
fn a_failure_of_the_plugin_ends_the_sign_in_without_details() {
    for (user, status) in [("fail", 502), ("crash", 502), ("huge", 502)] {
        let mut fixture = Fixture::new();
        let page = fixture.sign_in(&begin(&[]), user);
        assert_eq!((page.answer.status, page.title()), (status, "The sign-in failed"), "{user}");
        assert!(!page.answer.text.contains("planted") && !page.answer.text.contains("instructed"), "{user}");
    }
}
