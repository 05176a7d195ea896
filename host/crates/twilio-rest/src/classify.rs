//! What to make of a call to Twilio that did not simply succeed.

use std::time::Duration;

use super::rest::Failure;

/// Whether a call may be made twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeatable {
    /// The second time changes nothing more: reads, and writes that set what is to be.
    Yes,
    /// The second time may do it twice.
    No,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    /// It has been done already.
    Done,
    /// Try again, for this reason.
    Again {
        /// Not before, if Twilio says so.
        after: Option<Duration>,
        /// Whether every call of this account should wait, not only this one.
        everybody: bool,
        /// For the operator.
        reason: String,
    },
    /// It may have been done: ask before it is tried again.
    Unclear(String),
    /// Trying again is of no use.
    Stop(String),
}

/// What to do about a failure.
pub fn reaction(failure: &Failure, repeatable: Repeatable) -> Reaction {
    let again = |after, everybody| Reaction::Again { after, everybody, reason: reason(failure) };
    match failure {
        Failure::NotSent(_) => again(None, false),
        Failure::NoAnswer(_) if repeatable == Repeatable::Yes => again(None, false),
        Failure::NoAnswer(_) => Reaction::Unclear(reason(failure)),
        Failure::Refused { code: Some(50433), .. } => Reaction::Done,
        // Initializing, and changed by somebody else at the same moment: both pass.
        Failure::Refused { code: Some(50386 | 50391), retry_after, .. } => again(*retry_after, false),
        Failure::Refused { status, code, retry_after } => match (status.as_u16(), code) {
            (429, _) | (_, Some(20429)) => again(*retry_after, true),
            (503, _) if retry_after.is_some() => again(*retry_after, true),
            // The operator can mend credentials and addresses, and then nothing is lost.
            (401 | 403, _) => again(*retry_after, true),
            (300..=399, _) | (404, None) => again(*retry_after, false),
            (408 | 500.., _) if repeatable == Repeatable::Yes => again(*retry_after, false),
            (408 | 500.., _) => Reaction::Unclear(reason(failure)),
            _ => Reaction::Stop(reason(failure)),
        },
    }
}

/// The failure in words that an operator can act on. Never in Twilio's own, which name addresses.
pub fn reason(failure: &Failure) -> String {
    let meaning = match failure {
        Failure::Refused { code: Some(code), .. } => meaning(*code),
        _ => None,
    };
    let meaning = meaning.or_else(|| match failure {
        Failure::Refused { status, .. } => by_status(status.as_u16()),
        _ => None,
    });
    match meaning {
        Some(meaning) => format!("{failure}: {meaning}"),
        None => failure.to_string(),
    }
}

fn meaning(code: u32) -> Option<&'static str> {
    Some(match code {
        20003 => "the credentials are not accepted; see api_key, api_secret, account_sid and auth_tokens",
        20404 => {
            "there is no such conversation or participant: it may have been deleted, or be part of a service \
             (conversations_url = .../v1/Services/IS...)"
        }
        20429 => "too many requests at once",
        50377 => "the conversation is closed",
        50386 => "the conversation is still being made",
        50391 => "somebody else changed it at the same moment",
        50416 => "the customer and this number are in another active conversation; close that one, or hand it over",
        50417 => "the conversation has as many participants as it may",
        50422 => "the conversation has as many participants outside the app as it may",
        50425 | 50427 | 50436 => "a participant of a group conversation cannot be as it was to be",
        50437 => "a participant of this group is in another conversation already",
        50438 => "this group has another conversation already",
        _ => return None,
    })
}

fn by_status(status: u16) -> Option<&'static str> {
    Some(match status {
        401 | 403 => "the credentials are not accepted; see api_key, api_secret, account_sid and auth_tokens",
        404 => "there is no Conversations API here; see conversations_url",
        429 => "too many requests at once",
        300..=399 => "it is somewhere else; see conversations_url",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::StatusCode;

    fn refused(status: u16, code: Option<u32>, seconds: Option<u64>) -> Failure {
        let status = StatusCode::from_u16(status).expect("a status");
        Failure::Refused { status, code, retry_after: seconds.map(Duration::from_secs) }
    }

    #[test]
    fn what_may_have_happened_is_never_simply_repeated() {
        for failure in [
            Failure::NoAnswer("cut".to_owned()),
            refused(500, None, None),
            refused(502, None, None),
            refused(503, None, None),
            refused(504, None, None),
            refused(408, None, None),
        ] {
            assert!(matches!(reaction(&failure, Repeatable::No), Reaction::Unclear(_)), "{failure}");
            assert!(matches!(reaction(&failure, Repeatable::Yes), Reaction::Again { .. }), "{failure}");
        }
    }

    #[test]
    fn what_was_refused_for_now_is_tried_again() {
        let table = [
            (Failure::NotSent("refused".to_owned()), None, false),
            (refused(429, Some(20429), Some(7)), Some(7), true),
            (refused(429, None, None), None, true),
            (refused(503, None, Some(3)), Some(3), true),
            (refused(409, Some(50386), None), None, false),
            (refused(409, Some(50391), None), None, false),
            (refused(401, Some(20003), None), None, true),
            (refused(404, None, None), None, false),
            (refused(307, None, None), None, false),
        ];
        for (failure, seconds, everyone) in table {
            for repeatable in [Repeatable::Yes, Repeatable::No] {
                let Reaction::Again { after, everybody, .. } = reaction(&failure, repeatable) else {
                    panic!("{failure}");
                };
                assert_eq!((after, everybody), (seconds.map(Duration::from_secs), everyone), "{failure}");
            }
        }
    }

    #[test]
    fn what_was_refused_for_good_stops_with_its_meaning() {
        for (failure, words) in [
            (refused(409, Some(50416), None), "another active conversation"),
            (refused(409, Some(50377), None), "closed"),
            (refused(404, Some(20404), None), "no such conversation"),
            (refused(400, Some(99999), None), "400 Bad Request, code 99999"),
        ] {
            let Reaction::Stop(reason) = reaction(&failure, Repeatable::No) else { panic!("{failure}") };
            assert!(reason.contains(words), "{reason}");
        }
        assert_eq!(reaction(&refused(409, Some(50433), None), Repeatable::No), Reaction::Done);
    }
}
