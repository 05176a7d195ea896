//! What every page has: headers that keep it to itself, and a cookie that other sites cannot use.

use super::{Fixture, RETURN, USER, begin};

#[test]
fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
    let fixture = Fixture::new();
    let path = begin(&[]).replace(frontgate_tests::PUBLIC_URL, "");
    let answer = frontgate_tests::get(fixture.gateway.address(), &path, &[]);
    assert_eq!(answer.status, 303, "{}", answer.text);
    let cookie = &answer.headers["set-cookie"];
    assert!(cookie.starts_with("__Host-frontgate-sign-in.sms="), "{cookie}");
    for attribute in ["Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age=900"] {
        assert!(cookie.split("; ").any(|found| found == attribute), "{cookie} lacks {attribute}");
    }
}

#[test]
fn no_page_can_be_framed_cached_or_extended() {
    let mut fixture = Fixture::new();
    let form = fixture.browser.open(&begin(&[]));
    let consent = fixture.sign_in(&begin(&[]), USER);
    let error = fixture.browser.open(&begin(&[("client_id", "x")]));
    for (page, form_action) in
        [(&form, "'self'"), (&consent, "'self' https: https://front.example.com"), (&error, "'none'")]
    {
        let headers = &page.answer.headers;
        let policy = &headers["content-security-policy"];
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(
            policy.contains(&format!("form-action {form_action}; frame-ancestors 'none'; base-uri 'none'")),
            "{policy}"
        );
        assert_eq!((&*headers["cache-control"], &*headers["x-frame-options"]), ("no-store", "DENY"));
        assert_eq!((&*headers["referrer-policy"], &*headers["x-content-type-options"]), ("no-referrer", "nosniff"));
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    }
}

#[test]
fn texts_of_the_plugin_and_of_the_person_are_shown_as_texts() {
    let mut fixture = Fixture::new();
    let form = fixture.browser.open(&begin(&[]));
    assert!(form.answer.text.contains("Your &lt;name&gt; &amp; number"), "{}", form.answer.text);
    let consent = fixture.sign_in(&begin(&[]), "<script>alert(1)</script>");
    assert!(!consent.answer.text.contains("<script"), "{}", consent.answer.text);
    assert!(consent.answer.text.contains("Line of &lt;script&gt;"), "{}", consent.answer.text);
}

#[test]
fn the_consent_says_who_gets_access_to_what_and_where_the_person_returns() {
    let mut fixture = Fixture::with(|setup| setup.set("tenants.demo.front.sms.oauth.display_name", "\"Front & Sons\""));
    let consent = fixture.sign_in(&begin(&[]), USER);
    assert_eq!(consent.title(), "Allow Front &amp; Sons to use this account?");
    for part in ["Line of planted-user", "front.example.com"] {
        assert!(consent.answer.text.contains(part), "{} lacks {part}", consent.answer.text);
    }
    assert!(RETURN.contains("front.example.com") && !consent.answer.text.contains("credential-of"));
}
