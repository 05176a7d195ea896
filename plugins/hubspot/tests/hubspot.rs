//! Tests the requests to HubSpot and the handling of responses. `tests/suite/hubspot.rs` tests the plugin in the
//! gateway with a simulator of HubSpot.

use std::time::Duration;

use frontgate_sdk::http::{self, Request};
use frontgate_sdk::testing::{self, Exchange, expect};
use frontgate_sdk::{Crm as _, Error, ListRequest, Result};
use hubspot::HubSpot;
use serde_json::{Value, json};

const API: &str = "https://api.hubapi.com/crm/v3";
const ANA: &str = "ana@example.org";
const LIST: [&str; 4] = ["firstname", "lastname", "company", "email"];
const EVERYBODYS: (&str, &str) = ("own_customers_only", "false");

fn search(body: &Value) -> Request {
    http::post(&format!("{API}/objects/contacts/search")).json(body)
}

/// Builds the search for a page of all contacts after one contact.
fn list(after: &str, limit: u32) -> Request {
    let filters = json!([{ "propertyName": "hs_object_id", "operator": "GT", "value": after }]);
    search(&json!({
        "filterGroups": [{ "filters": filters }], "sorts": ["hs_object_id"], "properties": LIST,
        "limit": limit, "after": "0",
    }))
}

fn contact(id: u64, properties: &Value) -> Value {
    let time = "2026-01-01T00:00:00Z";
    json!({ "id": id.to_string(), "properties": properties, "createdAt": time, "updatedAt": time, "archived": false })
}

fn found(ids: impl IntoIterator<Item = u64>, has_more: bool) -> Value {
    let results: Vec<_> = ids.into_iter().map(|id| contact(id, &json!({ "firstname": "Mora" }))).collect();
    let paging = if has_more { json!({ "next": { "after": "200" } }) } else { Value::Null };
    let mut found = json!({ "total": 1_000, "results": results });
    if has_more {
        found["paging"] = paging;
    }
    found
}

fn owner(id: &str, email: &str) -> Value {
    let time = "2026-01-01T00:00:00Z";
    json!({ "id": id, "email": email, "type": "PERSON", "createdAt": time, "updatedAt": time, "archived": false })
}

fn owners(email: &str, all: &[Value]) -> Exchange {
    expect(http::get(&format!("{API}/owners")).query("email", email)).json(&json!({ "results": all }))
}

/// Returns the ids of a page and the token of the next page.
fn listed(request: ListRequest) -> (Vec<String>, Option<String>) {
    let page = HubSpot::list_customers(request).expect("a page");
    (page.customers.into_iter().map(|customer| customer.customer_id).collect(), page.next_page_token)
}

#[test]
fn a_page_takes_several_searches_each_after_the_last_contact() {
    testing::settings([EVERYBODYS]);
    let _hubspot = testing::serve([
        expect(list("0", 200)).json(&found(1..=200, true)),
        expect(list("200", 50)).json(&found(301..=350, true)),
        expect(list("350", 200)).json(&found([], false)),
    ]);
    let (ids, token) = listed(ListRequest::first(ANA, 250));
    assert_eq!((ids.len(), token.as_deref()), (250, Some("350")));
    assert_eq!(listed(ListRequest::first(ANA, 250).at("350")), (Vec::new(), None));
}

#[test]
fn a_page_is_shorter_if_hubspot_is_busy_or_time_runs_short() {
    testing::settings([EVERYBODYS]);
    let busy = json!({ "policyName": "SECONDLY", "correlationId": "c-1" });
    let _hubspot = testing::serve([
        expect(list("0", 200)).json(&found(1..=200, true)),
        expect(list("200", 100)).status(429).json(&busy),
        expect(list("7", 200)).json(&found(8..=207, true)).after(Duration::from_secs(2)),
    ]);
    let (ids, token) = listed(ListRequest::first(ANA, 300));
    assert_eq!((ids.len(), token.as_deref()), (200, Some("200")));
    let why = "HubSpot: too many searches within a second (correlation c-1)";
    assert_eq!(testing::logged(), [format!("warn: the page is shorter than requested: {why}")]);
    let (ids, token) = listed(ListRequest::first(ANA, 300).after("7"));
    assert_eq!((ids.len(), token.as_deref()), (200, Some("207")));
}

#[test]
fn results_out_of_order_are_an_error() {
    testing::settings([EVERYBODYS]);
    let _hubspot = testing::serve([expect(list("5", 30)).json(&found([6, 5], true))]);
    let problem = "HubSpot's results are not in the requested order";
    assert_eq!(HubSpot::list_customers(ListRequest::first(ANA, 30).after("5")), Err(Error::failed(problem)));
}

#[test]
fn invalid_record_ids_cause_no_request() {
    testing::settings([EVERYBODYS]);
    let _hubspot = testing::serve([]);
    for id in ["", "gone", "0", "007", "-1", "1/2", "search", "12345678901234567890", "1?archived=true"] {
        assert_eq!(listed(ListRequest::first(ANA, 30).after(id)), (Vec::new(), None), "{id}");
        assert_eq!(listed(ListRequest::first(ANA, 30).at(id)), (Vec::new(), None), "{id}");
        assert_eq!(HubSpot::get_customer(ANA, id), Err(Error::NotFound), "{id}");
    }
    for address in ["mora", "messenger:7", "+0", "whatsapp:12"] {
        assert_eq!(HubSpot::find_customer(address), Ok(None), "{address}");
    }
}

