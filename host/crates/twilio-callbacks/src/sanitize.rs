//! Cuts or drops values that Frontline would reject: long lines, unusable links, numbers that are not E.164.

use std::borrow::Cow;

use frontgate_twilio::number::is_e164;

/// Twilio's own limit on friendly names, in characters; the app shows less.
const LINE_CHARS_MAX: usize = 256;

/// Returns a text as one line of at most 256 characters, without control characters.
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let text = text.char_indices().nth(LINE_CHARS_MAX).map_or(text, |(end, _)| &text[..end]);
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let words = text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
    Cow::Owned(words.collect::<Vec<_>>().join(" "))
}

/// Returns whether a text is short printable ASCII, which is true for nearly every text.
fn is_plain(text: &str) -> bool {
    text.len() <= LINE_CHARS_MAX && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Returns whether a text is an absolute URL of a picture.
pub(super) fn is_avatar_url(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://")) && !url.contains(char::is_whitespace)
}

/// Returns whether the app opens a link.
pub(super) fn link(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("mailto:")) && !url.contains(char::is_whitespace)
}

/// Returns whether a channel's value is valid for its kind.
pub(super) fn channel(kind: &str, value: &str) -> bool {
    match kind {
        "sms" => is_e164(value),
        "whatsapp" => value.strip_prefix("whatsapp:").is_some_and(is_e164),
        "chat" => is_identity(value),
        _ => false,
    }
}

/// Identities that Twilio reserves.
const RESERVED: [&str; 3] = ["private", "system", "unique"];
/// Twilio's limit on identities, in characters.
const IDENTITY_CHARS_MAX: usize = 256;

/// Returns whether Frontline accepts an identity of a chat customer (Twilio's error 48033).
fn is_identity(identity: &str) -> bool {
    let is_user_sid = identity
        .strip_prefix("US")
        .is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    !identity.trim().is_empty()
        && !is_user_sid
        && !RESERVED.contains(&identity)
        && identity.chars().count() <= IDENTITY_CHARS_MAX
}
