//! Verifies `X-Twilio-Signature`, which the account's auth token or one of Twilio's SharedKeys made.

use std::collections::{BTreeMap, BTreeSet};

use frontgate_sdk::channel::Request;
use frontgate_sdk::{Result, signatures, warn};

use crate::form::Form;

/// The name of the key in `webhook_keys`: the account's auth token, which stays in the gateway.
const KEY: &str = "twilio";

const SIGNATURE: &str = "x-twilio-signature";
/// Header that names a SharedKey: `key=ID,algorithm=HMAC_SHA256`. Not signed.
const SETTINGS: &str = "x-twilio-webhooks-signature-settings";

/// Algorithm of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    HmacSha1,
    HmacSha256,
}

impl Algorithm {
    /// Returns the algorithm with Twilio's name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "HMAC_SHA1" => Some(Self::HmacSha1),
            "HMAC_SHA256" => Some(Self::HmacSha256),
            _ => None,
        }
    }
}

/// Returns whether the request's signature is valid for its URL and the form. A SharedKey signs with the algorithm in
/// the plugin's settings, `shared`: a request cannot choose a weaker one.
///
/// Twilio is inconsistent about the default port, so the function checks the URL with and without the port.
pub(crate) fn is_valid(request: &Request, form: &Form, shared: Algorithm) -> Result<bool> {
    let Some(signature) = request.header(SIGNATURE) else { return Ok(false) };
    let (key, algorithm) = match request.header(SETTINGS).and_then(key_and_algorithm) {
        None => (KEY, Algorithm::HmacSha1),
        Some((id, _)) if !is_shared_key(id) => return Ok(false),
        Some((id, claimed)) if Algorithm::named(claimed) == Some(shared) => (id, shared),
        Some(_) => {
            warn!("a webhook was signed with another algorithm than the setting `shared_key_algorithm`");
            return Ok(false);
        }
    };
    for url in candidates(&request.url) {
        let text = signed(&url, form);
        let is_signed = match algorithm {
            Algorithm::HmacSha1 => signatures::hmac_sha1(key, text, signature)?,
            Algorithm::HmacSha256 => signatures::hmac_sha256(key, text, signature)?,
        };
        if is_signed {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the key id and the algorithm in the header; `None` without an algorithm, as for an auth token.
fn key_and_algorithm(header: &str) -> Option<(&str, &str)> {
    let value = |name| {
        let parts = header.split(',').filter_map(|part| part.trim().split_once('='));
        parts.into_iter().find_map(|(key, value)| (key == name).then_some(value))
    };
    let algorithm = value("algorithm").filter(|value| !value.is_empty())?;
    Some((value("key").unwrap_or_default(), algorithm))
}

/// Returns whether a text can be the id of a SharedKey. Everyone can send such a header.
fn is_shared_key(id: &str) -> bool {
    let name = id.strip_prefix("webhooks_sharedkey_").unwrap_or_default();
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Returns the signed text, in which repeated values of a name occur once each, in order.
fn signed(url: &str, form: &Form) -> String {
    let mut fields = BTreeMap::<&str, BTreeSet<&str>>::new();
    for (name, value) in &form.0 {
        fields.entry(name).or_default().insert(value);
    }
    let pairs = fields.iter().flat_map(|(name, values)| values.iter().flat_map(move |value| [*name, *value]));
    std::iter::once(url).chain(pairs).collect()
}

/// Returns the URL and, if applicable, the variant with or without the scheme's default port.
fn candidates(url: &str) -> Vec<String> {
    let mut urls = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else { return urls };
    let (host, path) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
    let port = if scheme == "http" { ":80" } else { ":443" };
    match host.strip_suffix(port) {
        Some(bare) => urls.push(format!("{scheme}://{bare}{path}")),
        None if !host.trim_end_matches(|letter: char| letter.is_ascii_digit()).ends_with(':') => {
            urls.push(format!("{scheme}://{host}{port}{path}"));
        }
        None => {}
    }
    urls
}

#[cfg(test)]
mod tests {
    use frontgate_sdk::testing;

    use super::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const SHA1: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

    fn form(fields: &[(&str, &str)]) -> Form {
        Form(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn the_signed_text_is_the_url_and_the_sorted_fields() {
        let address = "MessagingBinding.Address";
        let table = [
            (form(&[]), ""),
            (form(&[("To", "+1"), ("Caller", "+2"), ("Digits", "")]), "Caller+2DigitsTo+1"),
            (
                form(&[(address, "+1415xxxxxxx"), (address, "+1325xxxxxxx"), (address, "+1415xxxxxxx")]),
                "MessagingBinding.Address+1325xxxxxxxMessagingBinding.Address+1415xxxxxxx",
            ),
        ];
        for (form, fields) in table {
            assert_eq!(signed(URL, &form), format!("{URL}{fields}"));
        }
    }

    #[test]
    fn the_url_is_tried_with_and_without_the_default_port() {
        let with_port = "https://mycompany.com:443/myapp.php?foo=1&bar=2";
        let table = [
            (URL, vec![URL, with_port]),
            (with_port, vec![with_port, URL]),
            ("http://mycompany.com/", vec!["http://mycompany.com/", "http://mycompany.com:80/"]),
            ("https://mycompany.com:1234/", vec!["https://mycompany.com:1234/"]),
        ];
        for (url, want) in table {
            assert_eq!(candidates(url), want);
        }
    }

    fn request(url: &str, headers: &[(&str, &str)]) -> Request {
        headers.iter().fold(Request::post(url, ""), |request, (name, value)| request.with(name, *value))
    }

    #[test]
    fn the_gateway_verifies_the_signature() {
        testing::signatures(|check| check.key == KEY && check.message == URL.as_bytes() && check.signature == SHA1);
        let check = |url: &str, form: &Form, signature: &str| {
            is_valid(&request(url, &[(SIGNATURE, signature)]), form, Algorithm::HmacSha256)
        };
        assert_eq!(check(URL, &form(&[]), SHA1), Ok(true));
        assert_eq!(check(&URL.replace(".com", ".com:443"), &form(&[]), SHA1), Ok(true));
        assert_eq!(check(URL, &form(&[("Body", "Hello")]), SHA1), Ok(false));
        assert_eq!(check(URL, &form(&[]), ""), Ok(false));
        assert_eq!(is_valid(&request(URL, &[]), &form(&[]), Algorithm::HmacSha256), Ok(false));
    }

    #[test]
    fn a_shared_key_signs_with_the_configured_algorithm_only() {
        testing::signatures(|check| check.key == "webhooks_sharedkey_1" && check.signature == "s");
        let check = |settings: &str, shared| {
            is_valid(&request(URL, &[(SIGNATURE, "s"), (SETTINGS, settings)]), &form(&[]), shared)
        };
        let settings = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256";
        assert_eq!(check(settings, Algorithm::HmacSha256), Ok(true));
        assert_eq!(check(settings, Algorithm::HmacSha1), Ok(false));
        let sha1 = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA1";
        assert_eq!(check(sha1, Algorithm::HmacSha1), Ok(true));
        assert_eq!(check(sha1, Algorithm::HmacSha256), Ok(false));
        assert_eq!(check("key=webhooks_sharedkey_1,algorithm=NONE", Algorithm::HmacSha256), Ok(false));
        assert_eq!(check("key=webhooks_sharedkey_2,algorithm=HMAC_SHA256", Algorithm::HmacSha256), Ok(false));
        assert_eq!(check("key=twilio,algorithm=HMAC_SHA256", Algorithm::HmacSha256), Ok(false));
        // Without an algorithm, the auth token signed.
        assert_eq!(check("key=webhooks_sharedkey_1", Algorithm::HmacSha256), Ok(false));
    }
}
