//! Tests that pages show texts of others as texts.

use http_body_util::BodyExt as _;

use super::*;

const HOSTILE: &str = "\"><script>alert('1')</script>&amp;";

fn text(response: Response<Full<Bytes>>) -> String {
    let body = futures_util::FutureExt::now_or_never(response.into_body().collect());
    let bytes = body.expect("a body in memory").expect("bytes").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn every_text_of_a_form_is_escaped() {
    let field = ShownField {
        name: "key".to_owned(),
        label: HOSTILE.to_owned(),
        is_password: false,
        help: Some(HOSTILE.to_owned()),
        value: Some(HOSTILE.to_owned()),
        is_optional: false,
    };
    let account = ShownChoice { id: HOSTILE.to_owned(), name: HOSTILE.to_owned(), detail: Some(HOSTILE.to_owned()) };
    for html in
        [input(&field, true), choice(&account), problem(HOSTILE), paragraph(Some(HOSTILE)), action("a", HOSTILE, "")]
    {
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("&amp;amp;"), "an entity is shown as it was written: {html}");
    }
}

#[test]
fn the_policy_allows_the_style_of_the_page_and_no_script() {
    let response = document(StatusCode::OK, HOSTILE, "", Forms::Away("https://front.example.com/return?a=1"));
    let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().expect("text").to_owned();
    for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self' https: https://front.example.com;"]
    {
        assert!(policy.contains(part), "{policy} lacks {part}");
    }
    assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{policy}");
    let html = text(response);
    let style = html.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next()).expect("a style");
    assert!(policy.contains(&BASE64_STANDARD.encode(Sha256::digest(style))), "{policy}");
    assert!(!html.contains("<script"), "{html}");
}

#[test]
fn an_error_names_its_code_and_request_but_no_detail() {
    let html = text(error_page(&Error::NotStored("planted detail".to_owned()), "0199-request"));
    assert!(html.contains("not-stored, request 0199-request") && !html.contains("planted"), "{html}");
}
