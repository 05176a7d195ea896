//! The body of a callback: `application/x-www-form-urlencoded`, parsed strictly.
//!
//! The signature is computed from the parsed pairs, so that exactly the verified fields are used.

use std::borrow::Cow;

use frontgate_signing::hex;
use percent_encoding::percent_decode;
use sha2::{Digest as _, Sha256};

/// A form: its fields in the order received. A name may be repeated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form<'b> {
    pairs: Vec<(Cow<'b, str>, Cow<'b, str>)>,
}

/// The reason why a body is not a form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A percent sign without two hexadecimal digits, at this offset in bytes.
    #[error("a percent sign without two hexadecimal digits, at byte {0}")]
    Percent(usize),
    /// A field is not UTF-8; Twilio always sends UTF-8.
    #[error("a field is not UTF-8")]
    NotUtf8,
    /// A field without a name. Twilio names every field; without names, a value could be hidden from the decoder.
    #[error("a field without a name")]
    NoName,
    /// More fields than any callback has.
    #[error("more than {0} fields")]
    TooMany(usize),
}

/// Maximum number of fields. Twilio's longest callback has about thirty; a group message repeats a few.
const FIELDS_MAX: usize = 1_000;

/// Number of fields for which a form reserves space.
const FIELDS_USUAL: usize = 16;

impl<'b> Form<'b> {
    /// Parses a body. An empty body has no fields.
    pub fn parse(body: &'b [u8]) -> Result<Self, FormError> {
        let body = std::str::from_utf8(body).map_err(|_| FormError::NotUtf8)?;
        let mut pairs = Vec::with_capacity(FIELDS_USUAL);
        for piece in body.split('&').filter(|piece| !piece.is_empty()) {
            if pairs.len() == FIELDS_MAX {
                return Err(FormError::TooMany(FIELDS_MAX));
            }
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            if name.is_empty() {
                return Err(FormError::NoName);
            }
            pairs.push((decode(name, body)?, decode(value, body)?));
        }
        Ok(Self { pairs })
    }

    /// Creates a form from fields that were parsed before.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Form<'static> {
        Form { pairs: pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }

    /// Returns the SHA-256 of all fields except one, as Twilio signs them: sorted, each pair once, without separators.
    /// All spellings of one signed text have the same digest.
    pub fn digest_without(&self, left_out: &str) -> String {
        let mut sorted: Vec<_> = self.pairs().filter(|(name, _)| *name != left_out).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut hash = Sha256::new();
        sorted.into_iter().flat_map(|(name, value)| [name, value]).for_each(|text| hash.update(text));
        hex(&hash.finalize())
    }

    /// Returns the first value of a field; an empty value is treated as missing.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_ref()).filter(|value| !value.is_empty())
    }

    /// Returns all pairs in the order received.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

fn decode<'b>(text: &'b str, body: &str) -> Result<Cow<'b, str>, FormError> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(Cow::Borrowed(text));
    }
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        if !rest[at + 1..].get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            let offset = rest[at..].as_ptr().addr() - body.as_ptr().addr();
            return Err(FormError::Percent(offset));
        }
        rest = &rest[at + 3..];
    }
    let spaced = text.replace('+', " ");
    let decoded: Vec<u8> = percent_decode(spaced.as_bytes()).collect();
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| FormError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(body: &str) -> Vec<(String, String)> {
        let form = Form::parse(body.as_bytes()).expect("a form");
        form.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn fields_are_decoded_and_keep_their_order() {
        let got = pairs("B=1&a=%2B1+5&B=&empty&&Zo%C3%AB=%26%3D");
        let want = [("B", "1"), ("a", "+1 5"), ("B", ""), ("empty", ""), ("Zoë", "&=")];
        assert_eq!(got, want.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_body_that_is_not_a_form_is_rejected_with_the_reason() {
        let table: [(&[u8], FormError); 7] = [
            (b"a=1&=", FormError::NoName),
            (b"=v", FormError::NoName),
            (b"a=1&b=%4", FormError::Percent(6)),
            (b"%", FormError::Percent(0)),
            (b"a=%zz", FormError::Percent(2)),
            (b"a=%ff", FormError::NotUtf8),
            (b"a=\xff", FormError::NotUtf8),
        ];
        for (body, want) in table {
            assert_eq!(Form::parse(body), Err(want));
        }
        let many = "a&".repeat(FIELDS_MAX + 1);
        assert_eq!(Form::parse(many.as_bytes()), Err(FormError::TooMany(FIELDS_MAX)));
    }

    #[test]
    fn every_spelling_of_a_signed_text_has_one_digest() {
        let digest = |body: &str| Form::parse(body.as_bytes()).expect("a form").digest_without("RetryCount");
        let once = digest("Body=hello&EventType=onX&RetryCount=0");
        for body in [
            "EventType=onX&Body=hello&RetryCount=1",
            "Body=hello&Body=hello&EventType=onX",
            "Bod=yhello&EventType=onX",
            "Bodyhello=&EventType=onX&&",
            "B%6Fdy=hell%6f&EventType=onX",
        ] {
            assert_eq!(digest(body), once, "{body}");
        }
        assert_ne!(digest("Body=hellp&EventType=onX"), once);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_rejected(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Form::parse(&body);
        }

        #[test]
        fn what_a_common_encoder_writes_is_read_back(fields in proptest::collection::vec((".{1,8}", ".{0,20}"), 0..8)) {
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
            prop_assert_eq!(pairs(&body), fields);
        }
    }
}
