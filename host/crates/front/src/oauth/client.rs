//! The client of an authorization server: Front, with the id and secret of the app's settings.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::{OauthError, Parameters};
use crate::settings::oauth::Oauth;

/// A registered client. Has no `Debug`, since it has secrets.
pub struct Client {
    id: String,
    secrets: Vec<Arc<Zeroizing<String>>>,
    redirect_uris: Vec<String>,
}

impl Client {
    /// Creates the client of resolved settings.
    pub fn new(settings: &Oauth) -> Self {
        Self {
            id: settings.client_id.clone(),
            secrets: settings.client_secrets.iter().map(frontgate_settings::Secret::share).collect(),
            redirect_uris: settings.redirect_uris.clone(),
        }
    }

    /// Returns the client's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the registered address that is exactly the one of a request, or the only one if it names none.
    pub fn redirect_uri(&self, asked: Option<&str>) -> Option<&str> {
        match (asked, self.redirect_uris.as_slice()) {
            (Some(asked), all) => all.iter().find(|known| *known == asked).map(String::as_str),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }

    /// Authenticates a request, by Basic authentication or by the form (RFC 6749, section 2.3.1).
    ///
    /// # Errors
    ///
    /// Fails with the same error for a wrong id and a wrong secret, or if the request uses both ways.
    pub fn authenticate(&self, authorization: Option<&str>, form: &Parameters) -> Result<(), OauthError> {
        let is_valid = match (authorization, form.get("client_secret")) {
            (Some(_), Some(_)) => {
                return Err(OauthError::InvalidRequest("more than one way of client authentication"));
            }
            (Some(header), None) => {
                let (id, secret) = basic(header).ok_or(OauthError::InvalidClient)?;
                let named = form.get("client_id").is_none_or(|named| named == self.id);
                named && (self.is(&id, &secret) || self.is(&decoded(&id), &decoded(&secret)))
            }
            (None, Some(secret)) => self.is(form.get("client_id").unwrap_or_default(), secret),
            (None, None) => false,
        };
        is_valid.then_some(()).ok_or(OauthError::InvalidClient)
    }

    /// Compares in constant time, whatever the lengths.
    fn is(&self, id: &str, secret: &str) -> bool {
        let given = Sha256::digest(secret);
        let known = self.secrets.iter().map(|known| Sha256::digest(known.as_bytes()).ct_eq(&given));
        let is_known = known.fold(Choice::from(0), |found, one| found | one);
        (is_known & id.as_bytes().ct_eq(self.id.as_bytes())).into()
    }
}

/// Reads the credentials of Basic authentication.
fn basic(header: &str) -> Option<(Zeroizing<String>, Zeroizing<String>)> {
    let (scheme, encoded) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = Zeroizing::new(String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?);
    let (id, secret) = text.split_once(':')?;
    Some((Zeroizing::new(id.to_owned()), Zeroizing::new(secret.to_owned())))
}

/// Decodes a part of Basic authentication, which clients encode like a form's value, or leave as it is.
fn decoded(text: &str) -> Zeroizing<String> {
    let spaced = text.replace('+', " ");
    Zeroizing::new(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}
