//! The reason of a delivery without the parts that differ between deliveries, so that deliveries that fail for one
//! reason can be counted and retried together.

/// Maximum length of a group, in characters.
const GROUP_CHARS_MAX: usize = 160;

/// Replaces a part that differs.
const PLACE: char = '#';

/// Returns the group of a reason: two reasons that differ only in ids, numbers, addresses or quoted texts have the same
/// group. HTTP statuses stay: 429 and 503 have different causes.
pub(crate) fn reason_group(reason: &str) -> String {
    let mut group = String::new();
    let mut quote = None;
    for word in reason.split_whitespace() {
        // A quoted text may have several words.
        if let Some(mark) = quote {
            quote = (!ends_with(word, mark)).then_some(mark);
            continue;
        }
        let opening =
            word.trim_start_matches(['(', '[']).chars().next().filter(|mark| matches!(mark, '`' | '"' | '\''));
        if let Some(mark) = opening {
            quote = (word.chars().filter(|found| *found == mark).count() < 2).then_some(mark);
        }
        if !group.is_empty() {
            group.push(' ');
        }
        if opening.is_some() || differs(word) {
            group.push(PLACE);
            // The end of a sentence or of a clause is not part of the value.
            group.extend(word.chars().last().filter(|last| matches!(last, ':' | ';' | ',' | '.')));
        } else {
            group.push_str(word);
        }
    }
    group.chars().take(GROUP_CHARS_MAX).collect()
}

fn ends_with(word: &str, mark: char) -> bool {
    word.trim_end_matches(['.', ',', ':', ';', ')', ']']).ends_with(mark)
}

/// Returns whether a word is a number, an id or an address.
fn differs(word: &str) -> bool {
    let bare = word.trim_matches(|other: char| !other.is_alphanumeric() && other != '+');
    let is_status = bare.len() == 3 && bare.starts_with(['4', '5']) && bare.bytes().all(|byte| byte.is_ascii_digit());
    (!is_status && bare.contains(|other: char| other.is_numeric())) || bare.contains('@')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_numbers_and_quoted_texts_have_no_effect() {
        let first = "Twilio answered 503 for CH8d0f12: retry after 30 s, conversation `A b` of +12025550107";
        let second = "Twilio answered 503 for CHffff00: retry after 7 s, conversation `C` of +12025550199";
        assert_eq!(reason_group(first), reason_group(second));
        assert_eq!(reason_group(first), "Twilio answered 503 for #: retry after # s, conversation # of #");
    }

    #[test]
    fn statuses_stay_apart() {
        assert_ne!(reason_group("Front answered 429"), reason_group("Front answered 503"));
    }

    proptest! {
        #[test]
        fn a_group_has_a_bounded_length(reason in ".{0,300}") {
            let group = reason_group(&reason);
            prop_assert!(group.chars().count() <= GROUP_CHARS_MAX);
        }

        #[test]
        fn two_numbers_have_the_same_group(one in 1000_u64.., other in 1000_u64..) {
            let group = |ms: u64| reason_group(&format!("no answer after {ms} ms"));
            prop_assert_eq!(group(one), group(other));
        }

        #[test]
        fn no_phone_number_is_in_a_group(number in "\\+1[0-9]{10}", text in "[a-z ]{0,20}") {
            let group = reason_group(&format!("{text} {number} {text}"));
            prop_assert!(!group.contains(&number[2..]));
        }
    }
}
