//! The JSON Web Tokens of calls to Front, and their validation.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::front::Front;
use crate::front::record::Authorization;
use crate::front::sign::hmac;

/// The longest lifetime that Front accepts.
const LIFETIME_MAX: Duration = Duration::from_secs(30);

/// Creates a valid token. `expires` is in Unix seconds.
pub fn token(app: &str, secret: &str, channel: &str, expires: u64) -> String {
    let jti = uuid::Uuid::new_v4().simple().to_string();
    signed(secret, &json!({ "iss": app, "jti": jti, "sub": channel, "exp": expires }))
}

fn signed(secret: &str, claims: &Value) -> String {
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(r#"{"typ":"JWT","alg":"HS256"}"#), part(&claims.to_string()));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(hmac(secret, &[signed.as_bytes()]));
    format!("{signed}.{signature}")
}

/// Validates the token of a request at the time `now`.
pub(crate) fn authorization(header: Option<&str>, app: &str, secret: &str, now: SystemTime) -> Authorization {
    let Some(header) = header else { return Authorization::Missing };
    if header.strip_prefix("Bearer ") == Some(Front::API_TOKEN) {
        return Authorization::Api;
    }
    verified(header, app, secret, now).unwrap_or_else(|words| Authorization::Wrong(words.to_owned()))
}

fn verified(header: &str, app: &str, secret: &str, now: SystemTime) -> Result<Authorization, &'static str> {
    let token = header.strip_prefix("Bearer ").ok_or("not a Bearer token")?;
    let (signed, signature) = token.rsplit_once('.').ok_or("not a JWT")?;
    let (head, claims) = signed.split_once('.').ok_or("not a JWT")?;
    if json_of(head)?["alg"] != "HS256" {
        return Err("alg is not HS256");
    }
    if BASE64_URL_SAFE_NO_PAD.encode(hmac(secret, &[signed.as_bytes()])) != signature {
        return Err("wrong signature");
    }
    let claims = json_of(claims)?;
    let text = |name: &str| claims[name].as_str().filter(|text| !text.is_empty());
    // Front's Postman collection sends the id of an older app as a number.
    let issuer = claims["iss"].as_u64().map(|id| id.to_string()).or_else(|| text("iss").map(str::to_owned));
    if issuer.as_deref() != Some(app) {
        return Err("iss is not the App UID");
    }
    let channel = text("sub").ok_or("sub is missing")?;
    // [?] Front may not require `jti`, but all of Front's samples have it.
    let jti = text("jti").ok_or("jti is missing")?;
    let expires = Duration::from_secs(claims["exp"].as_u64().ok_or("exp is not a whole number")?);
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    if expires <= now {
        return Err("exp has passed");
    }
    if expires - now > LIFETIME_MAX {
        return Err("exp is more than 30 s ahead");
    }
    Ok(Authorization::Channel { channel: channel.to_owned(), jti: jti.to_owned() })
}

fn json_of(part: &str) -> Result<Value, &'static str> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| "not base64url")?;
    serde_json::from_slice(&bytes).map_err(|_| "not JSON")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use serde_json::{Value, json};

    use super::{authorization, signed};
    use crate::front::record::Authorization;

    const APP: &str = "app-uid-0001";
    const SECRET: &str = "channel-secret-for-tests-0001";
    const VECTOR: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhcHAtdWlkLTAwMDEiLCJqdGkiOiIwMDExMjIzMzQ0NTU2Njc3Iiwic3ViIjoiY2hhX3Rlc3QxIiwiZXhwIjoxNzAwMDAwMDMwfQ.2Pxc1Uf-ujhSI_svqF79MN_i3gmlhVsJt1mCbgkcDKc";

    #[test]
    fn tokens_are_those_of_the_contract_and_live_thirty_seconds() {
        let claims = json!({ "iss": APP, "jti": "0011223344556677", "sub": "cha_test1", "exp": 1_700_000_030 });
        assert_eq!(signed(SECRET, &claims), VECTOR);
        let at = |millis| {
            let now = UNIX_EPOCH + Duration::from_millis(millis);
            matches!(authorization(Some(&format!("Bearer {VECTOR}")), APP, SECRET, now), Authorization::Channel { .. })
        };
        let verdicts = [1_699_999_999_999, 1_700_000_000_000, 1_700_000_029_999, 1_700_000_030_000].map(at);
        assert_eq!(verdicts, [false, true, true, false]);
    }

    #[test]
    fn an_app_with_a_number_may_be_named_as_a_number() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let is_accepted = |app: &str, issuer: Value| {
            let claims = json!({ "iss": issuer, "jti": "00", "sub": "cha_test1", "exp": 1_700_000_005 });
            let header = format!("Bearer {}", signed(SECRET, &claims));
            matches!(authorization(Some(&header), app, SECRET, now), Authorization::Channel { .. })
        };
        assert!(is_accepted("4711", json!(4711)) && is_accepted("4711", json!("4711")));
        assert!(!is_accepted("4711", json!(4712)) && !is_accepted(APP, json!(4711)));
    }

    #[test]
    fn tokens_of_others_are_refused() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let is_wrong = |header: &str, app: &str, secret: &str| {
            matches!(authorization(Some(header), app, secret, now), Authorization::Wrong(_))
        };
        let header = format!("Bearer {VECTOR}");
        assert!(!is_wrong(&header, APP, SECRET));
        assert!(is_wrong(&header, "another-app", SECRET) && is_wrong(&header, APP, "another secret"));
        assert!(is_wrong(VECTOR, APP, SECRET) && is_wrong("Bearer a.b.c", APP, SECRET));
        assert_eq!(authorization(None, APP, SECRET, now), Authorization::Missing);
        for (name, value) in [("sub", json!(null)), ("jti", json!("")), ("exp", json!(1_700_000_010.5))] {
            let mut claims = json!({ "iss": APP, "jti": "00", "sub": "cha_test1", "exp": 1_700_000_030 });
            claims[name] = value;
            assert!(is_wrong(&format!("Bearer {}", signed(SECRET, &claims)), APP, SECRET), "{name}");
        }
    }
}
