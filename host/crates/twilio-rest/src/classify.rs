//! Classifies failed calls to Twilio: retry, give up, or uncertain.

use std::time::Duration;

use crate::conversations_api::ApiError;

/// Twilio's code for a change that the pre-event webhook rejected.
const WEBHOOK_REJECTED: u32 = 50056;

/// Twilio's codes from here on are about one conversation, message or participant. Smaller ones are about the account.
const CONVERSATIONS_CODES: u32 = 50_000;

/// Repeatability of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeatable {
    /// A repeated call changes nothing: a read, or a write that sets a value.
    Yes,
    /// A repeated call may have its effect twice.
    No,
}

/// The class of a failure, which decides what happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureClass {
    /// The intended effect already exists.
    AlreadyDone,
    /// The call had no effect, or is repeatable: retry.
    Retry {
        /// `Retry-After`, if Twilio sent it.
        after: Option<Duration>,
        /// Whether all calls of the account must wait, not only this one.
        account_wide: bool,
        /// Description for the operator.
        reason: String,
    },
    /// The effect may exist: check before a retry.
    Uncertain(String),
    /// A retry cannot succeed.
    Permanent(String),
}

/// Classifies a failure.
pub fn classify(failure: &ApiError, repeatable: Repeatable) -> FailureClass {
    let retry = |after, account_wide| FailureClass::Retry { after, account_wide, reason: describe(failure) };
    match failure {
        ApiError::NotSent(_) => retry(None, false),
        ApiError::NoResponse(_) if repeatable == Repeatable::Yes => retry(None, false),
        ApiError::NoResponse(_) => FailureClass::Uncertain(describe(failure)),
        ApiError::Rejected { code: Some(50433), .. } => FailureClass::AlreadyDone,
        // The object is still being created, or was changed concurrently: both are temporary.
        ApiError::Rejected { code: Some(50386 | 50391 | 50514), retry_after, .. } => retry(*retry_after, false),
        ApiError::Rejected { status, code, retry_after } => match (status.as_u16(), code) {
            (429, _) | (_, Some(20429)) => retry(*retry_after, true),
            (503, _) if retry_after.is_some() => retry(*retry_after, true),
            // Twilio knows the caller, and refuses this change, such as `WEBHOOK_REJECTED`.
            (403, Some(CONVERSATIONS_CODES..)) => FailureClass::Permanent(describe(failure)),
            // An operator can correct credentials and addresses, so the call is retried.
            (401 | 403, _) => retry(*retry_after, true),
            // Without a code, the answer is not from Twilio, or its body was damaged, and may say `AlreadyDone`.
            (300..=399, _) | (404 | 409, None) => retry(*retry_after, false),
            (408 | 500.., _) if repeatable == Repeatable::Yes => retry(*retry_after, false),
            (408 | 500.., _) => FailureClass::Uncertain(describe(failure)),
            _ => FailureClass::Permanent(describe(failure)),
        },
    }
}

/// Describes a failure for operators. Twilio's own text is never included, since it names addresses.
pub fn describe(failure: &ApiError) -> String {
    let meaning = match failure {
        ApiError::Rejected { code: Some(code), .. } => meaning(*code),
        _ => None,
    };
    let meaning = meaning.or_else(|| match failure {
        ApiError::Rejected { code: Some(CONVERSATIONS_CODES..), .. } => None,
        ApiError::Rejected { status, .. } => by_status(status.as_u16()),
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
            "no such conversation or participant: it may have been deleted, or belong to a service \
             (conversations_url = .../v1/Services/IS...)"
        }
        20429 => "too many requests at once",
        WEBHOOK_REJECTED => "a pre-event webhook rejected the change",
        50377 => "the conversation is closed",
        50386 => "the conversation is still being created",
        50391 => "another client changed the conversation at the same time",
        50416 => "the customer and this number are in another active conversation; close that one, or hand it over",
        50417 => "the conversation has the maximum number of participants",
        50422 => "the conversation has the maximum number of participants outside the app",
        50424 | 50425 | 50426 | 50427 | 50436 => "invalid participant of a group conversation",
        50434 => "a participant of a group conversation has no projected address; see numbers",
        50437 => "a participant of this group is in another conversation already",
        50438 => "this group has another conversation already",
        50452 => "group messages are not enabled for the account",
        50514 => "another client changed the message at the same time",
        _ => return None,
    })
}

fn by_status(status: u16) -> Option<&'static str> {
    Some(match status {
        401 | 403 => "the credentials are not accepted; see api_key, api_secret, account_sid and auth_tokens",
        404 => "no Conversations API at this URL; see conversations_url",
        429 => "too many requests at once",
        300..=399 => "redirected; see conversations_url",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::StatusCode;

    fn refused(status: u16, code: Option<u32>, seconds: Option<u64>) -> ApiError {
        let status = StatusCode::from_u16(status).expect("a status");
        ApiError::Rejected { status, code, retry_after: seconds.map(Duration::from_secs) }
    }

    #[test]
    fn a_call_that_may_have_had_its_effect_is_uncertain_unless_repeatable() {
        for failure in [
            ApiError::NoResponse("cut".to_owned()),
            refused(500, None, None),
            refused(502, None, None),
            refused(503, None, None),
            refused(504, None, None),
            refused(408, None, None),
        ] {
            assert!(matches!(classify(&failure, Repeatable::No), FailureClass::Uncertain(_)), "{failure}");
            assert!(matches!(classify(&failure, Repeatable::Yes), FailureClass::Retry { .. }), "{failure}");
        }
    }

    #[test]
    fn a_temporary_failure_is_retried() {
        let table = [
            (ApiError::NotSent("refused".to_owned()), None, false),
            (refused(429, Some(20429), Some(7)), Some(7), true),
            (refused(429, None, None), None, true),
            (refused(503, None, Some(3)), Some(3), true),
            (refused(409, Some(50386), None), None, false),
            (refused(409, Some(50391), None), None, false),
            (refused(409, Some(50514), None), None, false),
            (refused(401, Some(20003), None), None, true),
            (refused(403, Some(20003), None), None, true),
            (refused(403, None, None), None, true),
            (refused(404, None, None), None, false),
            (refused(409, None, None), None, false),
            (refused(307, None, None), None, false),
        ];
        for (failure, seconds, for_account) in table {
            for repeatable in [Repeatable::Yes, Repeatable::No] {
                let FailureClass::Retry { after, account_wide, .. } = classify(&failure, repeatable) else {
                    panic!("{failure}");
                };
                assert_eq!((after, account_wide), (seconds.map(Duration::from_secs), for_account), "{failure}");
            }
        }
    }

    #[test]
    fn a_permanent_failure_is_described() {
        for (failure, words) in [
            (refused(409, Some(50416), None), "another active conversation"),
            (refused(409, Some(50377), None), "closed"),
            (refused(403, Some(50056), None), "webhook rejected"),
            (refused(403, Some(50407), None), "403 Forbidden, code 50407"),
            (refused(400, Some(50424), None), "invalid participant of a group"),
            (refused(400, Some(50426), None), "invalid participant of a group"),
            (refused(400, Some(50434), None), "no projected address"),
            (refused(400, Some(50452), None), "not enabled for the account"),
            (refused(404, Some(20404), None), "no such conversation"),
            (refused(400, Some(99999), None), "400 Bad Request, code 99999"),
        ] {
            let FailureClass::Permanent(reason) = classify(&failure, Repeatable::No) else { panic!("{failure}") };
            assert!(reason.contains(words), "{reason}");
        }
        assert_eq!(classify(&refused(409, Some(50433), None), Repeatable::No), FailureClass::AlreadyDone);
    }
}
