//! Tokens of calls to Front: a JWT (HS256) for one channel and one request.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use frontgate_signing::{Algorithm, KeyedHash};
use serde::Serialize;

/// Longest lifetime that Front accepts. Front does not document it; an integrator reported in 2025 that tokens of 120 s
/// were rejected.
pub const LIFETIME_SECONDS_MAX: u64 = 30;

/// Lifetime of the gateway's tokens, shorter than Front's limit and longer than a request. Either clock may therefore
/// be ten seconds ahead.
pub const LIFETIME_SECONDS: u64 = 20;

/// `{"typ":"JWT","alg":"HS256"}` in base64.
const HEADER: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9";

/// An issuer of tokens for the channels of one app.
#[derive(Clone)]
pub struct Issuer {
    app_uid: String,
    hash: KeyedHash,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Issuer({})", self.app_uid)
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    jti: &'a str,
    sub: &'a str,
    exp: u64,
}

impl Issuer {
    /// Creates an issuer from the app's UID and the text of its secret.
    pub fn new(app_uid: impl Into<String>, secret: &str) -> Self {
        Self { app_uid: app_uid.into(), hash: KeyedHash::new(secret, Algorithm::HmacSha256) }
    }

    /// Makes a token for one request of a channel (`cha_...`). `jti` is random text, `now` is in seconds since 1970.
    /// The lifetime is at most [`LIFETIME_SECONDS_MAX`].
    pub fn token(&self, channel_id: &str, jti: &str, now: u64, lifetime_seconds: u64) -> String {
        let exp = now.saturating_add(lifetime_seconds.min(LIFETIME_SECONDS_MAX));
        let claims = Claims { iss: &self.app_uid, jti, sub: channel_id, exp };
        let claims = serde_json::to_vec(&claims).expect("texts and a number");
        let signed = format!("{HEADER}.{}", BASE64_URL_SAFE_NO_PAD.encode(claims));
        let signature = self.hash.hash(&[signed.as_bytes()]);
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VECTOR: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhcHAtdWlkLTAwMDEiLCJqdGkiOiIwMDExMjIzMzQ0NTU2Njc3Iiwic3ViIjoiY2hhX3Rlc3QxIiwiZXhwIjoxNzAwMDAwMDMwfQ.2Pxc1Uf-ujhSI_svqF79MN_i3gmlhVsJt1mCbgkcDKc";

    fn token(lifetime_seconds: u64) -> String {
        let issuer = Issuer::new("app-uid-0001", "channel-secret-for-tests-0001");
        assert!(!format!("{issuer:?}").contains("secret"));
        issuer.token("cha_test1", "0011223344556677", 1_700_000_000, lifetime_seconds)
    }

    #[test]
    fn the_vector_is_made() {
        assert_eq!(token(30), VECTOR);
        assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(HEADER).expect("base64"), br#"{"typ":"JWT","alg":"HS256"}"#);
    }

    #[test]
    fn no_token_lives_longer_than_front_accepts() {
        assert_eq!(token(120), VECTOR);
        assert_eq!(token(u64::MAX), VECTOR);
        assert_ne!(token(LIFETIME_SECONDS), VECTOR);
    }

    #[test]
    fn a_name_cannot_break_out_of_its_claim() {
        let token = Issuer::new("a\"}", "s").token("cha_\",\"exp\":9", "\n", 0, 0);
        let claims = token.split('.').nth(1).expect("three parts");
        let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64");
        let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
        assert_eq!(claims, serde_json::json!({"iss": "a\"}", "jti": "\n", "sub": "cha_\",\"exp\":9", "exp": 0}));
    }
}