#[test]
fn a_worker_sees_their_own_and_unowned_contacts_and_the_owner_is_cached() {
    testing::settings([("workers.Ana@Example.org", "ana.lind@login.example.org")]);
    let filter = |name: &str, value: &str| json!({ "propertyName": name, "operator": "EQ", "value": value });
    let nobodys = json!({ "propertyName": "hubspot_owner_id", "operator": "NOT_HAS_PROPERTY" });
    let after = json!({ "propertyName": "hs_object_id", "operator": "GT", "value": "0" });
    let groups = json!([{ "filters": [filter("hubspot_owner_id", "41"), after] }, { "filters": [nobodys, after] }]);
    let own =
        json!({ "filterGroups": groups, "sorts": ["hs_object_id"], "properties": LIST, "limit": 30, "after": "0" });
    let groups = json!([{ "filters": [nobodys, after] }]);
    let others =
        json!({ "filterGroups": groups, "sorts": ["hs_object_id"], "properties": LIST, "limit": 30, "after": "0" });
    let own = || expect(search(&own)).json(&found([1], false));
    let others = || expect(search(&others)).json(&found([2], false));
    let _hubspot = testing::serve([
        owners("ana.lind@login.example.org", &[owner("41", "Ana.Lind@login.example.org")]),
        own(),
        own(),
        owners("new@example.org", &[]),
        others(),
        others(),
        owners("new@example.org", &[owner("42", "other@example.org")]),
        others(),
    ]);
    for worker in [ANA, "ANA@example.org"] {
        assert_eq!(listed(ListRequest::first(worker, 30)).0, ["1"]);
    }
    for _ in 0..2 {
        assert_eq!(listed(ListRequest::first("new@example.org", 30)).0, ["2"]);
    }
    // A missing owner is cached for a shorter time.
    testing::pass(Duration::from_secs(60));
    assert_eq!(listed(ListRequest::first("new@example.org", 30)).0, ["2"]);
}

#[test]
fn a_search_sends_the_text_and_numbers_without_their_country() {
    testing::settings([EVERYBODYS, ("country", "US")]);
    let long = "ä".repeat(4_000);
    let table = [
        ("Mora Lind", "Mora Lind".to_owned()),
        ("+49 711 28", "71128".to_owned()),
        ("(202) 555-01", "20255501".to_owned()),
        ("12", "12".to_owned()),
        ("7 rue", "7 rue".to_owned()),
        (&long, "ä".repeat(3_000)),
    ];
    for (query, want) in table {
        testing::answer_with(|_| Ok(http::Response::new(200, found([], false).to_string())));
        listed(ListRequest::first(ANA, 30).search(query));
        let [asked] = testing::requests().try_into().expect("one request");
        let asked: Value = serde_json::from_slice(&asked.body).expect("JSON");
        assert_eq!(asked["query"], want, "{query}");
    }
}

#[test]
fn numbers_are_compared_with_their_country_after_the_search() {
    testing::settings([("phone", "phone, mobilephone, fax, work_phone")]);
    let british = json!({ "phone": "+44 202 555 0107", "hubspot_owner_id": null });
    let american = json!({ "fax": "(202) 555-0107", "hs_calculated_phone_number_country_code": "US" });
    testing::answer_with(move |request| {
        let asked: Value = serde_json::from_slice(&request.body).expect("JSON");
        let groups = asked["filterGroups"].as_array().expect("groups");
        assert!(groups.len() <= 5, "{asked}");
        let results = match groups.len() {
            5 => vec![contact(7, &british)],
            _ => vec![contact(8, &american)],
        };
        Ok(http::Response::new(200, json!({ "total": 1, "results": results }).to_string()))
    });
    let find = |address| HubSpot::find_customer(address).map(|found| found.map(|customer| customer.customer_id));
    assert_eq!(find("whatsapp:+12025550107"), Ok(Some("8".to_owned())));
    let first: Value = serde_json::from_slice(&testing::requests()[0].body).expect("JSON");
    let filters: Vec<_> =
        first["filterGroups"].as_array().expect("groups").iter().map(|group| &group["filters"][0]).collect();
    assert_eq!(
        *filters[0],
        json!({ "propertyName": "hs_searchable_calculated_phone_number", "operator": "EQ", "value": "2025550107" })
    );
    assert_eq!(*filters[2], json!({ "propertyName": "phone", "operator": "EQ", "value": "+12025550107" }));
    assert_eq!(find("+442025550107"), Ok(Some("7".to_owned())));
    assert_eq!(find("+12025550108"), Ok(None));
}

