//! Checks that a plugin reports failures of its upstream instead of an empty list.

use frontgate_runtime::CallError;

use super::{Checker, Problem, Verdict};
use crate::mock_server::{Behavior, Fault};

const NOT_JSON: &str = "<html>we will be back soon</html>";

/// Makes a claim for each kind of upstream failure. Does nothing if the plugin sends no requests.
pub(super) async fn check(checker: &Checker<'_>, claim: impl AsyncFn(&Checker<'_>) -> Verdict) {
    if !checker.sends_requests() {
        return;
    }
    let always = |status| Behavior::Always { status, body: NOT_JSON };
    for (behavior, name) in [
        (always(503), "upstream 503 is reported as an error, not as an empty list"),
        (always(500), "upstream 500 is reported as an error, not as an empty list"),
        (always(429), "upstream 429 is reported as an error, not as an empty list"),
        (always(401), "upstream 401 is reported as an error, not as an empty list"),
        (always(200), "an unexpected upstream response is reported as an error, and does not crash"),
        (
            Behavior::Fail(Fault::NotConnected),
            "a refused upstream connection is reported as an error, not as an empty list",
        ),
        (
            Behavior::Fail(Fault::Interrupted),
            "an interrupted upstream response is reported as an error, not as an empty list",
        ),
        (Behavior::Fail(Fault::Timeout), "an upstream timeout is reported as an error before the deadline"),
    ] {
        checker.check_in(behavior, name, &claim).await;
    }
}

/// Checks that a call returned an error: an empty answer would mislead the worker or the index.
pub(super) fn is_error(what: &str, result: Result<(), CallError>) -> Verdict {
    match result {
        Ok(()) => Err(Problem::Failed(format!(
            "{what} succeeded although the upstream failed; return `unavailable` if a retry may help, and `failed` if \
             an operator has to act"
        ))),
        Err(CallError::NotFound) => Err(Problem::Failed(format!(
            "{what} returned `not-found`, which the plugin cannot know; return `unavailable` or `failed`"
        ))),
        Err(_) => Ok(()),
    }
}
