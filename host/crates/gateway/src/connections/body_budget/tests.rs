use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;

use futures_util::FutureExt as _;

use super::*;

const KIB: usize = 1024;

fn network(number: u8) -> Network {
    Network::of(IpAddr::V4(Ipv4Addr::new(192, 0, 2, number)))
}

/// Extends a reservation; panics if the call would wait.
fn grow(reservation: &mut Reservation<'_>, bytes: usize) -> Result<(), Exhausted> {
    reservation.grow(bytes).now_or_never().expect("bytes that need not be waited for")
}

fn is_revoked(reservation: &Reservation<'_>) -> bool {
    reservation.revoked().is_some_and(CancellationToken::is_cancelled)
}

#[test]
fn a_small_body_is_not_counted() {
    let budget = BodyBudget::new(0);
    let mut reservation = budget.reserve(network(1));
    assert_eq!(grow(&mut reservation, UNCOUNTED_BYTES), Ok(()));
    assert_eq!(grow(&mut reservation, UNCOUNTED_BYTES + 1), Err(Exhausted));
}

#[test]
fn bodies_never_hold_more_than_the_budget() {
    let budget = BodyBudget::new(100 * KIB);
    let mut reservations: Vec<_> = (0..40).map(|_| budget.reserve(network(1))).collect();
    for size in 1..64 {
        for reservation in &mut reservations {
            let _ = reservation.grow(size * 4 * KIB).now_or_never();
            assert!(budget.state.lock().held <= 100 * KIB);
        }
    }
    drop(reservations);
    let state = budget.state.lock();
    assert_eq!((state.held, state.readers.len(), state.totals.len(), state.largest.len()), (0, 0, 0, 0));
}

#[test]
fn the_largest_body_of_the_largest_network_is_revoked() {
    let budget = BodyBudget::new(100 * KIB);
    let (mut first, mut second, mut other) =
        (budget.reserve(network(1)), budget.reserve(network(1)), budget.reserve(network(2)));
    assert_eq!(
        (grow(&mut first, 30 * KIB), grow(&mut second, 40 * KIB), grow(&mut other, 30 * KIB)),
        (Ok(()), Ok(()), Ok(()))
    );
    let mut waiting = pin!(other.grow(50 * KIB));
    assert!(waiting.as_mut().now_or_never().is_none(), "the bytes are not back before the body is gone");
    assert_eq!((is_revoked(&first), is_revoked(&second)), (false, true));
    assert_eq!(grow(&mut second, 41 * KIB), Err(Exhausted));
    drop(second);
    assert_eq!(waiting.now_or_never(), Some(Ok(())));
}

#[test]
fn a_body_that_would_be_the_largest_is_rejected() {
    let budget = BodyBudget::new(100 * KIB);
    let (mut small, mut large) = (budget.reserve(network(1)), budget.reserve(network(1)));
    assert_eq!((grow(&mut small, 40 * KIB), grow(&mut large, 60 * KIB)), (Ok(()), Ok(())));
    assert_eq!(grow(&mut large, 70 * KIB), Err(Exhausted));
    assert!(!is_revoked(&small));
}

#[test]
fn a_complete_body_keeps_its_bytes_until_it_is_dropped() {
    let budget = BodyBudget::new(100 * KIB);
    let (mut complete, mut other) = (budget.reserve(network(1)), budget.reserve(network(2)));
    assert_eq!((grow(&mut complete, 80 * KIB), complete.complete()), (Ok(()), Ok(())));
    assert_eq!(grow(&mut other, 40 * KIB), Err(Exhausted));
    drop(complete);
    assert_eq!(grow(&mut other, 40 * KIB), Ok(()));
}

#[test]
fn a_revoked_body_cannot_be_completed() {
    let budget = BodyBudget::new(100 * KIB);
    let (mut large, mut small) = (budget.reserve(network(1)), budget.reserve(network(2)));
    assert_eq!(grow(&mut large, 90 * KIB), Ok(()));
    assert!(small.grow(20 * KIB).now_or_never().is_none());
    assert_eq!(large.complete(), Err(Exhausted));
}
