//! Our ids as Front knows them: of messages, of conversations, and of the addresses that it calls.
//!
//! Front takes at most 200 characters, and both ids of a message stand in the path of a URL when its
//! delivery is reported as failed.

use std::fmt::Display;

use frontgate_signing::hex;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::digest;

/// What Front takes.
pub const CHARS_MAX: usize = 200;

/// What our own begin with.
pub const MINTED: &str = "fg-";

/// Between what can be read of an id and the digest of the whole.
const MARK: char = '~';

/// All but what RFC 3986 calls unreserved.
const IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Whether an id survives everything between us and Front: letters and digits of ASCII, and
/// `- . _ ~ : @ + = ,`, as they occur in a provider's ids, telephone numbers and addresses.
///
/// A path drops `.` and `..`; all else that is no letter or digit would be escaped by some and
/// unescaped twice by others.
pub fn is_safe(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:@+=,".contains(&byte);
    (1..=CHARS_MAX).contains(&id.len()) && id.bytes().all(plain) && !matches!(id, "." | "..")
}

/// An id of a provider as one that is safe: the same id if it is, and else what is readable of it with
/// a digest of the whole. Always the same for the same id, and never the same for two.
///
/// So that nobody can choose an id that another one becomes, an id that looks as if it were made here
/// becomes another one: making an id twice does not give the same. See [`known_or_safe`].
pub fn safe(id: &str) -> String {
    if is_safe(id) && !is_made(id) {
        return id.to_owned();
    }
    let readable = id.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' });
    let mut made: String = readable.take(CHARS_MAX - 1 - digest::LETTERS).collect();
    made.push(MARK);
    made + &digest::of([id.as_bytes()])
}

/// The same where ids are known already, such as those that Front calls a conversation by: one of
/// them is taken as it is, whatever it looks like.
pub fn known_or_safe(id: &str, known: &[String]) -> String {
    if known.iter().any(|one| one == id) { id.to_owned() } else { safe(id) }
}

fn is_made(id: &str) -> bool {
    let is_digest = |text: &str| text.len() == digest::LETTERS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    id.rsplit_once(MARK).is_some_and(|(_, digest)| is_digest(digest))
}

/// An id that nobody can guess and that no provider has, out of random bytes.
pub fn mint(random: [u8; 16]) -> String {
    format!("{MINTED}{}", hex(&random))
}

/// An id as a segment of a URL's path.
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
    fn ids_that_are_safe_stay() {
        let longest = "a".repeat(CHARS_MAX);
        for id in ["conv-77", "SM0123", "+15550199", "whatsapp:+15550199", "lee@acme.example", "a,b", "...", &longest] {
            assert_eq!(safe(id), id);
        }
    }

    #[test]
    fn ids_that_are_not_become_some_that_are() {
        let long = "a".repeat(CHARS_MAX + 1);
        for id in ["", ".", "..", "a/b", "a%2fb", "a b", "a\nb", "Zoë", "a?b", "a#b", "a\\b", "a&b", &long] {
            assert!(!is_safe(id), "{id}");
            assert!(is_safe(&safe(id)), "{id}: {}", safe(id));
        }
        assert!(safe("a/b").starts_with("a-b~"), "{}", safe("a/b"));
        assert_ne!(safe("a/b"), safe("a b"));
    }

    #[test]
    fn nobody_can_choose_an_id_that_another_becomes() {
        let made = safe("thread of Zoë");
        assert_ne!(safe(&made), made);
        assert_ne!(safe(&made.to_uppercase()), made);
        assert_eq!(known_or_safe(&made, std::slice::from_ref(&made)), made);
        assert_eq!(known_or_safe("a/b", &["a/b".to_owned()]), "a/b");
        assert_eq!(known_or_safe("a/b", &[]), safe("a/b"));
    }

    #[test]
    fn a_minted_id_is_safe_and_says_whose_it_is() {
        assert_eq!(mint([0xa7; 16]), "fg-a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7");
        assert!(is_safe(&mint([0; 16])) && safe(&mint([1; 16])) == mint([1; 16]));
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
