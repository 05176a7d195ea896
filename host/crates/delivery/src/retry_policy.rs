//! Retry policy: maps the outcome of an attempt to the next state of the delivery.

use std::time::Duration;

use super::job::{Delivery, Kind, Outcome, State, Transition};

/// Plugin crashes after which a delivery fails. Until then, later deliveries of its conversation wait.
pub(super) const CRASHES_MAX: u32 = 5;

/// Longest pause of a delivery that waits for something to arrive.
const WAIT_LONGEST: Duration = Duration::from_secs(15);

/// Texts that the author of a message reads in Front.
const UNKNOWN_NOTICE: &str = "Delivery unconfirmed: the message may or may not have been delivered.";
const CRASHED_NOTICE: &str = "Delivery failed: the channel's plugin crashes on this message.";
const GIVEN_UP_NOTICE: &str = "Delivery failed: gave up after repeated attempts.";

/// Returns the next state of a delivery, within the operator's limits.
pub(super) fn transition(limits: &crate::Settings, delivery: &Delivery, outcome: Outcome) -> Transition {
    let given_up = delivery.age() >= Duration::from_millis(limits.give_up_after_ms);
    let mut next = Transition::new(State::Ready, delivery.questions);
    match outcome {
        Outcome::Sent { result } => (next.state, next.result) = (State::Sent, result),
        Outcome::Failed { reason } => (next.state, next.reason) = (State::Failed, Some(reason)),
        Outcome::Refused { reason, notice } => {
            (next.state, next.reason, next.notice) = (State::Failed, Some(reason), Some(notice));
        }
        Outcome::Delivered { receipt } => {
            (next.state, next.result, next.receipt) = (State::Sent, receipt.name.clone(), Some(receipt));
        }
        Outcome::Crashed { reason } => {
            next.questions += 1;
            if next.questions >= CRASHES_MAX {
                (next.state, next.notice) = (State::Failed, Some(CRASHED_NOTICE.to_owned()));
            } else {
                next.pause = Some(backoff(limits, delivery.attempts, None));
            }
            next.reason = Some(reason);
        }
        Outcome::Lost { reason } => {
            (next.state, next.maybe_sent) = (State::Dead, true);
            (next.reason, next.notice) = (Some(reason), Some(UNKNOWN_NOTICE.to_owned()));
        }
        Outcome::Retry { reason, .. } if given_up => {
            (next.state, next.notice) = (State::Dead, Some(GIVEN_UP_NOTICE.to_owned()));
            next.reason = Some(format!("older than delivery.give_up_after_ms: {reason}"));
        }
        Outcome::Retry { after, reason, waits_for_plugin } => {
            let mut pause = backoff(limits, delivery.attempts, after);
            let patience = Duration::from_millis(limits.routing_patience_ms).saturating_sub(delivery.tried());
            if waits_for_plugin && delivery.kind == Kind::Routing && !patience.is_zero() {
                // A customer waits: the next plugin is asked as soon as the patience ends.
                pause = pause.min(patience);
            }
            next.pause = Some(pause);
            next.reason = Some(reason);
            next.waits_for_plugin = waits_for_plugin;
        }
        Outcome::Wait { reason, longest } => {
            next.pause = Some(backoff(limits, delivery.attempts, None).min(WAIT_LONGEST).min(longest));
            (next.reason, next.is_waiting) = (Some(reason), true);
        }
        Outcome::Unknown { reason, asked, after } => {
            next.maybe_sent = true;
            next.questions += u32::from(delivery.unknown && asked);
            if given_up || next.questions >= limits.unknown_tries_max {
                (next.state, next.notice) = (State::Dead, Some(UNKNOWN_NOTICE.to_owned()));
                next.reason = Some(format!("outcome could not be determined: {reason}"));
            } else {
                (next.state, next.reason) = (State::Unknown, Some(reason));
                next.pause = Some(backoff(limits, delivery.attempts, after));
            }
        }
    }
    next
}

/// Exponential backoff with equal jitter: starts at `delivery.retry_first_ms` and doubles with each attempt.
///
/// The platform's `Retry-After` is a lower bound, `delivery.retry_longest_ms` the upper one.
fn backoff(limits: &crate::Settings, attempts: u32, after: Option<Duration>) -> Duration {
    let longest = Duration::from_millis(limits.retry_longest_ms);
    let doubled = limits.retry_first_ms.saturating_mul(1 << attempts.saturating_sub(1).min(30));
    let whole = Duration::from_millis(doubled).min(longest);
    let pause = jitter(whole / 2, whole / 2);
    after.map_or(pause, |after| jitter(after, after / 4).max(pause)).min(longest)
}

