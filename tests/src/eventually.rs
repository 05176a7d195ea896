//! Polls for conditions that no event announces.

use std::fmt::Debug;
use std::thread;
use std::time::{Duration, Instant};

/// The time limit for a condition, long enough on a busy machine too.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The time between two attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// Polls a value until it is as expected, and returns it. Panics after [`TIMEOUT`], with the last value.
#[track_caller]
pub fn eventually<V: Debug>(expected: &str, mut look: impl FnMut() -> V, is_expected: impl Fn(&V) -> bool) -> V {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let value = look();
        if is_expected(&value) {
            return value;
        }
        assert!(Instant::now() < deadline, "not within {TIMEOUT:?}: {expected}; last seen: {value:?}");
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_expected_value_is_returned() {
        let mut values = 1..;
        assert_eq!(
            eventually("a multiple of three", || values.next(), |value| value.is_some_and(|n| n % 3 == 0)),
            Some(3)
        );
    }
}
