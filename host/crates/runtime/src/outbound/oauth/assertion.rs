//! The assertion of `jwt-bearer`: a signed JSON Web Token about the client (RFC 7523, section 3).

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use frontgate_net::SigningKey;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::settings::oauth::{ASSERTION_LIFETIME, Oauth};

/// Signs an assertion that is valid from `now` on.
pub(super) fn assertion(oauth: &Oauth, now: SystemTime) -> Result<Zeroizing<String>, String> {
    let pem = oauth.private_key.as_ref().ok_or("no private key")?;
    let key = SigningKey::from_pem(pem.expose()).map_err(|error| format!("the private key {error:#}"))?;
    let mut header = Map::from_iter([field("alg", key.algorithm()), field("typ", "JWT")]);
    if !oauth.key_id.is_empty() {
        header.extend([field("kid", &oauth.key_id)]);
    }
    let or = |text: &'_ String, default: &'_ String| if text.is_empty() { default.clone() } else { text.clone() };
    let issuer = or(&oauth.issuer, &oauth.client_id);
    let from = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut claims = Map::from_iter([
        field("iss", &issuer),
        field("sub", &or(&oauth.subject, &issuer)),
        field("aud", &or(&oauth.audience, &oauth.token_url)),
        ("iat".to_owned(), json!(from.as_secs())),
        ("exp".to_owned(), json!((from + ASSERTION_LIFETIME).as_secs())),
        field("jti", &Uuid::new_v4().to_string()),
    ]);
    claims.extend(oauth.claims.iter().map(|(name, value)| field(name, value)));
    let encoded = |part: Map<String, Value>| BASE64_URL_SAFE_NO_PAD.encode(Value::Object(part).to_string());
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    let signature = key.sign(signed.as_bytes()).map_err(|error| format!("the private key: {error:#}"))?;
    Ok(Zeroizing::new(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))))
}

fn field(name: &str, value: &str) -> (String, Value) {
    (name.to_owned(), value.into())
}
