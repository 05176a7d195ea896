//! Verifies `X-Twilio-Signature`.

use std::collections::{BTreeMap, BTreeSet};

use frontgate_sdk::{Result, signatures};

use crate::form::Form;

/// The name of the key in `webhook_keys`: the account's auth token, which stays in the gateway.
const KEY: &str = "twilio";

/// Returns whether the signature is valid for the URL and the form. Twilio is inconsistent about the default port, so
/// the function checks the URL with and without the port.
pub(crate) fn is_valid(signature: &str, url: &str, form: &Form) -> Result<bool> {
    for url in candidates(url) {
        if signatures::hmac_sha1(KEY, signed(&url, form), signature)? {
            return Ok(true);
        }
    }
    Ok(false)
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
    const SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

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

    #[test]
    fn the_gateway_verifies_the_signature() {
        testing::signatures(|check| {
            check.key == KEY && check.message == URL.as_bytes() && check.signature == SIGNATURE
        });
        assert_eq!(is_valid(SIGNATURE, URL, &form(&[])), Ok(true));
        assert_eq!(is_valid(SIGNATURE, &URL.replace(".com", ".com:443"), &form(&[])), Ok(true));
        assert_eq!(is_valid(SIGNATURE, URL, &form(&[("Body", "Hello")])), Ok(false));
        assert_eq!(is_valid("", URL, &form(&[])), Ok(false));
    }
}
