//! The call of Front's Core API that creates a channel of an app. It needs an API token with the scope `channels:write`.

use serde::Serialize;

use super::{Call, Method, json};
use crate::ids::segment;

/// What Front shall send with its requests, by the authentication type of the app's server in Front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", untagged)]
pub enum Credentials<'c> {
    /// `api_key`.
    ApiKey {
        /// The key.
        api_key: &'c str,
    },
    /// `bearer`.
    Bearer {
        /// The token.
        access_token: &'c str,
    },
}

/// A channel to create.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct NewChannel<'c> {
    #[serde(rename = "type")]
    kind: &'static str,
    /// The App UID.
    application_uid: &'c str,
    /// The channel's name in Front.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'c str>,
    /// Absent for the authentication types `none` and `authorization_code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials: Option<Credentials<'c>>,
}

impl<'c> NewChannel<'c> {
    /// Creates a channel of the app with this App UID.
    pub fn new(application_uid: &'c str, name: Option<&'c str>, credentials: Option<Credentials<'c>>) -> Self {
        Self { kind: "custom", application_uid, name, credentials }
    }
}

/// Creates a channel in an inbox. Success is 204, without the channel's id; Front then authorizes it at the app's server.
pub fn create_channel(inbox_id: &str, channel: &NewChannel<'_>) -> Call {
    let path = format!("/inboxes/{}/channels", segment(inbox_id));
    Call { method: Method::Post, path, body: json(channel) }
}

#[cfg(test)]
mod tests {
    use super::super::Body;
    use super::*;

    #[test]
    fn a_new_channel_has_the_published_fields() {
        let table = [
            (None, r#"{"type":"custom","application_uid":"app","name":"Support"}"#),
            (
                Some(Credentials::Bearer { access_token: "t" }),
                r#"{"type":"custom","application_uid":"app","name":"Support","credentials":{"access_token":"t"}}"#,
            ),
            (
                Some(Credentials::ApiKey { api_key: "k" }),
                r#"{"type":"custom","application_uid":"app","name":"Support","credentials":{"api_key":"k"}}"#,
            ),
        ];
        for (credentials, expected) in table {
            let call = create_channel("inb_1/2", &NewChannel::new("app", Some("Support"), credentials));
            assert_eq!((call.method, &*call.path), (Method::Post, "/inboxes/inb_1%2F2/channels"));
            assert_eq!(call.body, Body::Json(expected.as_bytes().to_vec()));
        }
    }
}
