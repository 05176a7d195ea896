//! The gateway's ids of messages, conversations and addresses, in the form that Front accepts.
//!
//! Front accepts at most 200 characters, and both ids of a message are part of a URL path when its delivery is reported
//! as failed.

use std::fmt::Display;

use frontgate_signing::hex;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::digest;

/// Maximum number of characters of an id.
pub(crate) const CHARS_MAX: usize = 200;

/// Prefix of generated ids.
pub const GENERATED: &str = "fg-";

/// Separator between the readable part of an id and the digest of the whole id.
const MARK: char = '~';

/// All characters except the unreserved ones of RFC 3986.
const IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns whether an id reaches Front and returns unchanged: only ASCII letters, digits, and `- . _ ~ : @ + = ,`,
/// which occur in ids of providers, phone numbers and addresses.
///
/// `.` and `..` are dropped from URL paths; some servers escape other characters, and some unescape them twice.
pub fn is_safe(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:@+=,".contains(&byte);
    (1..=CHARS_MAX).contains(&id.len()) && id.bytes().all(plain) && !matches!(id, "." | "..")
}

/// Makes a provider's id safe. A safe id is returned unchanged, any other id as its readable part with a digest of the
/// whole id. The result is deterministic and collision-free.
///
/// An id that looks like a result is converted again, so that no provider can choose the result of another id.
/// Therefore `safe` is not idempotent; see [`known_or_safe`].
pub fn safe(id: &str) -> String {
    if is_safe(id) && !is_derived(id) {
        return id.to_owned();
    }
    let readable = id.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' });
    let mut made: String = readable.take(CHARS_MAX - 1 - digest::DIGITS).collect();
    made.push(MARK);
    made + &digest::of([id.as_bytes()])
}

/// Makes an id safe like [`safe`], but returns a known id unchanged. Front knows a conversation by such an id, for
/// example.
pub fn known_or_safe(id: &str, known: &[String]) -> String {
    if known.iter().any(|one| one == id) { id.to_owned() } else { safe(id) }
}

fn is_derived(id: &str) -> bool {
    let is_digest = |text: &str| text.len() == digest::DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    id.rsplit_once(MARK).is_some_and(|(_, digest)| is_digest(digest))
}

/// Makes an id from random bytes. The id cannot be guessed, and no provider uses it.
pub fn generate(random: [u8; 16]) -> String {
    format!("{GENERATED}{}", hex(&random))
}

/// Returns whether a text is Front's id of a teammate, or a resource alias of one, such as `alt:email:ana@example.com`.
pub fn is_teammate(id: &str) -> bool {
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let alias = |rest: &str| {
        rest.split_once(':').is_some_and(|(kind, value)| plain(kind) && !value.trim().is_empty() && is_line(value))
    };
    id.len() <= CHARS_MAX && (id.strip_prefix("tea_").is_some_and(plain) || id.strip_prefix("alt:").is_some_and(alias))
}

fn is_line(text: &str) -> bool {
    text.chars().all(|letter| !letter.is_control() && !letter.is_whitespace())
}

/// Escapes an id as a segment of a URL's path.
pub fn segment(id: &str) -> impl Display {
    utf8_percent_encode(id, IN_PATHS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;
    use url::Url;

    #[test]
    fn safe_ids_stay() {
        let longest = "a".repeat(CHARS_MAX);
        for id in ["conv-77", "SM0123", "+15550199", "whatsapp:+15550199", "lee@acme.example", "a,b", "...", &longest] {
            assert_eq!(safe(id), id);
        }
    }

    #[test]
    fn unsafe_ids_become_safe() {
        let long = "a".repeat(CHARS_MAX + 1);
        for id in ["", ".", "..", "a/b", "a%2fb", "a b", "a\nb", "Zoë", "a?b", "a#b", "a\\b", "a&b", &long] {
            assert!(!is_safe(id), "{id}");
            assert!(is_safe(&safe(id)), "{id}: {}", safe(id));
        }
        assert!(safe("a/b").starts_with("a-b~"), "{}", safe("a/b"));
        assert_ne!(safe("a/b"), safe("a b"));
    }

    #[test]
    fn no_id_can_be_chosen_that_another_becomes() {
        let made = safe("thread of Zoë");
        assert_ne!(safe(&made), made);
        assert_ne!(safe(&made.to_uppercase()), made);
        assert_eq!(known_or_safe(&made, std::slice::from_ref(&made)), made);
        assert_eq!(known_or_safe("a/b", &["a/b".to_owned()]), "a/b");
        assert_eq!(known_or_safe("a/b", &[]), safe("a/b"));
    }

    #[test]
    fn only_ids_and_aliases_of_teammates_are_accepted() {
        for id in ["tea_6r55a", "alt:email:ana@acme.example", "alt:uid:7"] {
            assert!(is_teammate(id), "{id}");
        }
        let long = format!("tea_{}", "a".repeat(CHARS_MAX));
        for id in ["", "tea_", "tea_1 2", "ana@acme.example", "msg_1", "alt:", "alt:email:", "alt:email:a b", &long] {
            assert!(!is_teammate(id), "{id}");
        }
    }

    #[test]
    fn a_generated_id_is_safe_and_has_our_prefix() {
        assert_eq!(generate([0xa7; 16]), "fg-a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7");
        assert!(is_safe(&generate([0; 16])) && safe(&generate([1; 16])) == generate([1; 16]));
    }

    proptest! {
        #[test]
        fn two_ids_never_become_one(one in "\\PC{0,6}|[ab/%. ~]{0,4}", other in "\\PC{0,6}|[ab/%. ~]{0,4}") {
            prop_assert!(is_safe(&safe(&one)));
            prop_assert_eq!(one == other, safe(&one) == safe(&other));
            prop_assert_ne!(safe(&safe(&one)) == safe(&other) && safe(&one) != one, true);
        }

        #[test]
        fn an_id_survives_the_path_of_a_url(id in "\\PC{0,30}|[-._~:@+=,a-c]{1,8}") {
            let id = safe(&id);
            let url = Url::parse(&format!("https://h.example/a/{}/status", segment(&id))).expect("a URL");
            let segments: Vec<_> = url.path_segments().expect("a path").collect();
            prop_assert_eq!(segments.len(), 3);
            prop_assert_eq!(percent_decode_str(segments[1]).decode_utf8().expect("text"), id);
        }
    }
}
