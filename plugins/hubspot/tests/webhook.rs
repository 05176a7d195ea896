//! Tests HubSpot's webhooks: signatures, and the contacts that they name.

use frontgate_sdk::{CrmSource as _, Error, News, Notification, testing};
use hubspot::HubSpot;
use serde_json::{Value, json};

/// The time of the tests' clock in milliseconds: midnight of 1 January 2026.
const START: u64 = 1_767_225_600_000;

/// Builds a webhook with a signature that [`testing::signatures`] accepts, signed at a time.
fn webhook(events: &Value, signed_at: u64) -> Notification {
    testing::signatures(move |check| {
        let text = String::from_utf8_lossy(check.message);
        let is_whole =
            text.starts_with("POSThttps://gw.example.net/hooks/a:b[") && text.ends_with(&signed_at.to_string());
        check.key == "hubspot" && check.signature == "c2ln" && is_whole
    });
    Notification::post("https://gw.example.net/hooks/a%3Ab", events.to_string())
        .with("X-HubSpot-Signature-v3", "c2ln")
        .with("X-HubSpot-Request-Timestamp", signed_at.to_string())
}

/// Returns status and news of a webhook.
fn notified(notification: Notification) -> (u16, News) {
    let answer = HubSpot::notified(notification).expect("an answer");
    (answer.status, answer.news)
}

#[test]
fn a_webhook_names_the_contacts_that_changed() {
    let events = json!([
        { "subscriptionType": "contact.creation", "objectId": 1 },
        { "subscriptionType": "contact.propertyChange", "objectId": 2, "propertyName": "firstname" },
        { "subscriptionType": "contact.deletion", "objectId": 3 },
        { "subscriptionType": "contact.privacyDeletion", "objectId": 4 },
        { "subscriptionType": "contact.merge", "objectId": 5, "primaryObjectId": 5, "mergedObjectIds": [6], "newObjectId": 7 },
        { "subscriptionType": "object.creation", "objectTypeId": "0-1", "objectId": 8 },
        { "subscriptionType": "object.creation", "objectTypeId": "0-2", "objectId": 90 },
        { "subscriptionType": "company.creation", "objectId": 91 },
        { "subscriptionType": "contact.associationChange", "fromObjectId": 92 },
    ]);
    assert_eq!(notified(webhook(&events, START)), (204, News::about((1..=8).map(|id| id.to_string()))));
}

#[test]
fn a_webhook_about_many_contacts_asks_for_the_changes() {
    let events: Vec<_> =
        (1..=101).map(|id| json!({ "subscriptionType": "contact.merge", "mergedObjectIds": [id] })).collect();
    assert_eq!(notified(webhook(&json!(events), START)), (204, News::Something));
}

#[test]
fn a_webhook_without_a_valid_signature_is_rejected() {
    let events = json!([{ "subscriptionType": "contact.creation", "objectId": 1 }]);
    for (name, value) in [("x-hubspot-signature-v3", "other"), ("x-hubspot-request-timestamp", "x")] {
        let mut forged = webhook(&events, START);
        forged.headers.retain(|(header, _)| header != name);
        assert_eq!(notified(forged.clone()), (401, News::None), "without {name}");
        assert_eq!(notified(forged.with(name, value)), (401, News::None), "{name}");
    }
}

#[test]
fn an_old_webhook_is_rejected() {
    let events = json!([{ "subscriptionType": "contact.creation", "objectId": 1 }]);
    for (ms, status) in [(0, 204), (300_000, 204), (300_001, 401)] {
        assert_eq!(notified(webhook(&events, START - ms)).0, status, "{ms} ms old");
        assert_eq!(notified(webhook(&events, START + ms)).0, status, "{ms} ms early");
    }
}

#[test]
fn a_signed_webhook_of_another_form_has_no_news() {
    assert_eq!(notified(webhook(&json!([{ "objectId": "x" }]), START)), (400, News::None));
    assert_eq!(notified(webhook(&json!([]), START)), (204, News::None));
}

#[test]
fn without_a_key_webhooks_are_unavailable() {
    let notification = Notification::post("https://gw.example.net/hooks/a", "[]")
        .with("X-HubSpot-Signature-v3", "c2ln")
        .with("X-HubSpot-Request-Timestamp", START.to_string());
    assert!(matches!(HubSpot::notified(notification), Err(Error::Unavailable(_))));
}
