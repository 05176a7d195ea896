//! Kills the gateway while plugins move amounts between keys. Each call is committed completely or not at all, and
//! acknowledged calls are never lost.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use frontgate_tests::{Gateway, PUBLIC_URL, SetOnDrop, TOKEN, eventually, list, sign};
use parking_lot::Mutex;

use crate::state::setup;

/// The crash points of plugin state, and the crash points shared by all writes.
pub(crate) const CRASH_POINTS: [&str; 4] = ["state-commit", "state-committed", "before-commit", "committed"];

const CALLERS: usize = 4;

/// Makes a transfer with a unique number, and returns whether the success was received.
fn transfer(address: SocketAddr, number: usize) -> bool {
    let amount = 1 + number % 7;
    instruct(address, &format!("state increment a -{amount}; increment b {amount}; set done/{number} 1"))
}

/// Sends an instruction to a gateway that may exit meanwhile, and returns whether the success was received.
pub(crate) fn instruct(address: SocketAddr, query: &str) -> bool {
    let form = list(&[("Query", query)]);
    let signature = sign(TOKEN, &format!("{PUBLIC_URL}/callbacks/crm"), &form);
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    let request = format!(
        "POST /callbacks/crm HTTP/1.1\r\nhost: gw\r\nconnection: close\r\nx-twilio-signature: {signature}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    // The gateway may have exited just now.
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let mut answer = Vec::new();
    let exchanged = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_end(&mut answer));
    exchanged.is_ok() && answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(b"}")
}

/// The acknowledged transfers, and the number of the next transfer.
#[derive(Default)]
struct Ledger {
    next: AtomicUsize,
    acknowledged: Mutex<BTreeSet<usize>>,
}

impl Ledger {
    fn transfer(&self, address: SocketAddr) -> bool {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let acknowledged = transfer(address, number);
        if acknowledged {
            self.acknowledged.lock().insert(number);
        }
        acknowledged
    }

    /// Checks that the sum is unchanged, and that each transfer was made at most once, each acknowledged one exactly
    /// once.
    fn assert_consistent(&self, gateway: &Gateway) {
        let acknowledged = self.acknowledged.lock();
        let (mut done, mut moved) = (BTreeSet::new(), 0);
        for number in 0..self.next.load(Ordering::Relaxed) {
            if gateway.output_of(&format!("state get done/{number}")) == "1" {
                done.insert(number);
                moved += 1 + number % 7;
            }
        }
        let lost: Vec<_> = acknowledged.difference(&done).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        if moved > 0 {
            assert_eq!(gateway.output_of("state get a; get b"), format!("-{moved}; {moved}"));
        }
    }
}

#[test]
fn calls_are_atomic_after_a_crash_at_any_point() {
    for crash_point in CRASH_POINTS {
        let mut reached = 0;
        for count in [1, 2, 5] {
            let ledger = Ledger::default();
            let mut gateway = setup()
                .set("plugins.state.wait_ms", "10000")
                .set("plugins.source", "\"folder\"")
                .start_crashing(&format!("{crash_point}:{count}"));
            let address = gateway.address();
            let has_failed = (0..30).any(|_| !ledger.transfer(address));
            if has_failed {
                eventually("the process ends", || gateway.has_ended(), |ended| *ended);
            }
            reached += u32::from(has_failed);
            gateway.kill();
            ledger.assert_consistent(&gateway.start_again());
        }
        assert_eq!(reached, 3, "{crash_point} was not reached");
    }
}

#[test]
fn calls_are_atomic_after_random_kills() {
    let kills = std::env::var("FRONTGATE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(15);
    let ledger = Ledger::default();
    let mut gateway = setup().set("plugins.state.wait_ms", "10000").start();
    let mut chance = 1_u64;
    for _ in 0..kills {
        let (address, ended) = (gateway.address(), AtomicBool::new(false));
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let more = 1 + usize::try_from(chance >> 60).expect("four bits");
        let before = ledger.acknowledged.lock().len();
        thread::scope(|scope| {
            let _end = SetOnDrop(&ended);
            for _ in 0..CALLERS {
                scope.spawn(|| {
                    while !ended.load(Ordering::Relaxed) {
                        ledger.transfer(address);
                    }
                });
            }
            let count = || ledger.acknowledged.lock().len();
            eventually("more transfers are acknowledged", count, |count| *count >= before + more);
            gateway.kill();
        });
        gateway = gateway.start_again();
    }
    ledger.assert_consistent(&gateway);
    let acknowledged = ledger.acknowledged.lock().len();
    assert!(acknowledged >= kills, "{acknowledged} transfers in {kills} kills");
}
