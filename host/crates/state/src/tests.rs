//! Model test of one bucket: random steps of concurrent calls.
//!
//! Each call reads its own writes before committed values, and only the writes of successful calls are committed.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use frontgate_store::values;
use frontgate_test_postgres::Place;
use proptest::prelude::*;

use super::*;

thread_local! {
    /// Current time in milliseconds; calls read it on the test's own thread.
    static CLOCK: Cell<i64> = const { Cell::new(1_000_000) };
}

fn clock() -> i64 {
    CLOCK.get()
}

#[derive(Debug, Clone)]
enum Step {
    Get { call: usize, key: usize },
    Set { call: usize, key: usize, value: u8, seconds: Option<u32> },
    Swap { call: usize, key: usize, right: bool, value: u8, seconds: Option<u32> },
    Increment { call: usize, key: usize, by: i64 },
    Delete { call: usize, key: usize },
    Keys { call: usize },
    Commit { call: usize },
    Fail { call: usize },
    Pass { seconds: u32 },
    Forget,
}

fn step() -> impl Strategy<Value = Step> {
    let (call, key) = (0..CALLS, 0..KEYS.len());
    let both = || (call.clone(), key.clone());
    let seconds = || prop::option::weighted(0.3, 1..4_u32);
    prop_oneof![
        4 => both().prop_map(|(call, key)| Step::Get { call, key }),
        4 => (both(), any::<u8>(), seconds())
            .prop_map(|((call, key), value, seconds)| Step::Set { call, key, value, seconds }),
        4 => (both(), prop::bool::weighted(0.8), any::<u8>(), seconds())
            .prop_map(|((call, key), right, value, seconds)| Step::Swap { call, key, right, value, seconds }),
        4 => (both(), -5..5_i64).prop_map(|((call, key), by)| Step::Increment { call, key, by }),
        2 => both().prop_map(|(call, key)| Step::Delete { call, key }),
        2 => call.clone().prop_map(|call| Step::Keys { call }),
        4 => call.clone().prop_map(|call| Step::Commit { call }),
        1 => call.prop_map(|call| Step::Fail { call }),
        2 => (1..3_u32).prop_map(|seconds| Step::Pass { seconds }),
        1 => Just(Step::Forget),
    ]
}

const CALLS: usize = 2;
const KEYS: [&str; 4] = ["a", "b", "c", "ä"];

/// A value's bytes, and the time when they expire.
type Kept = (Vec<u8>, Option<i64>);

/// The expected state of one call.
#[derive(Default)]
struct Expected {
    writes: BTreeMap<&'static str, Option<Kept>>,
    /// For each swapped or incremented key, the number of the write that was read.
    bases: BTreeMap<&'static str, Option<u64>>,
    locked: BTreeSet<&'static str>,
}

struct World {
    buckets: Arc<Buckets>,
    limits: StateLimits,
    calls: Vec<Session>,
    expected: Vec<Expected>,
    /// Committed values, each with the number of the write that stored it.
    committed: BTreeMap<&'static str, (Kept, u64)>,
    writes: u64,
}

fn is_live(kept: &Kept) -> bool {
    kept.1.is_none_or(|until| until > clock())
}

fn until(seconds: Option<u32>) -> Option<i64> {
    seconds.map(|seconds| clock() + i64::from(seconds) * 1_000)
}

fn buckets(place: &Place) -> Arc<Buckets> {
    let settings = frontgate_store::Settings { url: place.url(), connections_max: 2, ..Default::default() };
    let database = Database::open(&settings).expect("a database");
    Arc::new(Buckets { database: Arc::new(database), locks: Arc::default(), replica: None, clock: Some(clock) })
}

fn call(buckets: &Arc<Buckets>, limits: &StateLimits, tenant: &str) -> Session {
    let bucket = Bucket { plugin: "plugin".into(), tenant: tenant.into() };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(3_600);
    Session::open(buckets, SessionOptions { bucket, limits: limits.clone(), request: "request".into(), deadline })
}

