use std::net::Ipv4Addr;

use super::*;

fn connections(total_max: usize, unverified_max: usize, network_max: usize) -> Arc<Connections> {
    Connections::new(Limits { total_max, unverified_max, network_max }, false, Budget::new(0))
}

fn address(number: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, number).into()
}

fn admit(connections: &Arc<Connections>, number: u8) -> Place {
    connections.admit(address(number)).unwrap_or_else(|refused| panic!("{refused:?}"))
}

fn verified(connections: &Arc<Connections>, number: u8) -> Place {
    let place = admit(connections, number);
    place.connection().begin();
    place.connection().verified();
    assert!(place.connection().end(false));
    place
}

fn evicted(places: &[Place]) -> Vec<usize> {
    let evicted = places.iter().enumerate().filter(|(_, place)| place.connection().evicted.is_cancelled());
    evicted.map(|(at, _)| at).collect()
}

#[test]
fn a_stranger_may_not_stay_after_an_answer_and_a_verified_connection_may() {
    let connections = connections(10, 10, 10);
    let stranger = admit(&connections, 1);
    stranger.connection().begin();
    assert!(!stranger.connection().end(false));
    assert!(verified(&connections, 1).connection().end(false));
}

#[test]
fn the_stranger_that_is_idle_longest_makes_room() {
    let connections = connections(3, 3, 9);
    let mut places: Vec<_> = (0..3).map(|_| admit(&connections, 1)).collect();
    places[0].connection().begin();
    places.push(admit(&connections, 2));
    assert_eq!(evicted(&places), [1]);
}

#[test]
fn among_busy_strangers_the_one_whose_request_began_first_makes_room() {
    let connections = connections(3, 3, 9);
    let mut places: Vec<_> = (0..3).map(|_| admit(&connections, 1)).collect();
    [2, 0, 1].iter().for_each(|at: &usize| places[*at].connection().begin());
    places.push(admit(&connections, 2));
    assert_eq!(evicted(&places), [2]);
}

#[test]
fn strangers_leave_a_share_to_verified_connections() {
    let connections = connections(4, 2, 9);
    let places: Vec<_> = (0..3).map(|_| admit(&connections, 1)).collect();
    assert_eq!(evicted(&places), [0]);
    let verified: Vec<_> = (0..2).map(|_| verified(&connections, 2)).collect();
    assert_eq!(evicted(&verified), [0_usize; 0]);
}

#[test]
fn a_provider_may_stay_and_makes_room_like_a_stranger() {
    let connections = connections(4, 2, 9);
    let provider = admit(&connections, 1);
    provider.connection().begin();
    provider.connection().known();
    assert!(provider.connection().end(false));
    let places: Vec<_> = [provider].into_iter().chain((0..2).map(|_| admit(&connections, 1))).collect();
    assert_eq!(evicted(&places), [0]);
}

#[test]
fn a_full_network_makes_room_among_its_own_strangers() {
    let connections = connections(9, 9, 2);
    let other = admit(&connections, 2);
    let places: Vec<_> = (0..3).map(|_| admit(&connections, 1)).collect();
    assert_eq!((evicted(&places), evicted(&[other])), (vec![0], vec![]));
}

#[test]
fn a_network_whose_connections_are_all_verified_gets_no_more() {
    let connections = connections(9, 9, 2);
    let _places: Vec<_> = (0..2).map(|_| verified(&connections, 1)).collect();
    assert_eq!(connections.admit(address(1)).err(), Some(Refused::Network));
}

#[test]
fn where_all_are_verified_an_idle_one_makes_room_and_a_busy_one_does_not() {
    let connections = connections(3, 3, 9);
    let places: Vec<_> = (0..3).map(|_| verified(&connections, 1)).collect();
    [0, 2].iter().for_each(|at: &usize| places[*at].connection().begin());
    let stranger = admit(&connections, 2);
    assert_eq!(evicted(&places), [1]);
    stranger.connection().begin();
    stranger.connection().verified();
    assert_eq!(connections.admit(address(2)).err(), Some(Refused::Full));
}

#[test]
fn every_place_is_given_back() {
    let connections = connections(3, 2, 2);
    let mut places = Vec::new();
    for number in 0..200_u8 {
        if let Ok(place) = connections.admit(address(number % 5)) {
            place.connection().begin();
            match number % 4 {
                0 => place.connection().verified(),
                1 => place.connection().known(),
                _ => {}
            }
            place.connection().end(false);
            places.push(place);
        }
        if places.len() > 6 {
            places.swap_remove(usize::from(number) % 6);
        }
        let table = connections.lock();
        assert!(table.open() <= 3 && table.strangers() <= 2);
    }
    drop(places);
    let table = connections.lock();
    assert_eq!((table.open(), table.closing(), table.of_network(Network::of(address(1)))), (0, 0, 0));
}

#[test]
fn connections_that_were_evicted_count_until_their_sockets_are_gone() {
    let connections = connections(1, 1, 9);
    let places: Vec<_> = (0..3).map(|_| admit(&connections, 1)).collect();
    assert_eq!(connections.lock().closing(), 2);
    drop(places);
    assert_eq!(connections.lock().closing(), 0);
}
