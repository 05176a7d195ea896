//! Tests the entries of calls in HubSpot, and that each call has one. `tests/suite/hubspot/calls.rs` tests them in the
//! gateway with a simulator of HubSpot.

use frontgate_sdk::http::{self, Request};
use frontgate_sdk::testing::{self, Exchange, expect};
use frontgate_sdk::{Call, Calls as _, Error};
use hubspot::HubSpot;
use serde_json::{Value, json};

const API: &str = "https://api.hubapi.com/crm/v3";
const ANA: &str = "ana@example.org";
const SID: &str = "CA0123";
const MORA: &str = "+12025550107";
const OURS: &str = "+12025550199";
const KEY: (&str, &str) = ("call_sid_property", "frontline_call_sid");

/// A call without number and worker, which needs no other request than those for the entry.
fn bare() -> Call {
    Call { customer_address: None, ..Call::inbound(SID, "", OURS) }
}

/// Expects the search for entries, and answers with this many.
fn search_of_entries(found: usize) -> Exchange {
    let filters = json!([{ "propertyName": "hs_call_external_id", "operator": "EQ", "value": SID }]);
    let search = json!({
        "filterGroups": [{ "filters": filters }], "sorts": ["hs_object_id"],
        "properties": ["hs_call_external_id"], "limit": 1, "after": "0",
    });
    let entries = vec![json!({ "id": "7", "properties": { "hs_call_external_id": SID } }); found];
    let answer = json!({ "total": found, "results": entries });
    expect(http::post(&format!("{API}/objects/calls/search")).json(&search)).json(&answer)
}

fn create(entry: &Value) -> Exchange {
    expect(http::post(&format!("{API}/objects/calls")).json(entry)).status(201).json(&json!({ "id": "7" }))
}

fn read() -> Request {
    http::get(&format!("{API}/objects/calls/{SID}")).query("idProperty", KEY.1)
}

/// Returns the entry of [`bare`].
fn bare_entry() -> Value {
    json!({
        "properties": {
            "hs_timestamp": "1767225600000",
            "hs_call_title": "Inbound call in Frontline",
            "hs_call_body": "Call: CA0123",
            "hs_call_direction": "INBOUND",
            "hs_call_status": "COMPLETED",
            "hs_call_to_number": OURS,
            "hs_call_external_id": SID,
        },
        "associations": [],
    })
}

/// Logs a call at a HubSpot that accepts everything, and returns the created entry.
fn entry_of(call: Call) -> Value {
    testing::answer_with(|request| {
        let answer = match request.url.rsplit('/').next() {
            Some("search") => json!({ "total": 0, "results": [] }),
            Some("calls") => json!({ "id": "7" }),
            _ => json!({ "results": [{ "id": "41", "email": ANA }] }),
        };
        Ok(http::Response::new(200, answer.to_string()))
    });
    HubSpot::log_call(call).expect("an entry");
    let created = testing::requests().pop().expect("a request");
    assert_eq!(created.url, format!("{API}/objects/calls"));
    serde_json::from_slice(&created.body).expect("JSON")
}

#[test]
fn an_entry_has_the_fields_of_its_call() {
    let call = Call::outbound(SID, MORA, OURS).worker(ANA).lasting(61);
    let call = call.recorded("RE7", "https://api.twilio.com/Recordings/RE7", 60);
    let call = Call { started_at: Some(1_760_000_000_000), conversation_sid: Some("CH7".to_owned()), ..call };
    let want = json!({
        "hs_timestamp": "1760000000000",
        "hs_call_title": "Outbound call in Frontline",
        "hs_call_body": "Worker: ana@example.org<br>Call: CA0123<br>Conversation: CH7<br>Recording: RE7",
        "hs_call_direction": "OUTBOUND",
        "hs_call_status": "COMPLETED",
        "hs_call_duration": "61000",
        "hs_call_from_number": OURS,
        "hs_call_to_number": MORA,
        "hs_call_recording_url": "https://api.twilio.com/Recordings/RE7.mp3",
        "hubspot_owner_id": "41",
        "hs_call_external_id": SID,
    });
    assert_eq!(entry_of(call)["properties"], want);
}

#[test]
fn an_entry_is_associated_with_the_contact_that_has_the_number() {
    let mora = json!({ "id": "101", "properties": { "phone": "+1 (202) 555-0107" } });
    testing::answer_with(move |request| {
        let found = if request.url.contains("contacts") { vec![mora.clone()] } else { Vec::new() };
        Ok(http::Response::new(200, json!({ "total": 1, "results": found }).to_string()))
    });
    HubSpot::log_call(Call::inbound(SID, MORA, OURS)).expect("an entry");
    let created = testing::requests().pop().expect("a request");
    let entry: Value = serde_json::from_slice(&created.body).expect("JSON");
    let types = json!([{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 194 }]);
    assert_eq!(entry["associations"], json!([{ "to": { "id": "101" }, "types": types }]));
}

