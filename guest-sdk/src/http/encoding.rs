//! Percent-encoding for URLs and forms.

/// Encodes a text as one path segment or query value. Escapes all characters except letters, digits and `-._~`, so
/// that an id with a slash stays within its segment.
///
/// ```
/// use frontgate_sdk::http;
///
/// let url = format!("https://crm.example.com/people/{}", http::segment("a/b ä"));
/// assert_eq!(url, "https://crm.example.com/people/a%2Fb%20%C3%A4");
/// ```
pub fn segment(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
            continue;
        }
        encoded.push('%');
        encoded.push(char::from(DIGITS[usize::from(byte >> 4)]));
        encoded.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    encoded
}
