use std::net::{IpAddr, Ipv4Addr};

use super::*;

const KIB: usize = 1024;

fn network(number: u8) -> Network {
    Network::of(IpAddr::V4(Ipv4Addr::new(192, 0, 2, number)))
}

fn is_revoked(hold: &Hold<'_>) -> bool {
    hold.revoked().is_some_and(CancellationToken::is_cancelled)
}

#[test]
fn a_small_body_takes_nothing() {
    let budget = Budget::new(0);
    let mut hold = budget.hold(network(1));
    assert_eq!(hold.grow(FREE_BYTES), Ok(()));
    assert_eq!(hold.grow(FREE_BYTES + 1), Err(Exhausted));
}

#[test]
fn bodies_never_hold_more_than_the_budget() {
    let budget = Budget::new(100 * KIB);
    let mut holds: Vec<_> = (0..40).map(|_| budget.hold(network(1))).collect();
    for size in 1..64 {
        for hold in &mut holds {
            let _ = hold.grow(size * 4 * KIB);
            assert!(budget.lock().held <= 100 * KIB);
        }
    }
    drop(holds);
    let state = budget.lock();
    assert_eq!((state.held, state.readers.len(), state.totals.len(), state.largest.len()), (0, 0, 0, 0));
}

#[test]
fn the_largest_body_of_the_largest_network_gives_way() {
    let budget = Budget::new(100 * KIB);
    let (mut first, mut second, mut other) =
        (budget.hold(network(1)), budget.hold(network(1)), budget.hold(network(2)));
    assert_eq!((first.grow(30 * KIB), second.grow(40 * KIB), other.grow(30 * KIB)), (Ok(()), Ok(()), Ok(())));
    assert_eq!(other.grow(50 * KIB), Ok(()));
    assert_eq!((is_revoked(&first), is_revoked(&second), is_revoked(&other)), (false, true, false));
    assert_eq!(second.grow(41 * KIB), Err(Exhausted));
}

#[test]
fn a_body_that_would_be_the_largest_is_refused() {
    let budget = Budget::new(100 * KIB);
    let (mut small, mut large) = (budget.hold(network(1)), budget.hold(network(1)));
    assert_eq!((small.grow(40 * KIB), large.grow(60 * KIB)), (Ok(()), Ok(())));
    assert_eq!(large.grow(70 * KIB), Err(Exhausted));
    assert!(!is_revoked(&small));
}

#[test]
fn a_complete_body_keeps_its_bytes_until_it_is_dropped() {
    let budget = Budget::new(100 * KIB);
    let (mut complete, mut other) = (budget.hold(network(1)), budget.hold(network(2)));
    assert_eq!((complete.grow(80 * KIB), complete.complete()), (Ok(()), Ok(())));
    assert_eq!(other.grow(40 * KIB), Err(Exhausted));
    drop(complete);
    assert_eq!(other.grow(40 * KIB), Ok(()));
}

#[test]
fn a_revoked_body_cannot_be_completed() {
    let budget = Budget::new(100 * KIB);
    let (mut large, mut small) = (budget.hold(network(1)), budget.hold(network(2)));
    assert_eq!((large.grow(90 * KIB), small.grow(20 * KIB)), (Ok(()), Ok(())));
    assert_eq!(large.complete(), Err(Exhausted));
}
