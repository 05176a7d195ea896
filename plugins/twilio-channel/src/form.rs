//! Reads and writes `application/x-www-form-urlencoded`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Characters that need no escape in a URL or a form.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Fields in the order received; names may repeat.
pub(crate) struct Form(pub(crate) Vec<(String, String)>);

impl Form {
    /// Parses a body. Returns `None` if the body is not a form in UTF-8.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let decode = |part: &str| {
            let spaced = part.replace('+', " ");
            percent_decode_str(&spaced).decode_utf8().ok().map(|text| text.into_owned())
        };
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Some((decode(name)?, decode(value)?))
        };
        text.split('&').filter(|part| !part.is_empty()).map(pair).collect::<Option<_>>().map(Self)
    }

    /// Returns the first field with this name, unless the field is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    }
}

/// Encodes the body of a request, or a query.
pub(crate) fn encode(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", segment(name), segment(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Encodes a path segment.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_fields_are_parsed_back() {
        let fields = [("Body", "a+b = ä & 👋\n"), ("MessagingBinding.Address", "+12025550107"), ("Empty", "")];
        let encoded = encode(&fields);
        assert!(encoded.starts_with("Body=a%2Bb%20%3D%20%C3%A4%20%26%20%F0%9F%91%8B%0A&Messaging"), "{encoded}");
        let form = Form::parse(encoded.as_bytes()).expect("a form");
        assert!(form.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(fields));
        assert_eq!((form.get("Body"), form.get("Empty"), form.get("None")), (Some(fields[0].1), None, None));
    }

    #[test]
    fn a_body_that_is_not_utf8_is_not_a_form() {
        assert_eq!(Form::parse(b"a=1+2&b").expect("a form").0.len(), 2);
        assert!(Form::parse(b"a=%FF").is_none() && Form::parse(b"\xff").is_none());
    }
}
