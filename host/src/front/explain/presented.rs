//! A signature as it was presented, in whichever notation.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, prelude::BASE64_STANDARD};

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

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
        let decode = |alphabet| GeneralPurpose::new(alphabet, LENIENT).decode(trimmed).ok();
        let notations = [
            (None, BASE64_STANDARD.decode(text).ok()),
            (Some("in hexadecimal digits"), hex(trimmed)),
            (Some("with white space around it"), BASE64_STANDARD.decode(trimmed).ok()),
            (Some("without its `=`"), decode(&alphabet::STANDARD)),
            (Some("in the alphabet of URLs"), decode(&alphabet::URL_SAFE)),
        ];
        // Hexadecimal digits are letters of base64 as well: the length tells.
        let is_digest = |bytes: &Vec<u8>| matches!(bytes.len(), 20 | 32);
        let read = |(notation, bytes): (_, Option<_>)| Some(Self { bytes: bytes.filter(is_digest)?, notation });
        notations.into_iter().find_map(read)
    }
}

/// The bytes that pairs of hexadecimal digits stand for.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    rest.is_empty().then_some(bytes).flatten()
}
