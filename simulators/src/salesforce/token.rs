//! The token endpoint, and sessions: client credentials and JWT bearer (Salesforce Help, "OAuth 2.0 Client Credentials
//! Flow" and "OAuth 2.0 JWT Bearer Flow").

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::common::reply::Reply;
use crate::salesforce::org::Org;

/// Longest lifetime of an assertion, in seconds.
const ASSERTION_S_MAX: u64 = 300;
/// The audience of assertions, besides the org's own URL.
const AUDIENCES: [&str; 2] = ["https://login.salesforce.com", "https://test.salesforce.com"];

/// The external client app of the gateway, and its sessions.
#[derive(Debug)]
pub(super) struct Access {
    client_id: String,
    client_secret: String,
    username: String,
    sessions: Vec<String>,
    count: u64,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            client_id: Org::CLIENT_ID.to_owned(),
            client_secret: Org::CLIENT_SECRET.to_owned(),
            username: Org::USERNAME.to_owned(),
            sessions: vec![Org::TOKEN.to_owned()],
            count: 0,
        }
    }
}

impl Org {
    /// The consumer key of the app.
    pub const CLIENT_ID: &str = "3MVG9made0up0consumer0key";
    /// The consumer secret of the app.
    pub const CLIENT_SECRET: &str = "D0made0up0consumer0secret";
    /// The user that runs the app.
    pub const USERNAME: &str = "frontgate@acme.example";
    /// An access token that is valid from the beginning, for clients that do not get one.
    pub const TOKEN: &str = "00DHs0000000001!AQmade0up0access0token";

    /// Ends all sessions: their access tokens are rejected from now on.
    pub fn expire_sessions(&mut self) {
        self.access.sessions.clear();
    }

    /// Replaces the app's secret.
    pub fn rotate_secret(&mut self, secret: &str) {
        secret.clone_into(&mut self.access.client_secret);
    }

    pub(super) fn is_authorized(&self, authorization: &str) -> bool {
        let token = authorization.strip_prefix("Bearer ");
        token.is_some_and(|token| self.access.sessions.iter().any(|session| session == token))
    }

    /// Answers a token request.
    pub(super) fn token(&mut self, authorization: &str, body: &[u8]) -> Reply {
        let form: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let checked = match field("grant_type").as_deref() {
            Some("client_credentials") => {
                let basic = basic(authorization);
                let id = basic.as_ref().map(|(id, _)| id.clone()).or_else(|| field("client_id"));
                let secret = basic.map(|(_, secret)| secret).or_else(|| field("client_secret"));
                self.check_client(id.as_deref(), secret.as_deref())
            }
            Some("urn:ietf:params:oauth:grant-type:jwt-bearer") => {
                self.check_assertion(&field("assertion").unwrap_or_default())
            }
            _ => Err(("unsupported_grant_type", "grant type not supported")),
        };
        if let Err((error, description)) = checked {
            return Reply::new(400, json!({ "error": error, "error_description": description }).to_string());
        }
        self.access.count += 1;
        let token = format!("00DHs0000000001!AQsession{:08}", self.access.count);
        self.access.sessions.push(token.clone());
        // Salesforce does not return `expires_in`: a session ends when it was not used for some time.
        let answer = json!({
            "access_token": token, "signature": "c2lnbmF0dXJl", "scope": "api", "instance_url": self.url,
            "id": format!("{}/id/00DHs0000000001MAA/005Hs00000000Q2IAI", self.url), "token_type": "Bearer",
            "issued_at": (self.now() * 1_000).to_string(),
        });
        Reply::new(200, answer.to_string())
    }

    fn check_client(&self, id: Option<&str>, secret: Option<&str>) -> Result<(), (&'static str, &'static str)> {
        if id != Some(&self.access.client_id) {
            return Err(("invalid_client_id", "client identifier invalid"));
        }
        if secret != Some(&self.access.client_secret) {
            return Err(("invalid_client", "invalid client credentials"));
        }
        Ok(())
    }

    /// Checks the claims of an assertion. Its signature is not verified: the simulator has no certificate.
    fn check_assertion(&self, assertion: &str) -> Result<(), (&'static str, &'static str)> {
        let parts: Vec<_> = assertion.split('.').collect();
        let [header, claims, signature] = parts.as_slice() else {
            return Err(("invalid_grant", "invalid assertion"));
        };
        let decoded = |part: &str| -> Value {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
            serde_json::from_slice(&bytes).unwrap_or_default()
        };
        let (header, claims) = (decoded(header), decoded(claims));
        if header["alg"] != "RS256" || signature.is_empty() {
            return Err(("invalid_grant", "invalid assertion"));
        }
        if claims["iss"] != *self.access.client_id {
            return Err(("invalid_client_id", "client identifier invalid"));
        }
        let audience = claims["aud"].as_str().unwrap_or_default();
        if !AUDIENCES.contains(&audience) && audience != self.url {
            return Err(("invalid_grant", "audience is invalid"));
        }
        if claims["sub"] != *self.access.username {
            return Err(("invalid_grant", "user hasn't approved this consumer"));
        }
        let (now, expires) = (self.now(), claims["exp"].as_u64().unwrap_or_default());
        if expires <= now || expires > now + ASSERTION_S_MAX {
            return Err(("invalid_grant", "expired authorization code"));
        }
        Ok(())
    }
}

/// Returns id and secret of HTTP Basic.
fn basic(authorization: &str) -> Option<(String, String)> {
    let bytes = BASE64_STANDARD.decode(authorization.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
    Some((decoded(id), decoded(secret)))
}
