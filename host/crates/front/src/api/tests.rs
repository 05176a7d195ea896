use proptest::prelude::*;
use serde_json::{Value, json};

use super::response::RETRY_AFTER_MS_MAX;
use super::*;
use crate::html::Html;

const NOW_MS: u64 = 1_700_000_000_000;

fn lee() -> Contact<'static> {
    Contact { handle: "+15550199", name: Some("Lee"), email: None }
}

fn content(body: &Html) -> Content<'_> {
    Content {
        external_id: "SM1",
        external_conversation_id: "conv-77",
        referenced_message_external_id: None,
        subject: None,
        body,
        delivered_at: Some(1_700_000_000),
    }
}

fn sent(call: &Call) -> Value {
    let Body::Json(body) = &call.body else { panic!("no JSON: {call:?}") };
    serde_json::from_slice(body).expect("JSON")
}

fn fields(call: &Call) -> Vec<(&str, &str)> {
    let Body::Form(fields) = &call.body else { panic!("no form: {call:?}") };
    fields.iter().map(|field| (field.name.as_str(), field.value.as_str())).collect()
}

#[test]
fn a_customers_message_is_json_or_with_files_a_form() {
    let body = Html::of_text("Zoë & co\n\"?\"");
    let call = inbound("cha_1", lee(), &content(&body), 0);
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/channels/cha_1/inbound_messages"));
    let want = json!({
        "sender": {"handle": "+15550199", "name": "Lee"}, "body": "<div>Zoë &amp; co<br>\"?\"</div>",
        "metadata": {"external_id": "SM1", "external_conversation_id": "conv-77"}, "delivered_at": 1_700_000_000,
    });
    assert_eq!(sent(&call), want);
    let call = inbound("cha_1", lee(), &content(&body), 2);
    let want = [
        ("sender[handle]", "+15550199"),
        ("sender[name]", "Lee"),
        ("body", "<div>Zoë &amp; co<br>\"?\"</div>"),
        ("metadata[external_id]", "SM1"),
        ("metadata[external_conversation_id]", "conv-77"),
        ("delivered_at", "1700000000"),
    ];
    assert_eq!(fields(&call), want);
    assert_eq!([file_field(0), file_field(1)], ["attachments[0]", "attachments[1]"]);
}

#[test]
fn an_agents_message_names_its_customers_in_a_list() {
    let ana = Contact { handle: "ana", name: None, email: Some("ana@acme.example") };
    let by = Writer { name: Some("Max"), author_id: Some("tea_1") };
    let (left, blank) = (Html::of_text("left"), Html::of_text(" "));
    let whole = Content {
        subject: Some("Parcel"),
        referenced_message_external_id: Some("SM0"),
        delivered_at: None,
        ..content(&left)
    };
    let call = outbound("cha/1", &[lee(), ana], by, &whole, 0);
    assert_eq!(call.path, "/channels/cha%2F1/outbound_messages");
    let want = json!({
        "to": [{"handle": "+15550199", "name": "Lee"}, {"handle": "ana", "email": "ana@acme.example"}],
        "sender_name": "Max", "author_id": "tea_1", "subject": "Parcel", "body": "left",
        "metadata": {"external_id": "SM1", "external_conversation_id": "conv-77", "referenced_message_external_id": "SM0"},
    });
    assert_eq!(sent(&call), want);
    let call = outbound("cha_1", &[lee(), ana], Writer::default(), &content(&blank), 1);
    let want = [
        ("to[0][handle]", "+15550199"),
        ("to[0][name]", "Lee"),
        ("to[1][handle]", "ana"),
        ("to[1][email]", "ana@acme.example"),
        ("body", "Attachment"),
    ];
    assert_eq!(fields(&call)[..5], want);
}

#[test]
fn a_blank_body_is_never_sent() {
    for blank in [Html::of_text(""), Html::of_text(" \n"), Html::of_html("<p>&nbsp;</p>")] {
        assert_eq!(sent(&inbound("cha_1", lee(), &content(&blank), 0))["body"], "(no text)");
        let call = inbound("cha_1", lee(), &content(&blank), 1);
        assert!(fields(&call).contains(&("body", "Attachment")));
    }
}

