//! The form of a token request, and its answer (RFC 6749, sections 4.4, 5 and 6; RFC 7523).

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontgate_net::confidential;
use hyper::StatusCode;
use hyper::header::HeaderValue;
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

use super::assertion::assertion;
use crate::settings::oauth::{ClientAuth, Grant, Oauth};

/// Lifetime of a token whose answer names none. A token that ends earlier is renewed after a 401.
const LIFETIME_DEFAULT: Duration = Duration::from_secs(3600);
/// Shortest and longest lifetime that is believed.
const LIFETIME_MIN: Duration = Duration::from_secs(1);
const LIFETIME_MAX: Duration = Duration::from_secs(365 * 86_400);

/// Error codes that are passed on. Any other text could contain a secret.
const ERROR_CODES: [&str; 9] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "access_denied",
    "server_error",
    "temporarily_unavailable",
];

/// A token request. Has no `Debug`, so that it is never logged.
pub(super) struct TokenRequest {
    /// Value of the header `authorization`.
    pub(super) authorization: Option<HeaderValue>,
    /// The form.
    pub(super) body: Zeroizing<String>,
}

/// Tokens of a successful answer.
pub(super) struct Tokens {
    pub(super) access_token: Zeroizing<String>,
    /// The refresh token to spend next, if the server replaced it.
    pub(super) refresh_token: Option<Zeroizing<String>>,
    pub(super) expires_in: Duration,
}

/// Builds a token request. `refresh_token` is the one to spend.
pub(super) fn token_request(oauth: &Oauth, refresh_token: &str) -> Result<TokenRequest, String> {
    let secret = oauth.client_secret.as_ref().map(|secret| secret.expose());
    let assertion = match oauth.grant {
        Grant::JwtBearer => assertion(oauth, SystemTime::now())?,
        Grant::ClientCredentials | Grant::RefreshToken => Zeroizing::default(),
    };
    let mut fields: Vec<(&str, &str)> = match oauth.grant {
        Grant::ClientCredentials => vec![("grant_type", "client_credentials")],
        Grant::RefreshToken => vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token)],
        Grant::JwtBearer => {
            vec![("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &assertion)]
        }
    };
    let mut authorization = None;
    match (oauth.client_auth, secret) {
        (ClientAuth::Basic, Some(secret)) => authorization = Some(basic(&oauth.client_id, secret)?),
        (_, secret) => {
            fields.extend((!oauth.client_id.is_empty()).then_some(("client_id", oauth.client_id.as_str())));
            fields.extend(secret.map(|secret| ("client_secret", secret)));
        }
    }
    fields.extend((!oauth.scope.is_empty()).then_some(("scope", oauth.scope.as_str())));
    fields.extend(oauth.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    // The buffer never grows, since each reallocation would leave a copy.
    let bytes_max = fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let body = Serializer::new(String::with_capacity(bytes_max)).extend_pairs(fields).finish();
    Ok(TokenRequest { authorization, body: Zeroizing::new(body) })
}

/// Encodes id and secret of a client as section 2.3.1 of RFC 6749 requires. A space is not `+`, which some servers do
/// not decode.
fn basic(id: &str, secret: &str) -> Result<HeaderValue, String> {
    let part = |part: &'_ str| if part == "+" { "%20".to_owned() } else { part.to_owned() };
    let encoded = |text: &str| Zeroizing::new(byte_serialize(text.as_bytes()).map(part).collect::<String>());
    let pair = Zeroizing::new(format!("{}:{}", encoded(id).as_str(), encoded(secret).as_str()));
    let value = Zeroizing::new(format!("Basic {}", Zeroizing::new(BASE64_STANDARD.encode(&*pair)).as_str()));
    confidential(value).ok_or_else(|| "the client's credentials are no header".to_owned())
}

/// Reads the answer of a token endpoint. The error contains no text of the answer but known error codes.
pub(super) fn answer(status: StatusCode, body: &[u8]) -> Result<Tokens, String> {
    if !status.is_success() {
        let code = serde_json::from_slice::<Refusal>(body)
            .ok()
            .and_then(|refusal| ERROR_CODES.into_iter().find(|code| *code == refusal.error));
        let number = status.as_u16();
        return Err(code.map_or_else(|| format!("status {number}"), |code| format!("{code} (status {number})")));
    }
    let answer: Answer = serde_json::from_slice(body).map_err(|_| "the answer has no access token".to_owned())?;
    let expires_in = match answer.expires_in {
        Value::Number(seconds) => seconds.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        Value::String(seconds) => seconds.parse().ok().map(Duration::from_secs),
        _ => None,
    };
    Ok(Tokens {
        access_token: Zeroizing::new(answer.access_token),
        refresh_token: answer.refresh_token.map(Zeroizing::new),
        expires_in: expires_in.unwrap_or(LIFETIME_DEFAULT).clamp(LIFETIME_MIN, LIFETIME_MAX),
    })
}

/// A successful answer. The type of the token is not checked: the operator wrote how it is sent.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    /// Seconds. Some servers send them as a text.
    #[serde(default)]
    expires_in: Value,
}

