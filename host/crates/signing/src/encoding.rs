//! Text encodings of bytes: hexadecimal and base64.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

/// Base64 options: padding is optional when decoding, since some providers omit it.
const PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// Standard base64. Padding is optional when decoding.
pub const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDING);

/// URL-safe base64. Padding is optional when decoding.
pub const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDING);

/// Encodes bytes in lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// Decodes hexadecimal digits of either case. Returns `None` for any other text.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()
}