#[test]
fn ids_in_paths_are_escaped() {
    let call = failed("cha_1", "+15550199", "a b/ü", " the number is blocked ");
    assert_eq!(call.method.as_str(), "PUT");
    assert_eq!(call.path, "/channels/cha_1/conversations/%2B15550199/messages/a%20b%2F%C3%BC/status");
    assert_eq!(sent(&call), json!({"status": "failed", "reason": "the number is blocked"}));
    assert_eq!(sent(&failed("c", "c", "m", " ")), json!({"status": "failed"}));
    let long = sent(&failed("c", "c", "m", &"é".repeat(1_000)));
    assert_eq!(long["reason"].as_str().expect("a reason").chars().count(), REASON_CHARS_MAX);
    for (status, word) in [(ChannelStatus::Ok, "ok"), (ChannelStatus::Offline, "offline")] {
        let call = channel_status("cha_1", status);
        assert_eq!((call.method.as_str(), call.path.as_str()), ("PATCH", "/channels/cha_1"));
        assert_eq!(sent(&call), json!({"status": word}));
    }
    let call = download("msg_1", "fil_1");
    assert_eq!(
        (call.method.as_str(), call.path.as_str(), call.body),
        ("GET", "/messages/msg_1/download/fil_1", Body::None)
    );
}

