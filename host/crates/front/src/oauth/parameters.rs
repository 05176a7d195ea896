//! Parameters of a query or a form. None may be repeated, and an empty one is treated as missing (RFC 6749, section 3).

use std::collections::BTreeMap;

use url::form_urlencoded;
use zeroize::Zeroize as _;

use super::OauthError;

/// Longest value of a parameter, in bytes.
const VALUE_BYTES_MAX: usize = 4 << 10;
/// Most parameters of a request.
const COUNT_MAX: usize = 64;

/// The parameters of one request. Values are erased when they are dropped.
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads a query or the body of a form.
    ///
    /// # Errors
    ///
    /// Fails if a parameter is repeated or too long, or there are too many.
    pub fn read(encoded: &[u8]) -> Result<Self, OauthError> {
        let mut all = Self(BTreeMap::new());
        for (name, value) in form_urlencoded::parse(encoded) {
            if value.len() > VALUE_BYTES_MAX || name.len() > VALUE_BYTES_MAX || all.0.len() >= COUNT_MAX {
                return Err(OauthError::InvalidRequest("a parameter is too long, or there are too many"));
            }
            if all.0.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(OauthError::InvalidRequest("a parameter is repeated"));
            }
        }
        Ok(all)
    }

    /// Returns a parameter that is present and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns all names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl Drop for Parameters {
    fn drop(&mut self) {
        self.0.values_mut().for_each(|value| value.zeroize());
    }
}