#[test]
fn every_error_tells_the_operator_what_to_do() {
    testing::settings([EVERYBODYS]);
    let limited = |policy: &str| json!({ "status": "error", "policyName": policy, "correlationId": "c-1" });
    let expired = json!({ "category": "EXPIRED_AUTHENTICATION", "message": "+12025550107", "correlationId": "c-1" });
    let scopes = json!({ "category": "MISSING_SCOPES", "errors": [{ "message": "x", "context": { "requiredGranularScopes": ["crm.objects.contacts.read"] } }] });
    let invalid = json!({ "category": "VALIDATION_ERROR", "message": "Mora", "correlationId": "Mora Lind" });
    let table: [(u16, Value, Error); 13] = [
        (404, json!("<html>"), Error::failed("HubSpot: status 404")),
        (404, json!({ "correlationId": "c-1" }), Error::failed("HubSpot: unknown resource; check the setting `api`")),
        (
            429,
            limited("TEN_SECONDLY_ROLLING"),
            Error::unavailable("HubSpot: too many requests within ten seconds; retry after 5 s (correlation c-1)"),
        ),
        (
            429,
            limited("DAILY"),
            Error::unavailable(
                "HubSpot: the account's daily request limit is reached, until midnight in its time zone; retry after 5 s (correlation c-1)",
            ),
        ),
        (429, json!("busy"), Error::unavailable("HubSpot: too many requests; retry after 5 s")),
        (
            401,
            expired,
            Error::failed(
                "HubSpot: the token has expired; replace the secret that is bound to HubSpot (correlation c-1)",
            ),
        ),
        (401, json!({}), Error::failed("HubSpot: the token is invalid; check the secret that is bound to HubSpot")),
        (
            403,
            scopes,
            Error::failed("HubSpot: the token lacks a scope; add crm.objects.contacts.read to the private app"),
        ),
        (400, invalid, Error::failed("HubSpot: status 400, VALIDATION_ERROR (correlation ?)")),
        (302, json!({}), Error::failed("HubSpot: status 302")),
        (477, json!({}), Error::unavailable("HubSpot: status 477; retry after 5 s")),
        (502, json!("<html>"), Error::unavailable("HubSpot: status 502; retry after 5 s")),
        (
            200,
            json!({ "results": [{ "id": 7 }] }),
            Error::failed("HubSpot: unexpected response: expected a string at line 1 column 19"),
        ),
    ];
    for (status, body, want) in table {
        let _hubspot = testing::serve([expect(list("0", 30)).status(status).header("retry-after", "5").json(&body)]);
        assert_eq!(HubSpot::list_customers(ListRequest::first(ANA, 30)), Err(want), "{status} {body}");
    }
    let table = [
        (http::Error::Timeout, Error::unavailable("the request to HubSpot timed out")),
        (http::Error::Interrupted("cut".to_owned()), Error::unavailable("HubSpot: cut")),
        (http::Error::Forbidden("not granted".to_owned()), Error::failed("not granted")),
    ];
    for (error, want) in table {
        let _hubspot = testing::serve([expect(list("0", 30)).fail(error)]);
        assert_eq!(HubSpot::list_customers(ListRequest::first(ANA, 30)), Err(want));
    }
}

#[test]
fn invalid_settings_are_rejected() {
    let table = [
        ("country", "USA", "the setting `country`: `USA` is no country code; write two letters such as US or DE"),
        ("own_customers_only", "yes", "the setting `own_customers_only` is `yes`; write true or false"),
        ("link.Shop", "https://x.example.com", "unknown setting `link.Shop`: did you mean `links.Shop`?"),
        (
            "details.columns",
            "x",
            "unknown setting `details.columns`: known settings: details.title, details.properties",
        ),
    ];
    for (key, value, want) in table {
        testing::settings([(key, value)]);
        let answer: Result<_> = HubSpot::list_customers(ListRequest::first(ANA, 30));
        assert_eq!(answer, Err(Error::failed(want)), "{key}");
    }
}

/// Flattens settings into keys and texts, as the gateway passes them.
fn flat(key: &str, value: &toml::Value, out: &mut Vec<(String, String)>) {
    match value {
        toml::Value::Table(table) => {
            for (name, value) in table {
                flat(&if key.is_empty() { name.clone() } else { format!("{key}.{name}") }, value, out);
            }
        }
        toml::Value::String(text) => out.push((key.to_owned(), text.clone())),
        other => out.push((key.to_owned(), other.to_string())),
    }
}

#[test]
fn the_documented_configuration_is_valid() {
    let lines = include_str!("../src/lib.rs").lines().filter_map(|line| line.strip_prefix("//!"));
    let lines: Vec<_> =
        lines.skip_while(|line| *line != " ```toml").skip(1).take_while(|line| *line != " ```").collect();
    let file: toml::Table = lines.join("\n").parse().expect("TOML");
    let mut settings = Vec::new();
    flat("", &file["plugins"]["named"]["hubspot"]["config"], &mut settings);
    assert_eq!(settings.len(), 16, "{settings:?}");
    testing::settings(settings);
    testing::answer_with(|request| {
        let answer = if request.url.contains("/owners") { json!({ "results": [] }) } else { found([1], false) };
        Ok(http::Response::new(200, answer.to_string()))
    });
    assert_eq!(listed(ListRequest::first(ANA, 30)).0, ["1"]);
}
