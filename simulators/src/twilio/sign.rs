//! Computes `X-Twilio-Signature`. Values of a repeated name are deduplicated and sorted, and the name precedes each.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

pub(crate) fn signature(token: &str, url: &str, form: &[(String, String)]) -> String {
    let mut fields = BTreeMap::<&str, BTreeSet<&str>>::new();
    for (name, value) in form {
        fields.entry(name).or_default().insert(value);
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("HMAC accepts any key length");
    mac.update(url.as_bytes());
    for (name, values) in fields {
        for value in values {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
    }
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::signature;

    #[test]
    fn signatures_are_those_of_the_official_libraries() {
        let (token, url) = ("12345", "https://mycompany.com/myapp.php?foo=1&bar=2");
        let address = "MessagingBinding.Address";
        let table: [(&[(&str, &str)], &str); 3] = [
            (&[(address, "+1415xxxxxxx"), (address, "+1325xxxxxxx")], "83O6e2vORAoJHUNzJjDWN1jz+BA="),
            (
                &[
                    ("SidAccount", "AC123"),
                    ("Digits", "5678"),
                    ("Digits", "1234"),
                    ("Digits", "1234"),
                    ("Sid", "CA123"),
                ],
                "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
            ),
            (&[], "zYQTYrRWXE7LtzbG4PfP7/bkkGo="),
        ];
        for (form, expected) in table {
            let form: Vec<_> = form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(signature(token, url, &form), expected);
        }
    }
}
