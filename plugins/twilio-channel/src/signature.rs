//! `X-Twilio-Signature`: whether Twilio wrote a request.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use subtle::{Choice, ConstantTimeEq as _};

use crate::form::Form;

/// Whether the signature is one of these tokens over the URL and the form. Twilio is not consistent about the
/// port that a scheme stands for, so the URL counts with it and without it.
pub(crate) fn is_valid(signature: &str, tokens: &[String], url: &str, form: &Form) -> bool {
    let urls = candidates(url);
    let pairs = tokens.iter().flat_map(|token| urls.iter().map(move |url| (token, url)));
    let matching = |found: Choice, (token, url): (&String, &String)| {
        found | sign(token, url, form).as_bytes().ct_eq(signature.as_bytes())
    };
    pairs.fold(Choice::from(0), matching).into()
}

/// Values of a name that occurs more than once are signed once each, in their order.
fn sign(token: &str, url: &str, form: &Form) -> String {
    let mut fields = BTreeMap::<&str, BTreeSet<&str>>::new();
    for (name, value) in &form.0 {
        fields.entry(name).or_default().insert(value);
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("a key of any length");
    mac.update(url.as_bytes());
    for (name, values) in fields {
        for value in values {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
    }
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

/// The URL as it is, and the one with or without the port of its scheme.
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
    use super::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";

    fn form(fields: &[(&str, &str)]) -> Form {
        Form(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn call() -> Form {
        let caller = "+14158675309";
        form(&[
            ("To", "+18005551212"),
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", caller),
            ("Digits", "1234"),
            ("From", caller),
        ])
    }

    #[test]
    fn signatures_of_the_official_libraries_are_valid() {
        let (tokens, address) = (["other".to_owned(), "12345".to_owned()], "MessagingBinding.Address");
        let with_port = URL.replace(".com", ".com:443");
        let table = [
            (URL, call(), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            (URL, call(), "kvajT1Ptam85bY51eRf/AJRuM3w="),
            (&with_port, call(), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            ("http://mycompany.com/myapp.php?foo=1&bar=2", call(), "0ZXoZLH/DfblKGATFgpif+LLRf4="),
            ("http://mycompany.com:1234/myapp.php?foo=1&bar=2", call(), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
            (URL, form(&[(address, "+1415xxxxxxx"), (address, "+1325xxxxxxx")]), "83O6e2vORAoJHUNzJjDWN1jz+BA="),
            (URL, form(&[]), "zYQTYrRWXE7LtzbG4PfP7/bkkGo="),
        ];
        for (url, form, signature) in table {
            assert!(is_valid(signature, &tokens, url, &form), "{url} {signature}");
            assert!(!is_valid(signature, &tokens[..1], url, &form), "{url} {signature}");
        }
    }

    #[test]
    fn any_other_signature_is_not() {
        let tokens = ["12345".to_owned()];
        for signature in ["", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "NOTRSOYDt4T1cUTdK1PDd93/VVr8B8=", "ä"] {
            assert!(!is_valid(signature, &tokens, URL, &call()), "{signature}");
        }
        let other = "https://mycompany.com/myapp.php?foo=1&bar=3";
        assert!(!is_valid("RSOYDt4T1cUTdK1PDd93/VVr8B8=", &tokens, other, &call()));
    }
}