/// Returns `least` plus a random part of `more`.
fn jitter(least: Duration, more: Duration) -> Duration {
    let mut bytes = [0; 4];
    let _ = getrandom::fill(&mut bytes);
    least + more.mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::{Instant, SystemTime};

    use frontgate_runtime::CallRecords;

    use super::*;

    fn limits() -> crate::Settings {
        crate::Settings::default()
    }

    fn delivery(attempts: u32, unknown: bool, age: Duration) -> Delivery {
        let since = SystemTime::now() - age;
        Delivery {
            id: 1,
            kind: Kind::Routing,
            name: "routing".to_owned(),
            conversation: "CH1".to_owned(),
            payload: "[]".to_owned(),
            channel: None,
            message: None,
            request: "request".into(),
            plan: None,
            unknown,
            attempts,
            questions: 9,
            since,
            begun: since,
            leased: (SystemTime::now(), Instant::now()),
            replica: None,
            lease: "lease".to_owned(),
            calls: CallRecords::default(),
        }
    }

    fn retry(after: Option<Duration>, waits_for_plugin: bool) -> Outcome {
        Outcome::Retry { after, reason: "why".to_owned(), waits_for_plugin }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        for (attempts, whole) in [(1, 500), (2, 1_000), (3, 2_000), (10, 256_000), (11, 300_000), (4_000_000, 300_000)]
        {
            for _ in 0..100 {
                let pause = backoff(&limits(), attempts, None).as_millis();
                assert!((whole / 2..=whole).contains(&pause), "{attempts}: {pause}");
            }
        }
    }

    #[test]
    fn a_retry_respects_the_platforms_minimum_pause() {
        let wanted = |seconds| backoff(&limits(), 1, Some(Duration::from_secs(seconds))).as_millis();
        for _ in 0..100 {
            assert!((7_000..=8_750).contains(&wanted(7)));
            assert!((250..=500).contains(&wanted(0)));
            assert_eq!(wanted(86_400_000), 300_000);
        }
    }

    #[test]
    fn a_routing_is_retried_when_its_patience_ends_at_the_latest() {
        let tried = Duration::from_millis(limits().routing_patience_ms - 100);
        let waits =
            |waits_for_plugin| transition(&limits(), &delivery(10, false, tried), retry(None, waits_for_plugin)).pause;
        assert!(waits(true) <= Some(Duration::from_millis(100)));
        assert!(waits(false) > Some(Duration::from_secs(60)));
    }

    #[test]
    fn only_an_inconclusive_answer_uses_up_a_question() {
        let unknown = |asked| Outcome::Unknown { reason: "why".to_owned(), asked, after: None };
        let young = Duration::ZERO;
        let states = [(true, true), (true, false), (false, true)].map(|(was_unknown, asked)| {
            let next = transition(&limits(), &delivery(1, was_unknown, young), unknown(asked));
            (next.state, next.maybe_sent)
        });
        assert_eq!(states, [(State::Dead, true), (State::Unknown, true), (State::Unknown, true)]);
    }

    #[test]
    fn a_dead_delivery_keeps_whether_it_may_have_been_sent() {
        let old = Duration::from_millis(limits().give_up_after_ms);
        let ended = |outcome| {
            let next = transition(&limits(), &delivery(1, true, old), outcome);
            (next.state, next.maybe_sent)
        };
        assert_eq!(ended(retry(None, false)), (State::Dead, false));
        let unknown = Outcome::Unknown { reason: "why".to_owned(), asked: false, after: None };
        assert_eq!(ended(unknown), (State::Dead, true));
    }

    #[test]
    fn only_crashes_use_up_the_crash_limit() {
        let crashed = || Outcome::Crashed { reason: "why".to_owned() };
        let mut tried = Delivery { questions: 0, ..delivery(100, false, Duration::ZERO) };
        for crash in 1..CRASHES_MAX {
            let next = transition(&limits(), &tried, crashed());
            assert_eq!((next.state, next.questions, next.notice), (State::Ready, crash, None));
            tried.questions = next.questions;
        }
        let last = transition(&limits(), &tried, crashed());
        assert_eq!(last.state, State::Failed);
        assert!(last.notice.is_some());
    }
}
