//! Two writes at the same time on Postgres, in the order that loses a wake-up if they do not lock their scope.
//!
//! One write ends the first delivery of a conversation and finds no other. Before it commits, the next delivery of the
//! conversation is accepted, and finds the first one still open. The second one would never become due.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use frontgate_store::sql::Scope;
use frontgate_store::{Origin, values};
use frontgate_test_postgres::Database as TestDatabase;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::*;
use crate::store::{events, queue};

fn second() -> NewDelivery {
    NewDelivery {
        tenant: TENANT.into(),
        kind: Kind::Conversations,
        name: "event".to_owned(),
        conversation: "CH0".to_owned(),
        payload: "[]".to_owned(),
        channel: None,
        message: None,
        request: "request".into(),
    }
}

/// A write that stands still between its statements and its commit.
struct Stopped {
    write: JoinHandle<Result<(), StoreError>>,
    written: Receiver<()>,
    go: Sender<()>,
}

/// Ends a delivery, and stops before the commit.
fn settle_and_stop(store: &Store, delivery: &Arc<Delivery>, scope: Scope) -> Stopped {
    let (database, delivery) = (Arc::clone(&store.database), Arc::clone(delivery));
    let (told, written) = channel();
    let (go, gone) = channel();
    let (told, gone) = (Mutex::new(told), Mutex::new(gone));
    let write = tokio::spawn(async move {
        let settle = move |transaction: &Transaction<'_>| {
            queue::release(transaction, &delivery, &Transition::new(State::Sent, 0))?;
            rows::schedule_next(transaction, TENANT, &delivery.conversation)?;
            let _ = told.lock().send(());
            let _ = gone.lock().recv();
            Ok(())
        };
        database.write(Origin::progress(TENANT), scope, settle).await
    });
    Stopped { write, written, go }
}

fn accept(store: &Store, scope: Scope) -> JoinHandle<Result<(), StoreError>> {
    let (database, limits) = (Arc::clone(&store.database), store.limits);
    tokio::spawn(async move {
        let accept = move |transaction: &Transaction<'_>| {
            let answer = StoredAnswer { body: b"{}".to_vec(), rejected: false };
            let identities = ["second".to_owned()];
            events::accept(transaction, limits, TENANT, &identities, &answer, Some(&second())).map(drop)
        };
        database.write(Origin::event(TENANT, 0), scope, accept).await
    })
}

/// Waits until a session of the database waits for a lock.
fn wait_until_one_waits(place: &TestDatabase) {
    let until = Instant::now() + Duration::from_secs(60);
    while place.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").is_empty() {
        assert!(Instant::now() < until, "no session waits for the lock");
        std::thread::yield_now();
    }
}

/// Interleaves both writes, and returns whether the second delivery can be leased afterwards.
async fn second_becomes_due(has_scopes: bool) -> bool {
    let place = Place::Postgres(TestDatabase::create());
    let mut world = World::new(&place).await;
    world.take(Step::Accept { conversation: 0, routing: false }).await;
    assert!(world.claim(Kind::Conversations).await);
    let delivery = world.held.pop().expect("the first delivery");
    let scope = || match has_scopes {
        true => queue::scope(&TENANT.into(), "CH0", None),
        false => Scope::Rows,
    };
    let stopped = settle_and_stop(world.store(), &delivery, scope());
    tokio::task::block_in_place(|| stopped.written.recv()).expect("the write runs");
    let accepting = accept(world.store(), scope());
    let accepting = if has_scopes {
        let Place::Postgres(database) = &place else { unreachable!() };
        tokio::task::block_in_place(|| wait_until_one_waits(database));
        Some(accepting)
    } else {
        accepting.await.expect("no panic").expect("a write");
        None
    };
    stopped.go.send(()).expect("it waits");
    stopped.write.await.expect("no panic").expect("a write");
    if let Some(accepting) = accepting {
        accepting.await.expect("no panic").expect("a write");
    }
    let due = world.look("SELECT count(*) FROM deliveries WHERE state = 'ready'", |row| row.get::<i64>(0));
    assert_eq!(due, 1);
    world.claim(Kind::Conversations).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_is_accepted_while_its_predecessor_ends_becomes_due() {
    assert!(second_becomes_due(true).await);
}

/// Shows that the test above finds what scopes prevent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scopes_its_wake_up_is_lost() {
    assert!(!second_becomes_due(false).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_with_a_lost_lease_changes_nothing() {
    let place = Place::Postgres(TestDatabase::create());
    let mut world = World::new(&place).await;
    world.take(Step::Accept { conversation: 0, routing: false }).await;
    assert!(world.claim(Kind::Conversations).await);
    let delivery = world.held.pop().expect("the delivery");
    // Another replica declares this one ended, and releases the lease.
    let end = |transaction: &Transaction<'_>| transaction.execute("UPDATE replicas SET state = 'ended'", values![]);
    blocking(|| Shared::open(&world.config).expect("the database").write(&Scope::Rows, end)).expect("a write");
    world.store().release_ended().await.expect("a write");
    let planned = world.store().plan(TENANT, &delivery, "plan", Duration::from_secs(1)).await;
    assert!(!planned.expect("a write"), "the plan would let the request leave");
    let settled = world.store().settle(TENANT, &delivery, Transition::new(State::Sent, 0)).await;
    assert!(!settled.expect("a write"));
    let state = world.look("SELECT state FROM deliveries", |row| row.get::<String>(0));
    assert_eq!(state, "ready");
}
