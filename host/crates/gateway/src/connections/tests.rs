use std::net::Ipv4Addr;

use super::*;

fn connections(total_max: usize, unverified_max: usize, network_max: usize) -> Arc<Connections> {
    Connections::new(Limits { total_max, unverified_max, network_max }, false, BodyBudget::new(0))
}

fn address(number: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, number).into()
}

fn admit(connections: &Arc<Connections>, number: u8) -> Slot {
    connections.admit(Some(address(number)), false).unwrap_or_else(|refused| panic!("{refused:?}"))
}

fn verified(connections: &Arc<Connections>, number: u8) -> Slot {
    let slot = admit(connections, number);
    slot.connection().request_started();
    slot.connection().mark_verified();
    assert!(slot.connection().request_answered(false));
    slot
}

fn evicted(slots: &[Slot]) -> Vec<usize> {
    let evicted = slots.iter().enumerate().filter(|(_, slot)| slot.connection().evicted.is_cancelled());
    evicted.map(|(at, _)| at).collect()
}

#[test]
fn an_unverified_connection_is_closed_after_a_response_and_a_verified_one_is_not() {
    let connections = connections(10, 10, 10);
    let unverified = admit(&connections, 1);
    unverified.connection().request_started();
    assert!(!unverified.connection().request_answered(false));
    assert!(verified(&connections, 1).connection().request_answered(false));
}

#[test]
fn the_unverified_connection_that_is_idle_longest_is_evicted() {
    let connections = connections(3, 3, 9);
    let mut slots: Vec<_> = (0..3).map(|_| admit(&connections, 1)).collect();
    slots[0].connection().request_started();
    slots.push(admit(&connections, 2));
    assert_eq!(evicted(&slots), [1]);
}

#[test]
fn among_busy_unverified_connections_the_one_whose_request_started_first_is_evicted() {
    let connections = connections(3, 3, 9);
    let mut slots: Vec<_> = (0..3).map(|_| admit(&connections, 1)).collect();
    [2, 0, 1].iter().for_each(|at: &usize| slots[*at].connection().request_started());
    slots.push(admit(&connections, 2));
    assert_eq!(evicted(&slots), [2]);
}

#[test]
fn unverified_connections_leave_a_share_to_verified_ones() {
    let connections = connections(4, 2, 9);
    let slots: Vec<_> = (0..3).map(|_| admit(&connections, 1)).collect();
    assert_eq!(evicted(&slots), [0]);
    let verified: Vec<_> = (0..2).map(|_| verified(&connections, 2)).collect();
    assert_eq!(evicted(&verified), [0_usize; 0]);
}

#[test]
fn an_accepted_connection_may_stay_and_is_evicted_like_an_unverified_one() {
    let connections = connections(4, 2, 9);
    let provider = admit(&connections, 1);
    provider.connection().request_started();
    provider.connection().mark_accepted();
    assert!(provider.connection().request_answered(false));
    let slots: Vec<_> = [provider].into_iter().chain((0..2).map(|_| admit(&connections, 1))).collect();
    assert_eq!(evicted(&slots), [0]);
}

#[test]
fn a_full_network_evicts_its_own_unverified_connections() {
    let connections = connections(9, 9, 2);
    let other = admit(&connections, 2);
    let slots: Vec<_> = (0..3).map(|_| admit(&connections, 1)).collect();
    assert_eq!((evicted(&slots), evicted(&[other])), (vec![0], vec![]));
}

#[test]
fn a_caller_behind_a_proxy_evicts_its_own_unverified_connections() {
    let connections = connections(9, 9, 2);
    let proxied = || connections.admit(Some(address(9)), true).unwrap_or_else(|refused| panic!("{refused:?}"));
    let slots: Vec<_> = (0..4).map(|_| proxied()).collect();
    for (slot, caller) in slots.iter().zip([2, 1, 1, 1]) {
        slot.connection().identify(address(caller), true).unwrap_or_else(|refused| panic!("{refused:?}"));
        slot.connection().request_started();
    }
    assert_eq!(evicted(&slots), [1]);
}

#[test]
fn a_connection_of_a_proxy_is_counted_for_a_caller_until_its_request_is_answered() {
    let connections = connections(9, 9, 1);
    let slots: Vec<_> = (0..2).map(|_| connections.admit(Some(address(9)), true).expect("a slot")).collect();
    for slot in &slots {
        let connection = slot.connection();
        assert_eq!(connection.identify(address(1), true), Ok(()));
        connection.request_started();
        connection.mark_verified();
        assert!(connection.request_answered(false));
    }
    slots[0].connection().request_started();
    assert_eq!(slots[0].connection().identify(address(1), true), Ok(()));
    assert_eq!(slots[1].connection().identify(address(1), true), Err(AdmitError::Network));
}

#[test]
fn a_network_full_of_verified_connections_gets_no_slot() {
    let connections = connections(9, 9, 2);
    let _places: Vec<_> = (0..2).map(|_| verified(&connections, 1)).collect();
    assert_eq!(connections.admit(Some(address(1)), false).err(), Some(AdmitError::Network));
}

#[test]
fn among_verified_connections_an_idle_one_is_evicted_and_a_busy_one_is_not() {
    let connections = connections(3, 3, 9);
    let slots: Vec<_> = (0..3).map(|_| verified(&connections, 1)).collect();
    [0, 2].iter().for_each(|at: &usize| slots[*at].connection().request_started());
    let unverified = admit(&connections, 2);
    assert_eq!(evicted(&slots), [1]);
    unverified.connection().request_started();
    unverified.connection().mark_verified();
    assert_eq!(connections.admit(Some(address(2)), false).err(), Some(AdmitError::Full));
}

#[test]
fn every_slot_is_freed() {
    let connections = connections(3, 2, 2);
    let mut slots = Vec::new();
    for number in 0..200_u8 {
        if let Ok(slot) = connections.admit(Some(address(number % 5)), number % 3 == 0) {
            let caller = address(number % 4);
            if slot.connection().is_proxied() && slot.connection().identify(caller, number % 2 == 0).is_err() {
                continue;
            }
            slot.connection().request_started();
            match number % 4 {
                0 => slot.connection().mark_verified(),
                1 => slot.connection().mark_accepted(),
                _ => {}
            }
            slot.connection().request_answered(false);
            slots.push(slot);
        }
        if slots.len() > 6 {
            slots.swap_remove(usize::from(number) % 6);
        }
        let table = connections.table.lock();
        assert!(table.open() <= 3 && table.unverified() <= 2);
    }
    drop(slots);
    let table = connections.table.lock();
    assert_eq!((table.open(), table.closing(), table.of_network(Network::of(address(1)))), (0, 0, 0));
}

#[test]
fn evicted_connections_are_counted_until_their_sockets_are_closed() {
    let connections = connections(1, 1, 9);
    let slots: Vec<_> = (0..3).map(|_| admit(&connections, 1)).collect();
    assert_eq!(connections.table.lock().closing(), 2);
    drop(slots);
    assert_eq!(connections.table.lock().closing(), 0);
}
