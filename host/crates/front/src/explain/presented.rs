//! A signature as it was presented, in whichever notation.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use frontgate_signing::{STANDARD, URL_SAFE, from_hex};

/// What a signature says.
pub(super) struct Presented {
    pub(super) bytes: Vec<u8>,
    /// What is unusual about its notation.
    pub(super) notation: Option<&'static str>,
}

impl Presented {
    /// Reads a signature; none if it is in no notation that anybody uses.
    pub(super) fn read(text: &str) -> Option<Self> {
        let trimmed = text.trim();
        let notations = [
            (None, BASE64_STANDARD.decode(text).ok()),
            (Some("in hexadecimal digits"), from_hex(trimmed)),
            (Some("with white space around it"), BASE64_STANDARD.decode(trimmed).ok()),
            (Some("without its `=`"), STANDARD.decode(trimmed).ok()),
            (Some("in the alphabet of URLs"), URL_SAFE.decode(trimmed).ok()),
        ];
        // Hexadecimal digits are letters of base64 as well: the length tells.
        let is_digest = |bytes: &Vec<u8>| matches!(bytes.len(), 20 | 32);
        let read = |(notation, bytes): (_, Option<_>)| Some(Self { bytes: bytes.filter(is_digest)?, notation });
        notations.into_iter().find_map(read)
    }
}