impl World {
    fn new(place: &Place) -> Self {
        let limits = StateLimits { wait_ms: 0, ..StateLimits::default() };
        let buckets = buckets(place);
        let calls = (0..CALLS).map(|_| call(&buckets, &limits, "demo")).collect();
        let expected = (0..CALLS).map(|_| Expected::default()).collect();
        Self { buckets, limits, calls, expected, committed: BTreeMap::new(), writes: 0 }
    }

    /// Returns the value that a call is expected to read.
    fn seen(&self, call: usize, key: &str) -> Option<Vec<u8>> {
        let kept = match self.expected[call].writes.get(key) {
            Some(own) => own.as_ref(),
            None => self.committed.get(key).map(|(kept, _)| kept),
        };
        kept.filter(|kept| is_live(kept)).map(|(bytes, _)| bytes.clone())
    }

    fn is_locked_by_others(&self, call: usize, key: &str) -> bool {
        self.expected.iter().enumerate().any(|(other, expected)| other != call && expected.locked.contains(key))
    }

    /// Records a successful swap or increment.
    fn rely(&mut self, call: usize, key: &'static str, kept: Kept) {
        let there = self.committed.get(key).filter(|(kept, _)| is_live(kept)).map(|(_, number)| *number);
        let expected = &mut self.expected[call];
        if !expected.writes.contains_key(key) {
            expected.bases.insert(key, there);
        }
        expected.writes.insert(key, Some(kept));
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Get { call, key } => {
                let found = self.calls[call].get(KEYS[key]).await.expect("an answer");
                assert_eq!(found.map(|value| value.bytes), self.seen(call, KEYS[key]));
            }
            Step::Set { call, key, value, seconds } => {
                let done = self.calls[call].set(KEYS[key].to_owned(), vec![value], seconds).await;
                assert_eq!(done, Ok(()));
                self.expected[call].writes.insert(KEYS[key], Some((vec![value], until(seconds))));
            }
            Step::Swap { call, key, right, value, seconds } => self.swap(call, KEYS[key], right, value, seconds).await,
            Step::Increment { call, key, by } => self.increment(call, KEYS[key], by).await,
            Step::Delete { call, key } => {
                assert_eq!(self.calls[call].delete(KEYS[key].to_owned()).await, Ok(()));
                self.expected[call].writes.insert(KEYS[key], None);
            }
            Step::Keys { call } => {
                let mut found = Vec::new();
                let mut cursor = None;
                loop {
                    let (keys, next) = self.calls[call].page(cursor, 2).await.expect("an answer").expect("a page");
                    found.extend(keys);
                    cursor = next;
                    if cursor.is_none() {
                        break;
                    }
                }
                let there: Vec<_> = KEYS.into_iter().filter(|key| self.seen(call, key).is_some()).collect();
                assert_eq!(found, there);
            }
            Step::Commit { call } => self.commit(call).await,
            Step::Fail { call } => {
                drop(self.anew(call));
                self.wait_until_unlocked().await;
            }
            Step::Pass { seconds } => CLOCK.set(clock() + i64::from(seconds) * 1_000),
            Step::Forget => {
                assert!(!self.buckets.delete_some_expired().await.expect("a write"));
                self.committed.retain(|_, (kept, _)| is_live(kept));
            }
        }
    }

    async fn swap(&mut self, call: usize, key: &'static str, right: bool, value: u8, seconds: Option<u32>) {
        let version = self.calls[call].get(key).await.expect("an answer").map(|value| value.version);
        let version = if right { version } else { Some(version.map_or(1, |version| version ^ 1)) };
        let done = self.calls[call].swap(key.to_owned(), version, vec![value], seconds).await;
        if self.is_locked_by_others(call, key) {
            return assert_eq!(done, Err(Refusal::Unavailable));
        }
        self.expected[call].locked.insert(key);
        assert_eq!(done, Ok(right));
        if right {
            self.rely(call, key, (vec![value], until(seconds)));
        }
    }

    async fn increment(&mut self, call: usize, key: &'static str, by: i64) {
        let done = self.calls[call].increment(key.to_owned(), by, None, i64::MIN).await;
        if self.is_locked_by_others(call, key) {
            return assert_eq!(done, Err(Refusal::Unavailable));
        }
        self.expected[call].locked.insert(key);
        let number = match self.seen(call, key) {
            Some(bytes) => std::str::from_utf8(&bytes).ok().and_then(|digits| digits.parse::<i64>().ok()),
            None => Some(0),
        };
        let Some(number) = number else {
            return assert_eq!(done, Err(Refusal::NotANumber));
        };
        assert_eq!(done, Ok(number + by));
        self.rely(call, key, ((number + by).to_string().into_bytes(), None));
    }

    /// Replaces a call by a new one; returns the old call and its expected state.
    fn anew(&mut self, call: usize) -> (Session, Expected) {
        let next = super::tests::call(&self.buckets, &self.limits, "demo");
        (std::mem::replace(&mut self.calls[call], next), std::mem::take(&mut self.expected[call]))
    }

    /// Waits until the database has only the locks of calls that run. Locks are removed after the end of a call.
    async fn wait_until_unlocked(&self) {
        if !self.buckets.database.is_shared() {
            return;
        }
        let held: usize = self.expected.iter().map(|expected| expected.locked.len()).sum();
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            assert!(Instant::now() < until, "locks of ended calls are left");
            let count = |read: &Transaction<'_>| read.value::<u64>("SELECT count(*) FROM state_locks", values![]);
            let count = self.buckets.database.read(NO_TENANT, count).await.expect("a number");
            if usize::try_from(count).expect("a small number") <= held {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn commit(&mut self, call: usize) {
        let (session, expected) = self.anew(call);
        let done = session.commit(None).await;
        self.wait_until_unlocked().await;
        let is_changed = expected.bases.iter().any(|(key, base)| match (self.committed.get(key), base) {
            (Some((_, number)), Some(base)) => number != base,
            (Some((kept, _)), None) => is_live(kept),
            (None, base) => base.is_some(),
        });
        if is_changed {
            return assert!(matches!(done, Err(NotCommitted::Changed)), "{done:?}");
        }
        assert!(done.is_ok(), "{done:?}");
        for (key, kept) in expected.writes {
            self.writes += 1;
            match kept {
                Some(kept) => drop(self.committed.insert(key, (kept, self.writes))),
                None => drop(self.committed.remove(key)),
            }
        }
        let size = |(key, ((bytes, _), _)): (&&str, &(Kept, u64))| key.len() + bytes.len();
        let bytes: usize = self.committed.iter().map(size).sum();
        let usage = self.buckets.usage().await.expect("an answer");
        let counted = usage.first().map(|usage| usage.size).unwrap_or_default();
        let number = |number: usize| i64::try_from(number).expect("a small number");
        assert_eq!(counted, Size { keys: number(self.committed.len()), bytes: number(bytes) });
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Writes a value in a call of its own.
async fn keep(buckets: &Arc<Buckets>, limits: &StateLimits, key: &str, bytes: usize, seconds: Option<u32>) {
    let mut call = call(buckets, limits, "demo");
    call.set(key.to_owned(), vec![0; bytes], seconds).await.expect("a write");
    call.commit(None).await.expect("a commit");
}

#[test]
fn writes_over_a_limit_are_rejected_at_the_write_or_at_commit() {
    for place in Place::both() {
        let buckets = buckets(&place);
        let limits = StateLimits { keys_max: 3, bytes_max: 40, value_bytes_max: 30, ..StateLimits::default() };
        runtime().block_on(async {
            keep(&buckets, &limits, "a", 29, None).await;
            let mut first = call(&buckets, &limits, "demo");
            assert_eq!(first.set("b".to_owned(), vec![0; 31], None).await, Err(Refusal::TooLarge));
            assert_eq!(first.set("b".to_owned(), vec![0; 10], None).await, Err(Refusal::Full));
            assert_eq!(first.set("b".to_owned(), vec![0; 8], None).await, Ok(()));
            assert_eq!(first.set("a".to_owned(), vec![0; 30], None).await, Ok(()), "it replaces the old value");
            assert_eq!(first.set("c".to_owned(), vec![], None).await, Err(Refusal::Full), "not a byte is left");
            assert_eq!(first.delete("a".to_owned()).await, Ok(()));
            assert_eq!(first.set("c".to_owned(), vec![], None).await, Ok(()));
            assert_eq!(first.set("d".to_owned(), vec![], None).await, Ok(()));
            assert_eq!(first.set("e".to_owned(), vec![], None).await, Err(Refusal::Full), "three keys are the most");
            // Each of the two writes fits, but not both together.
            let mut second = call(&buckets, &limits, "demo");
            assert_eq!(second.set("f".to_owned(), vec![], None).await, Ok(()));
            first.commit(None).await.expect("it fits");
            assert!(matches!(second.commit(None).await, Err(NotCommitted::Full)));
            let elsewhere = call(&buckets, &limits, "other");
            assert_eq!(elsewhere.get("b").await, Ok(None));
        });
    }
}

#[test]
fn expired_keys_are_invisible_and_use_no_room() {
    for place in Place::both() {
        let buckets = buckets(&place);
        let limits = StateLimits { keys_max: 1, keep_seconds_max: Some(60), ..StateLimits::default() };
        runtime().block_on(async {
            keep(&buckets, &limits, "a", 1, Some(2)).await;
            CLOCK.set(clock() + 1_999);
            assert!(call(&buckets, &limits, "demo").get("a").await.expect("an answer").is_some());
            CLOCK.set(clock() + 1);
            assert_eq!(call(&buckets, &limits, "demo").get("a").await, Ok(None));
            keep(&buckets, &limits, "b", 1, None).await;
            // The operator's limit for the time to live has passed.
            CLOCK.set(clock() + 60_000);
            assert_eq!(call(&buckets, &limits, "demo").get("b").await, Ok(None));
            assert!(!buckets.delete_some_expired().await.expect("a write"));
            assert_eq!(buckets.usage().await.expect("an answer")[0].size, Size::default());
        });
    }
}

#[test]
fn a_call_cannot_write_past_its_limits() {
    for place in Place::both() {
        let buckets = buckets(&place);
        let limits = StateLimits { call_keys_max: 2, call_bytes_max: 10, ..StateLimits::default() };
        runtime().block_on(async {
            let mut call = call(&buckets, &limits, "demo");
            assert_eq!(call.set("a".to_owned(), vec![0; 10], None).await, Err(Refusal::Full));
            for key in ["a", "b", "a"] {
                assert_eq!(call.delete(key.to_owned()).await, Ok(()));
            }
            assert_eq!(call.delete("c".to_owned()).await, Err(Refusal::Full));
            for key in ["a", "b"] {
                assert_eq!(call.swap(key.to_owned(), Some(7), vec![], None).await, Ok(false));
            }
            assert_eq!(call.swap("c".to_owned(), Some(7), vec![], None).await, Err(Refusal::Full));
        });
    }
}

#[test]
fn an_increment_keeps_numbers_within_their_range() {
    for place in Place::both() {
        let buckets = buckets(&place);
        let limits = StateLimits::default();
        runtime().block_on(async {
            let mut call = call(&buckets, &limits, "demo");
            let by = async |call: &mut Session, by, least| call.increment("n".to_owned(), by, None, least).await;
            assert_eq!(by(&mut call, i64::MAX, 0).await, Ok(i64::MAX));
            assert_eq!(by(&mut call, 1, 0).await, Err(Refusal::NotANumber));
            assert_eq!(by(&mut call, i64::MIN, i64::MIN).await, Ok(-1));
            assert_eq!(by(&mut call, 0, 0).await, Err(Refusal::NotANumber));
            call.set("n".to_owned(), b"seven".to_vec(), None).await.expect("a write");
            assert_eq!(by(&mut call, 1, i64::MIN).await, Err(Refusal::NotANumber));
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_call_sees_its_own_writes_and_those_of_successful_calls(
        steps in proptest::collection::vec(step(), 0..80),
    ) {
        for place in Place::both() {
            runtime().block_on(async {
                let mut world = World::new(&place);
                for step in steps.clone() {
                    world.take(step).await;
                }
            });
        }
    }
}
