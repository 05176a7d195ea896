//! Customers' addresses in Twilio's notation: `+12025550107`, `whatsapp:+12025550107`.

/// Returns the address without the `whatsapp:` prefix.
///
/// ```
/// use frontgate_sdk::address;
///
/// assert_eq!(address::number("whatsapp:+12025550107"), "+12025550107");
/// assert_eq!(address::number("+12025550107"), "+12025550107");
/// ```
pub fn number(address: &str) -> &str {
    address.strip_prefix("whatsapp:").unwrap_or(address)
}

/// Returns whether a number is in E.164: a plus and seven to fifteen digits, the first of which is not zero.
///
/// ```
/// use frontgate_sdk::address;
///
/// assert!(address::is_e164("+12025550107"));
/// for other in ["12025550107", "+1 202 555 0107", "+0202555010", "+123456", "whatsapp:+12025550107"] {
///     assert!(!address::is_e164(other), "{other}");
/// }
/// ```
pub fn is_e164(number: &str) -> bool {
    is_calling_code(number) && (8..=16).contains(&number.len())
}

/// Returns whether a text is a valid prefix of a number: a plus and digits, the first of which is not zero.
///
/// ```
/// use frontgate_sdk::address;
///
/// assert!(address::is_calling_code("+44") && !address::is_calling_code("44") && !address::is_calling_code("+"));
/// ```
pub fn is_calling_code(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    !digits.is_empty() && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}
