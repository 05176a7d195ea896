//! The authorization request, which a browser sends (RFC 6749, section 4.1.1).

use url::Url;

use super::{Challenge, Client, OauthError, Parameters};

/// Methods of a challenge.
const S256: &str = "S256";

/// A valid request to sign in and to return with a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// One of the client's addresses.
    pub redirect_uri: String,
    /// Whether the request named the address. The token request has to name it then (RFC 6749, section 4.1.3).
    pub is_redirect_uri_named: bool,
    /// Returned as it is.
    pub state: Option<String>,
    /// The challenge, if the client uses PKCE.
    pub challenge: Option<Challenge>,
}

/// Why a request cannot be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invalid {
    /// The person must not be sent to the address of the request. The text is for the page.
    Page(&'static str),
    /// The client reads the error at this URL.
    Redirect {
        /// The URL.
        url: String,
        /// The error.
        error: OauthError,
    },
}

impl AuthorizationRequest {
    /// Reads the query of a request for a client.
    ///
    /// # Errors
    ///
    /// Fails if the request is not one of this client, or not one that this server supports.
    pub fn read(query: &str, client: &Client) -> Result<Self, Invalid> {
        let parameters = Parameters::read(query.as_bytes())
            .map_err(|_| Invalid::Page("A part of the address is repeated or too long."))?;
        if parameters.get("client_id") != Some(client.id()) {
            return Err(Invalid::Page("The address names an unknown client."));
        }
        let asked = parameters.get("redirect_uri");
        let redirect_uri = client
            .redirect_uri(asked)
            .ok_or(Invalid::Page("The address names a return address that is not registered."))?;
        let state = parameters.get("state").map(str::to_owned);
        Self::supported(&parameters, redirect_uri, state.clone()).map_err(|error| Invalid::Redirect {
            url: redirect(redirect_uri, error_pairs(error), state.as_deref()),
            error,
        })
    }

    fn supported(parameters: &Parameters, redirect_uri: &str, state: Option<String>) -> Result<Self, OauthError> {
        match parameters.get("response_type") {
            Some("code") => {}
            Some(_) => return Err(OauthError::UnsupportedResponseType),
            None => return Err(OauthError::InvalidRequest("response_type is missing")),
        }
        if parameters.get("response_mode").is_some_and(|mode| mode != "query") {
            return Err(OauthError::InvalidRequest("response_mode is not supported"));
        }
        let challenge = match (parameters.get("code_challenge"), parameters.get("code_challenge_method")) {
            (None, None) => None,
            (Some(text), Some(S256)) => {
                let challenge = Challenge::read(text);
                Some(challenge.ok_or(OauthError::InvalidRequest("code_challenge is malformed"))?)
            }
            (Some(_), _) => return Err(OauthError::InvalidRequest("code_challenge_method must be S256")),
            (None, Some(_)) => return Err(OauthError::InvalidRequest("code_challenge is missing")),
        };
        if state.is_none() && challenge.is_none() {
            // Without either, the client cannot know whether its own person returns.
            return Err(OauthError::InvalidRequest("state is missing"));
        }
        let is_redirect_uri_named = parameters.get("redirect_uri").is_some();
        Ok(Self { redirect_uri: redirect_uri.to_owned(), is_redirect_uri_named, state, challenge })
    }

    /// Returns the URL at which the client gets a code.
    pub fn granted(&self, code: &str) -> String {
        redirect(&self.redirect_uri, [("code", code), ("", "")], self.state.as_deref())
    }

    /// Returns the URL at which the client learns that the person or the plugin refused.
    pub fn refused(&self, error: OauthError) -> String {
        redirect(&self.redirect_uri, error_pairs(error), self.state.as_deref())
    }
}

/// Adds parameters and the client's state to an address, whose own query stays.
pub fn redirect<'p>(
    redirect_uri: &str,
    parameters: impl IntoIterator<Item = (&'p str, impl AsRef<str>)>,
    state: Option<&str>,
) -> String {
    // The configuration contains only URLs.
    let Ok(mut url) = Url::parse(redirect_uri) else { return redirect_uri.to_owned() };
    {
        let mut query = url.query_pairs_mut();
        for (name, value) in parameters {
            if !name.is_empty() {
                query.append_pair(name, value.as_ref());
            }
        }
        if let Some(state) = state {
            query.append_pair("state", state);
        }
    }
    url.into()
}

fn error_pairs(error: OauthError) -> [(&'static str, String); 2] {
    [("error", error.code().to_owned()), ("error_description", error.to_string())]
}
