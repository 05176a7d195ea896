//! `oauth` of a bound secret: how the gateway gets the access token for `{token}`.

use std::collections::BTreeMap;
use std::time::Duration;

use frontgate_settings::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// Name of the access token in the value of a bound secret.
pub const TOKEN: &str = "token";

/// Lifetime of a signed assertion (RFC 7523). Authorization servers reject assertions of more than some minutes.
pub(crate) const ASSERTION_LIFETIME: Duration = Duration::from_secs(180);

/// OAuth 2: how the gateway gets and renews the access token for `{token}` in `value`. The plugin never sees the token.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Oauth {
    /// Grant type: `client-credentials`, `refresh-token` or `jwt-bearer`.
    pub grant: Grant,
    /// URL of the authorization server's token endpoint. It needs no `outbound`, so the plugin cannot call it.
    pub token_url: String,
    /// Id of the client. Optional for `jwt-bearer`.
    #[serde(default)]
    pub client_id: String,
    /// Secret of the client. Optional for `refresh-token` and `jwt-bearer`.
    pub client_secret: Option<Secret>,
    /// Whether id and secret of the client are sent by HTTP Basic or in the body.
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// Requested scope, such as `contacts.read users.read`.
    #[serde(default)]
    pub scope: String,
    /// First refresh token, for `refresh-token`. The gateway stores the ones that replace it. A changed one is used instead.
    pub refresh_token: Option<Secret>,
    /// Private key in PEM, RSA or P-256, that signs the assertions of `jwt-bearer`.
    pub private_key: Option<Secret>,
    /// Id of the private key (`kid`), if the authorization server asks for it.
    #[serde(default)]
    pub key_id: String,
    /// Issuer of the assertions (`iss`). Default: `client_id`.
    #[serde(default)]
    pub issuer: String,
    /// Subject of the assertions (`sub`), such as a user. Default: the issuer.
    #[serde(default)]
    pub subject: String,
    /// Audience of the assertions (`aud`). Default: `token_url`.
    #[serde(default)]
    pub audience: String,
    /// Further claims of the assertions, such as `scope` for Google.
    #[serde(default)]
    pub claims: BTreeMap<String, String>,
    /// Further fields of the token request, such as `audience` for Auth0.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

/// Grant type of an access token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Grant {
    /// The client's own credentials (RFC 6749, section 4.4).
    #[default]
    ClientCredentials,
    /// A refresh token that the operator got once (RFC 6749, section 6).
    RefreshToken,
    /// An assertion that the gateway signs (RFC 7523).
    JwtBearer,
}

/// How a client authenticates at the token endpoint (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuth {
    /// HTTP Basic, which every authorization server must support.
    #[default]
    Basic,
    /// Fields `client_id` and `client_secret` of the body.
    Body,
}

impl Oauth {
    /// Returns the URL of the token endpoint.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with it.
    pub fn url(&self) -> Result<Url, &'static str> {
        let url = Url::parse(&self.token_url).map_err(|_| "is not a URL")?;
        if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
            return Err("is neither an https nor an http URL");
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err("has a user, a password or a fragment");
        }
        Ok(url)
    }

    /// Returns each secret with its key.
    pub fn secrets_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut Secret)> {
        let all = [
            ("client_secret", &mut self.client_secret),
            ("refresh_token", &mut self.refresh_token),
            ("private_key", &mut self.private_key),
        ];
        all.into_iter().filter_map(|(key, secret)| Some((key, secret.as_mut()?)))
    }

    /// Returns the secrets that a response must not contain. The private key is never sent anywhere.
    pub(crate) fn confidential(&self) -> impl Iterator<Item = &str> {
        [&self.client_secret, &self.refresh_token].into_iter().flatten().map(Secret::expose)
    }
}