/// An answer with an error.
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

#[cfg(test)]
mod tests {
    use frontgate_settings::open_as_is;

    use super::*;

    /// Reads settings whose secrets are files with these texts.
    fn oauth(settings: &str, secrets: &[(&str, &str)]) -> Oauth {
        let folder = tempfile::tempdir().expect("a folder");
        let mut text = format!("token_url = \"https://login.example.com/token\"\n{settings}\n");
        for (name, secret) in secrets {
            std::fs::write(folder.path().join(name), secret).expect("a file");
            text += &format!("{name} = {{ file = {name:?} }}\n");
        }
        let mut oauth: Oauth = toml::from_str(&text).expect("settings");
        oauth.secrets_mut().for_each(|(_, secret)| secret.resolve(folder.path(), open_as_is));
        oauth
    }

    fn request(settings: &str, secrets: &[(&str, &str)]) -> (Option<String>, String) {
        let request = token_request(&oauth(settings, secrets), "old refresh").expect("a request");
        let header = request.authorization.map(|value| value.to_str().expect("a text").to_owned());
        (header, request.body.to_string())
    }

    #[test]
    fn a_client_authenticates_by_basic() {
        let settings = "grant = \"client-credentials\"\nclient_id = \"a b\"\nscope = \"x y\"";
        let (header, body) = request(settings, &[("client_secret", "c:d")]);
        // printf 'a%%20b:c%%3Ad' | base64
        assert_eq!(header.as_deref(), Some("Basic YSUyMGI6YyUzQWQ="));
        assert_eq!(body, "grant_type=client_credentials&scope=x+y");
    }

    #[test]
    fn a_client_authenticates_in_the_body() {
        let settings = "grant = \"client-credentials\"\nclient_id = \"a\"\nclient_auth = \"body\"\n\
                        parameters = { audience = \"b\" }";
        let expected = "grant_type=client_credentials&client_id=a&client_secret=c&audience=b";
        assert_eq!(request(settings, &[("client_secret", "c")]), (None, expected.to_owned()));
    }

    #[test]
    fn a_client_without_a_secret_names_itself() {
        let settings = "grant = \"refresh-token\"\nclient_id = \"a\"";
        let expected = "grant_type=refresh_token&refresh_token=old+refresh&client_id=a";
        assert_eq!(request(settings, &[]), (None, expected.to_owned()));
    }

    #[test]
    fn the_lifetime_is_a_number_or_a_text() {
        let table = [
            (r#"{"access_token": "a", "expires_in": 60}"#, 60),
            (r#"{"access_token": "a", "expires_in": 60.5}"#, 60),
            (r#"{"access_token": "a", "expires_in": "60"}"#, 60),
            (r#"{"access_token": "a", "expires_in": 0}"#, 1),
            (r#"{"access_token": "a", "expires_in": -5}"#, 3600),
            (r#"{"access_token": "a", "expires_in": 1e300}"#, 3600),
            (r#"{"access_token": "a"}"#, 3600),
        ];
        for (body, seconds) in table {
            let tokens = answer(StatusCode::OK, body.as_bytes()).map_err(|reason| panic!("{body}: {reason}"));
            assert_eq!(tokens.ok().map(|tokens| tokens.expires_in.as_secs()), Some(seconds), "{body}");
        }
    }

    #[test]
    fn only_known_error_codes_are_passed_on() {
        let reason = |status: u16, body: &str| {
            let status = StatusCode::from_u16(status).expect("a status");
            answer(status, body.as_bytes()).err().expect("an error")
        };
        assert_eq!(reason(400, r#"{"error": "invalid_grant"}"#), "invalid_grant (status 400)");
        assert_eq!(reason(400, r#"{"error": "s3cr3t"}"#), "status 400");
        assert_eq!(reason(302, "moved"), "status 302");
        assert_eq!(reason(200, "{}"), "the answer has no access token");
    }
}
