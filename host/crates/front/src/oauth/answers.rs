//! Responses of the token endpoint and the introspection endpoint.

use serde_json::{Value, json};

/// What is known of a valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introspected {
    /// The client.
    pub client: String,
    /// The provider's id of the account.
    pub account_id: String,
    /// The name of the account.
    pub account_name: String,
    /// The address of the account.
    pub account_address: String,
    /// When it was issued, in seconds since 1970.
    pub issued: u64,
    /// When it expires, in seconds since 1970.
    pub expires: u64,
    /// Whether it is an access token, and not a refresh token.
    pub is_access: bool,
}

/// Returns new tokens (RFC 6749, section 5.1).
pub fn tokens(access: &str, refresh: &str, expires_in: u64) -> Value {
    json!({ "access_token": access, "token_type": "Bearer", "expires_in": expires_in, "refresh_token": refresh })
}

/// Returns what is known of a token (RFC 7662, section 2.2), with the names that Front defines: those of the channel, or
/// with shared credentials those of the account, whose channels Front asks for by `list_addresses`.
///
/// Source: dev.frontapp.com/docs/token-instrospection-for-channel-identification.
pub fn introspection(found: Option<&Introspected>, shared_credentials: bool) -> Value {
    let Some(found) = found else { return json!({ "active": false }) };
    let mut answer = json!({
        "active": true,
        "client_id": found.client,
        "sub": found.account_id,
        "iat": found.issued,
        "exp": found.expires,
    });
    if found.is_access {
        answer["token_type"] = "Bearer".into();
    }
    let named = match shared_credentials {
        true => [("resource_owner_id", &found.account_id), ("resource_owner_name", &found.account_name)],
        false => [("front_channel_name", &found.account_name), ("front_channel_address", &found.account_address)],
    };
    for (name, value) in named {
        answer[name] = value.as_str().into();
    }
    answer
}
