//! HubSpot's webhooks: which contacts changed.

use std::time::{Duration, SystemTime};

use frontgate_sdk::{Error, News, Notification, NotificationAnswer, Result, clock, signatures};
use serde::Deserialize;

/// The name of the operator's webhook key, which is the app's client secret.
const KEY: &str = "hubspot";
/// HubSpot's greatest age of a request.
const AGE_MAX: Duration = Duration::from_secs(300);
/// HubSpot's id of the object type of contacts.
const CONTACT: &str = "0-1";
/// The characters that HubSpot decodes in a URL before it signs it.
const DECODED: [(&str, &str); 12] = [
    ("%3A", ":"),
    ("%2F", "/"),
    ("%3F", "?"),
    ("%40", "@"),
    ("%21", "!"),
    ("%24", "$"),
    ("%27", "'"),
    ("%28", "("),
    ("%29", ")"),
    ("%2A", "*"),
    ("%2C", ","),
    ("%3B", ";"),
];

/// An event of a webhook.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default)]
    subscription_type: String,
    #[serde(default)]
    object_type_id: String,
    object_id: Option<u64>,
    primary_object_id: Option<u64>,
    new_object_id: Option<u64>,
    #[serde(default)]
    merged_object_ids: Vec<u64>,
}

impl Event {
    fn is_about_contacts(&self) -> bool {
        let (object, event) = self.subscription_type.split_once('.').unwrap_or_default();
        event != "associationChange" && (object == "contact" || object == "object" && self.object_type_id == CONTACT)
    }

    fn ids(&self) -> impl Iterator<Item = u64> {
        let single = [self.object_id, self.primary_object_id, self.new_object_id];
        single.into_iter().flatten().chain(self.merged_object_ids.iter().copied()).filter(|id| *id > 0)
    }
}

/// Verifies a webhook and returns the contacts that it names.
pub(crate) fn news(notification: &Notification) -> Result<NotificationAnswer> {
    if !is_signed(notification)? {
        return Ok(NotificationAnswer::new(401));
    }
    let events: Vec<Event> = match notification.json() {
        Err(Error::Invalid(_)) => return Ok(NotificationAnswer::new(400)),
        events => events?,
    };
    let ids = events.iter().filter(|event| event.is_about_contacts()).flat_map(Event::ids);
    Ok(NotificationAnswer::new(204).news(News::about(ids.map(|id| id.to_string()))))
}

/// Returns whether HubSpot signed the request within the last minutes.
fn is_signed(notification: &Notification) -> Result<bool> {
    let (Some(signature), Some(timestamp)) =
        (notification.header("x-hubspot-signature-v3"), notification.header("x-hubspot-request-timestamp"))
    else {
        return Ok(false);
    };
    let Some(signed) =
        timestamp.parse().ok().and_then(|ms| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms)))
    else {
        return Ok(false);
    };
    let now = clock::now();
    let age = now.duration_since(signed).unwrap_or_else(|early| early.duration());
    if age > AGE_MAX {
        return Ok(false);
    }
    let mut message = format!("{}{}", notification.method, decoded(&notification.url)).into_bytes();
    message.extend_from_slice(&notification.body);
    message.extend_from_slice(timestamp.as_bytes());
    signatures::hmac_sha256(KEY, message, signature)
}

/// Decodes the characters that HubSpot decodes.
fn decoded(url: &str) -> String {
    DECODED.iter().fold(url.to_owned(), |url, (encoded, plain)| {
        url.replace(encoded, plain).replace(&encoded.to_ascii_lowercase(), plain)
    })
}
