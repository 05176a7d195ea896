//! What is written down of an attempt: when the delivery goes on, or that it has come to its end.

use std::time::Duration;

use super::job::{Delivery, Kind, Settlement, State};
use super::store::queue::Change;

/// After so many crashes of a plugin over one event or message, it is not handed over again: others of its
/// conversation wait behind it.
pub(super) const CRASHES_MAX: u32 = 5;

/// What a teammate reads where nobody knows what became of a message.
pub(super) const LOST: &str = "It is not known whether this message arrived: it may have.";

/// What becomes of a delivery, within the operator's limits.
pub(super) fn change(limits: &crate::Settings, delivery: &Delivery, settlement: Settlement) -> Change {
    let given_up = delivery.age() >= Duration::from_millis(limits.give_up_after_ms);
    let mut change = Change {
        state: State::Ready,
        pause: None,
        waits_for_plugin: false,
        maybe_sent: false,
        reason: None,
        result: None,
        questions: delivery.questions,
        receipt: None,
        told: None,
    };
    match settlement {
        Settlement::Sent { result } => (change.state, change.result) = (State::Sent, result),
        Settlement::Failed { reason } => (change.state, change.reason) = (State::Failed, Some(reason)),
        Settlement::Refused { reason, told } => {
            (change.state, change.reason, change.told) = (State::Failed, Some(reason), Some(told));
        }
        Settlement::Delivered { receipt } => {
            (change.state, change.result, change.receipt) = (State::Sent, receipt.name.clone(), Some(receipt));
        }
        Settlement::Crashed { reason } => {
            change.questions += 1;
            if change.questions >= CRASHES_MAX {
                (change.state, change.reason) = (State::Failed, Some(reason));
                change.told = Some("It could not be sent: the channel's plugin fails over it.".to_owned());
            } else {
                (change.pause, change.reason) = (Some(pause(limits, delivery.attempts, None)), Some(reason));
            }
        }
        Settlement::Lost { reason } => {
            (change.state, change.maybe_sent) = (State::Dead, true);
            (change.reason, change.told) = (Some(reason), Some(LOST.to_owned()));
        }
        Settlement::Again { reason, .. } if given_up => {
            change.state = State::Dead;
            change.reason = Some(format!("given up after delivery.give_up_after_ms: {reason}"));
            change.told = Some("It could not be sent for a long time, and is not tried any more.".to_owned());
        }
        Settlement::Again { after, reason, waits_for_plugin } => {
            let mut pause = pause(limits, delivery.attempts, after);
            let patience = Duration::from_millis(limits.routing_patience_ms).saturating_sub(delivery.tried());
            if waits_for_plugin && delivery.kind == Kind::Routing && !patience.is_zero() {
                // The customer waits: at the end of the patience somebody else is asked.
                pause = pause.min(patience);
            }
            change.pause = Some(pause);
            change.reason = Some(reason);
            change.waits_for_plugin = waits_for_plugin;
        }
        Settlement::Unknown { reason, asked, after } => {
            change.maybe_sent = true;
            change.questions += u32::from(delivery.unknown && asked);
            if given_up || change.questions >= limits.unknown_tries_max {
                change.state = State::Dead;
                change.reason = Some(format!("nobody could say whether it arrived: {reason}"));
                change.told = Some(LOST.to_owned());
            } else {
                change.state = State::Unknown;
                change.pause = Some(pause(limits, delivery.attempts, after));
                change.reason = Some(reason);
            }
        }
    }
    change
}

/// Twice as long each time, and between half and all of that, so that those who failed together do not
/// come back together. Not before the platform wants it, and not later than the operator does.
fn pause(limits: &crate::Settings, attempts: u32, after: Option<Duration>) -> Duration {
    let longest = Duration::from_millis(limits.retry_longest_ms);
    let doubled = limits.retry_first_ms.saturating_mul(1 << attempts.saturating_sub(1).min(30));
    let whole = Duration::from_millis(doubled).min(longest);
    let pause = jitter(whole / 2, whole / 2);
    after.map_or(pause, |after| jitter(after, after / 4).max(pause)).min(longest)
}

/// This, and up to so much more.
fn jitter(least: Duration, more: Duration) -> Duration {
    let mut bytes = [0; 4];
    let _ = getrandom::fill(&mut bytes);
    least + more.mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

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
            lease: "lease".to_owned(),
        }
    }

    fn again(after: Option<Duration>, waits_for_plugin: bool) -> Settlement {
        Settlement::Again { after, reason: "why".to_owned(), waits_for_plugin }
    }

    #[test]
    fn each_pause_is_twice_the_one_before_up_to_the_longest() {
        for (attempts, whole) in [(1, 500), (2, 1_000), (3, 2_000), (10, 256_000), (11, 300_000), (4_000_000, 300_000)]
        {
            for _ in 0..100 {
                let pause = pause(&limits(), attempts, None).as_millis();
                assert!((whole / 2..=whole).contains(&pause), "{attempts}: {pause}");
            }
        }
    }

    #[test]
    fn nobody_comes_back_before_the_platform_wants_it_nor_at_once() {
        let wanted = |seconds| pause(&limits(), 1, Some(Duration::from_secs(seconds))).as_millis();
        for _ in 0..100 {
            assert!((7_000..=8_750).contains(&wanted(7)));
            assert!((250..=500).contains(&wanted(0)));
            assert_eq!(wanted(86_400_000), 300_000);
        }
    }

    #[test]
    fn a_routing_is_asked_about_again_at_the_end_of_its_patience_at_the_latest() {
        let tried = Duration::from_millis(limits().routing_patience_ms - 100);
        let waits =
            |waits_for_plugin| change(&limits(), &delivery(10, false, tried), again(None, waits_for_plugin)).pause;
        assert!(waits(true) <= Some(Duration::from_millis(100)));
        assert!(waits(false) > Some(Duration::from_secs(60)));
    }

    #[test]
    fn only_an_answer_that_says_nothing_uses_up_a_question() {
        let unknown = |asked| Settlement::Unknown { reason: "why".to_owned(), asked, after: None };
        let young = Duration::ZERO;
        let states = [(true, true), (true, false), (false, true)].map(|(was_unknown, asked)| {
            let change = change(&limits(), &delivery(1, was_unknown, young), unknown(asked));
            (change.state, change.maybe_sent)
        });
        assert_eq!(states, [(State::Dead, true), (State::Unknown, true), (State::Unknown, true)]);
    }

    #[test]
    fn what_is_given_up_keeps_whether_it_may_have_been_sent() {
        let old = Duration::from_millis(limits().give_up_after_ms);
        let ended = |settlement| {
            let change = change(&limits(), &delivery(1, true, old), settlement);
            (change.state, change.maybe_sent)
        };
        assert_eq!(ended(again(None, false)), (State::Dead, false));
        let unknown = Settlement::Unknown { reason: "why".to_owned(), asked: false, after: None };
        assert_eq!(ended(unknown), (State::Dead, true));
    }

    #[test]
    fn crashes_count_and_other_attempts_do_not() {
        let crashed = || Settlement::Crashed { reason: "why".to_owned() };
        let mut tried = Delivery { questions: 0, ..delivery(100, false, Duration::ZERO) };
        for crash in 1..CRASHES_MAX {
            let after = change(&limits(), &tried, crashed());
            assert_eq!((after.state, after.questions, after.told), (State::Ready, crash, None));
            tried.questions = after.questions;
        }
        let last = change(&limits(), &tried, crashed());
        assert_eq!(last.state, State::Failed);
        assert!(last.told.is_some());
    }
}
