//! The request of the token endpoint (RFC 6749, sections 4.1.3 and 6).

use super::{Kind, OauthError, Parameters, Token};

/// What the client exchanges for tokens.
pub enum TokenRequest {
    /// The code of a sign-in.
    Code {
        /// The code.
        code: Token,
        /// The address to which the code was sent. Required if the authorization request named it.
        redirect_uri: Option<String>,
        /// The proof of PKCE.
        verifier: Option<String>,
    },
    /// A refresh token.
    Refresh(Token),
}

impl TokenRequest {
    /// Reads the form of an authenticated client.
    ///
    /// # Errors
    ///
    /// Fails if a parameter is missing, the grant is not supported, or the code or token is not one of this gateway.
    pub fn read(form: &Parameters) -> Result<Self, OauthError> {
        let token = |name: &str, kind: Kind, missing, invalid| {
            let text = form.get(name).ok_or(OauthError::InvalidRequest(missing))?;
            let token = Token::read(text).filter(|token| token.kind() == kind);
            token.ok_or(OauthError::InvalidGrant(invalid))
        };
        match form.get("grant_type") {
            Some("authorization_code") => Ok(Self::Code {
                code: token("code", Kind::Code, "code is missing", "code is invalid")?,
                redirect_uri: form.get("redirect_uri").map(str::to_owned),
                verifier: form.get("code_verifier").map(str::to_owned),
            }),
            Some("refresh_token") => {
                let (missing, invalid) = ("refresh_token is missing", "refresh token is invalid");
                Ok(Self::Refresh(token("refresh_token", Kind::Refresh, missing, invalid)?))
            }
            Some(_) => Err(OauthError::UnsupportedGrantType),
            None => Err(OauthError::InvalidRequest("grant_type is missing")),
        }
    }
}
