//! Plugins move amounts from one key to another, and the gateway is ended without warning: each call is
//! committed as a whole or not at all, and whoever heard an answer finds it there.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use frontgate_tests::{Gateway, PUBLIC_URL, TOKEN, list, sign};
use parking_lot::Mutex;

use crate::state::setup;

/// Every `crash::point` of a plugin's state, and those that it shares with all that is written.
pub(crate) const PLACES: [&str; 4] = ["state-commit", "state-committed", "before-commit", "committed"];

const CALLERS: usize = 4;

/// One transfer under a number of its own; whether its success was heard of.
fn transfer(address: SocketAddr, number: usize) -> bool {
    let amount = 1 + number % 7;
    let query = format!("state increment a -{amount}; increment b {amount}; set done/{number} 1");
    let form = list(&[("Query", &query)]);
    let signature = sign(TOKEN, &format!("{PUBLIC_URL}/callbacks/crm"), &form);
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    let request = format!(
        "POST /callbacks/crm HTTP/1.1\r\nhost: gw\r\nconnection: close\r\nx-twilio-signature: {signature}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    // Where the gateway is just gone there is nothing to hear.
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let mut answer = Vec::new();
    let heard = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_end(&mut answer));
    heard.is_ok() && answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(b"}")
}

/// What everybody heard, and a number for everybody's next transfer.
#[derive(Default)]
struct Ledger {
    next: AtomicUsize,
    heard: Mutex<BTreeSet<usize>>,
}

impl Ledger {
    fn transfer(&self, address: SocketAddr) -> bool {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let heard = transfer(address, number);
        if heard {
            self.heard.lock().insert(number);
        }
        heard
    }

    /// The sum is what it was, what is done was done once, and all that was heard of is done.
    fn check(&self, gateway: &Gateway) {
        let heard = self.heard.lock();
        let (mut done, mut moved) = (BTreeSet::new(), 0);
        for number in 0..self.next.load(Ordering::Relaxed) {
            if gateway.wished(&format!("state get done/{number}")) == "1" {
                done.insert(number);
                moved += 1 + number % 7;
            }
        }
        let lost: Vec<_> = heard.difference(&done).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        if moved > 0 {
            assert_eq!(gateway.wished("state get a; get b"), format!("-{moved}; {moved}"));
        }
    }
}

#[test]
fn a_call_is_committed_whole_or_not_at_all_wherever_the_gateway_ends() {
    for place in PLACES {
        let mut reached = 0;
        for count in [1, 2, 5] {
            let ledger = Ledger::default();
            // The first commits happen while the gateway starts.
            let count = if place.starts_with("state") { count } else { count + 5 };
            let mut gateway = setup().set("plugins.state.wait_ms", "10000").start_crashing(&format!("{place}:{count}"));
            let address = gateway.address();
            let gone = (0..30).any(|_| !ledger.transfer(address));
            // A process takes a moment to end.
            while gone && !gateway.has_ended() {
                thread::yield_now();
            }
            reached += u32::from(gone);
            gateway.kill();
            ledger.check(&gateway.start_again());
        }
        assert_eq!(reached, 3, "{place} was not reached");
    }
}

#[test]
fn a_call_is_committed_whole_or_not_at_all_when_the_gateway_is_killed_at_random() {
    let kills = std::env::var("FRONTGATE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(15);
    let ledger = Ledger::default();
    let mut gateway = setup().set("plugins.state.wait_ms", "10000").start();
    let mut chance = 1_u64;
    for _ in 0..kills {
        let (address, ended) = (gateway.address(), AtomicBool::new(false));
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let more = 1 + usize::try_from(chance >> 60).expect("four bits");
        let heard = ledger.heard.lock().len();
        thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| {
                    while !ended.load(Ordering::Relaxed) {
                        ledger.transfer(address);
                    }
                });
            }
            while ledger.heard.lock().len() < heard + more {
                thread::yield_now();
            }
            gateway.kill();
            ended.store(true, Ordering::Relaxed);
        });
        gateway = gateway.start_again();
    }
    ledger.check(&gateway);
    let heard = ledger.heard.lock().len();
    assert!(heard >= kills, "{heard} transfers in {kills} kills");
}