/// Reads a response with these headers.
fn read<T>(status: u16, headers: &[(&str, &str)], body: Option<&str>, of: impl FnOnce(&Response<'_>) -> T) -> T {
    let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    of(&Response { status, header: &header, body: body.map(str::as_bytes) })
}

fn fate(status: u16, headers: &[(&str, &str)], body: &str) -> Fate {
    read(status, headers, Some(body), |response| response.fate(NOW_MS))
}

#[test]
fn a_success_is_accepted() {
    let accepted = |uid: Option<&str>| Fate::Accepted { message_uid: uid.map(str::to_owned) };
    assert_eq!(fate(202, &[], r#"{"status":"accepted","message_uid":"9f3c"}"#), accepted(Some("9f3c")));
    for (status, body) in [(202, "{}"), (202, "no JSON"), (202, r#"{"message_uid":7}"#), (204, ""), (200, "{}")] {
        assert_eq!(fate(status, &[], body), accepted(None), "{status} {body}");
    }
    assert_eq!(read(202, &[], None, |response| response.fate(NOW_MS)), accepted(None));
    for (status, body) in [(200, "<html>"), (200, ""), (200, "7"), (201, "<html>"), (203, "")] {
        assert!(matches!(fate(status, &[], body), Fate::Unclear(_)), "{status} {body}");
    }
}

/// Status, headers and body of a response; the expected wait and its scope.
type Limited<'a> = (u16, &'a [(&'a str, &'a str)], &'a str, Option<u64>, Scope);

#[test]
fn a_rate_limit_has_a_wait_and_a_scope() {
    let burst = r#"{"_error":{"status":429,"title":"Too many requests","message":"Rate limit exceeded. Please retry in 430 milliseconds"}}"#;
    let minute = r#"{"_error":{"status":429,"title":"Too many requests","message":"Rate limit exceeded."}}"#;
    let tier = ("x-front-tier", "1");
    let reset = ("x-ratelimit-reset", "1700000007.5");
    let table: [Limited<'_>; 15] = [
        (429, &[], burst, Some(430), Scope::Channel),
        (429, &[("retry-after", "1"), tier], burst, Some(1_000), Scope::Channel),
        (429, &[("retry-after", "0"), tier], burst, Some(430), Scope::Channel),
        (429, &[tier], "", None, Scope::Channel),
        (429, &[("retry-after", "7")], minute, Some(7_000), Scope::Company),
        (429, &[("retry-after", "1.2")], minute, Some(1_200), Scope::Company),
        (429, &[("retry-after", "30000")], minute, Some(RETRY_AFTER_MS_MAX), Scope::Company),
        (429, &[("retry-after", "-1"), reset], minute, Some(7_000), Scope::Company),
        (429, &[("retry-after", "NaN")], minute, None, Scope::Company),
        (429, &[reset], minute, Some(7_000), Scope::Company),
        (429, &[("x-ratelimit-reset", "1")], minute, Some(0), Scope::Company),
        (429, &[("x-ratelimit-reset", "1700000007500")], minute, Some(7_500), Scope::Company),
        (429, &[], "<html>", None, Scope::Company),
        (503, &[("retry-after", "2")], "", Some(2_000), Scope::Company),
        (307, &[("location", "https://elsewhere.example")], "", None, Scope::Company),
    ];
    for (status, headers, body, want, whose) in table {
        let Fate::Again { after_ms, scope, reason } = fate(status, headers, body) else {
            panic!("{status} {headers:?} {body}")
        };
        assert_eq!((after_ms, scope), (want, whose), "{status} {headers:?} {body}");
        assert!(reason.contains(&status.to_string()), "{reason}");
    }
}

#[test]
fn refusals_are_distinguished() {
    let error = r#"{"_error":{"status":400,"title":"Bad request","message":"Body did not satisfy requirements","details":["body.sender: missing","for\nlee"]}}"#;
    assert!(matches!(fate(400, &[], error), Fate::Refused(reason) if !reason.contains("lee")));
    assert!(matches!(fate(413, &[], ""), Fate::Refused(reason) if reason.contains("too large")));
    assert!(matches!(fate(409, &[], "{}"), Fate::Refused(_)));
    assert!(matches!(fate(404, &[], "{}"), Fate::NotFound(_)));
    for status in [401, 403] {
        assert!(matches!(fate(status, &[], "{}"), Fate::Token(reason) if reason.contains("clock")));
    }
    for status in [408, 500, 502, 503, 504, 599] {
        assert!(matches!(fate(status, &[], "{}"), Fate::Unclear(_)), "{status}");
    }
    let detail = read(400, &[], Some(error), |response| response.detail());
    let want = "Bad request: Body did not satisfy requirements: body.sender: missing: for lee";
    assert_eq!(detail.as_deref(), Some(want));
    for body in ["", "{}", r#"{"_error":7}"#, r#"{"_error":{"title":5,"details":{}}}"#] {
        assert_eq!(read(400, &[], Some(body), |response| response.detail()), None, "{body}");
    }
}

#[test]
fn every_response_has_the_rate_limit() {
    let headers = [("x-ratelimit-limit", "50"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000060")];
    let want = Budget { limit: Some(50), remaining: Some(0), reset_ms: Some(1_700_000_060_000) };
    assert_eq!(read(202, &headers, None, |response| response.budget()), want);
    assert_eq!(read(202, &[("x-ratelimit-limit", "many")], None, |response| response.budget()), Budget::default());
}

proptest! {
    #[test]
    fn any_answer_is_read(
        status: u16,
        retry_after in "[0-9]{0,30}|\\PC{0,8}",
        reset in "[0-9.]{0,30}|\\PC{0,8}",
        body in "\\PC{0,20}|\\{\"_error\":\\{\"message\":\"retry in [0-9]{0,25} ?(milli)?(seconds)?\"\\}\\}",
        now_ms: u64,
    ) {
        let headers = [("retry-after", retry_after.as_str()), ("x-ratelimit-reset", &reset)];
        let (fate, detail) = read(status, &headers, Some(&body), |response| (response.fate(now_ms), response.detail()));
        if let Fate::Again { after_ms: Some(after_ms), .. } = fate {
            prop_assert!(after_ms <= RETRY_AFTER_MS_MAX);
        }
        prop_assert!(detail.is_none_or(|detail| !detail.contains('\n')));
    }

    #[test]
    fn a_form_has_the_fields_of_the_json(handle in "\\PC{1,20}", name in "\\PC{0,10}", count in 0..4_usize) {
        let person = Contact { handle: &handle, name: Some(&name), email: None };
        let body = Html::of_text(&handle);
        let to = vec![person; count];
        let call = outbound("cha_1", &to, Writer::default(), &content(&body), 0);
        let as_json = super::fields::of(&sent(&call));
        let call = outbound("cha_1", &to, Writer::default(), &content(&body), 1);
        let Body::Form(as_form) = call.body else { panic!("no form") };
        let other = |fields: &[Field]| fields.iter().filter(|field| field.name != "body").cloned().collect::<Vec<_>>();
        prop_assert_eq!(other(&as_json), other(&as_form));
    }
}