#[test]
fn a_call_without_details_becomes_an_entry() {
    let _hubspot = testing::serve([search_of_entries(0), create(&bare_entry())]);
    assert_eq!(HubSpot::log_call(bare()), Ok(()));
}

#[test]
fn statuses_of_twilio_become_those_of_hubspot() {
    let table = [
        ("completed", json!("COMPLETED")),
        ("busy", json!("BUSY")),
        ("no-answer", json!("NO_ANSWER")),
        ("failed", json!("FAILED")),
        ("canceled", json!("CANCELED")),
        ("unknown", Value::Null),
    ];
    for (number, (status, want)) in table.into_iter().enumerate() {
        let call = Call { call_sid: format!("CA{number}"), status: status.to_owned(), ..bare() };
        assert_eq!(entry_of(call)["properties"]["hs_call_status"], want, "{status}");
    }
}

#[test]
fn a_recording_without_https_is_omitted() {
    let entry = entry_of(bare().recorded("RE7", "http://media.example.org/RE7", 60));
    assert_eq!(entry["properties"]["hs_call_recording_url"], Value::Null);
    assert_eq!(testing::logged(), ["warn: omitted the URL of recording RE7, which is not https"]);
}

#[test]
fn the_text_of_an_entry_contains_no_markup_of_others() {
    let body = entry_of(bare().worker("<b>&"))["properties"]["hs_call_body"].clone();
    assert_eq!(body, "Worker: &lt;b>&amp;<br>Call: CA0123");
}

#[test]
fn a_call_with_an_entry_gets_no_second_one() {
    let _hubspot = testing::serve([search_of_entries(1)]);
    assert_eq!(HubSpot::log_call(bare()), Ok(()));
}

#[test]
fn a_logged_call_is_remembered_before_the_search_finds_it() {
    let _hubspot = testing::serve([search_of_entries(0), create(&bare_entry())]);
    for _ in 0..2 {
        assert_eq!(HubSpot::log_call(bare()), Ok(()));
    }
}

#[test]
fn a_call_whose_creation_failed_is_not_remembered() {
    let _hubspot =
        testing::serve([search_of_entries(0), create(&bare_entry()).fail(http::Error::Timeout), search_of_entries(1)]);
    assert_eq!(HubSpot::log_call(bare()), Err(Error::unavailable("the request to HubSpot timed out")));
    assert_eq!(HubSpot::log_call(bare()), Ok(()));
}

#[test]
fn an_entry_with_the_unique_sid_is_found_without_a_search() {
    testing::settings([KEY]);
    let _hubspot = testing::serve([expect(read()).json(&json!({ "id": "7", "properties": {} }))]);
    assert_eq!(HubSpot::log_call(bare()), Ok(()));
}

#[test]
fn an_entry_has_the_unique_sid() {
    testing::settings([KEY]);
    let mut entry = bare_entry();
    entry["properties"][KEY.1] = json!(SID);
    let missing = json!({ "category": "OBJECT_NOT_FOUND", "correlationId": "c-1" });
    let _hubspot = testing::serve([expect(read()).status(404).json(&missing), create(&entry)]);
    assert_eq!(HubSpot::log_call(bare()), Ok(()));
}

#[test]
fn a_failed_creation_tells_whether_a_retry_helps() {
    let scopes = json!({ "category": "MISSING_SCOPES" });
    let invalid = json!({ "category": "VALIDATION_ERROR", "message": MORA });
    let table = [
        (429, json!({}), Error::unavailable("HubSpot: too many requests")),
        (503, json!({}), Error::unavailable("HubSpot: status 503")),
        (400, invalid, Error::failed("HubSpot: status 400, VALIDATION_ERROR")),
        (
            403,
            scopes,
            Error::failed(
                "HubSpot: the token lacks a scope; add crm.objects.contacts.read, crm.objects.owners.read and, to log \
                 calls, crm.objects.contacts.write to the private app",
            ),
        ),
    ];
    for (status, body, want) in table {
        let _hubspot = testing::serve([search_of_entries(0), create(&bare_entry()).status(status).json(&body)]);
        assert_eq!(HubSpot::log_call(bare()), Err(want), "{status}");
    }
}
