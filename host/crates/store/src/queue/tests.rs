//! Tests of the queue's shares, lanes and order.

use super::*;

const LIMITS: Limits = Limits { all: 100, tenant: 40, tenant_bytes: 1_000, channel: 5 };

fn queue() -> Queue<&'static str> {
    Queue::new(LIMITS)
}

fn fill(queue: &Queue<&'static str>, origin: &Origin, name: &'static str) -> (usize, StoreError) {
    let mut taken = 0;
    loop {
        match queue.push(origin.clone(), name) {
            Ok(()) => taken += 1,
            Err(error) => return (taken, error),
        }
    }
}

#[test]
fn tenants_take_turns() {
    let queue = queue();
    fill(&queue, &Origin::event("a", 1), "a");
    for _ in 0..2 {
        queue.push(Origin::event("b", 1), "b").expect("room");
    }
    let first: Vec<_> = std::iter::from_fn(|| queue.next()).take(5).collect();
    assert_eq!(first, ["a", "b", "a", "b", "a"]);
}

#[test]
fn progress_comes_first_then_events_then_state_then_imports() {
    let queue = queue();
    queue.push(Origin::import("a", 1, 1), "import").expect("room");
    queue.push(Origin::state("a", 1), "state").expect("room");
    queue.push(Origin::event("a", 1), "event").expect("room");
    queue.push(Origin::progress("a"), "progress").expect("room");
    let all: Vec<_> = std::iter::from_fn(|| queue.next()).collect();
    assert_eq!(all, ["progress", "event", "state", "import"]);
}

#[test]
fn each_limit_rejects_writes_and_is_named_in_the_error() {
    let queue = queue();
    let over = |got: (usize, StoreError), taken, overload| {
        assert_eq!(got.0, taken);
        assert!(matches!(got.1, StoreError::Overload(found) if found == overload), "{:?}", got.1);
    };
    over(fill(&queue, &Origin::import("a", 1, 1), "-"), 5, Overload::Channel);
    over(fill(&queue, &Origin::import("a", 2, 1), "-"), 5, Overload::Channel);
    // Half of the share is reserved for events.
    over(fill(&queue, &Origin::state("a", 1), "-"), 10, Overload::Tenant);
    over(fill(&queue, &Origin::event("a", 1), "-"), 20, Overload::Tenant);
    over(fill(&queue, &Origin::event("b", 300), "-"), 4, Overload::Tenant);
    over(fill(&queue, &Origin::event("c", 1), "-"), 40, Overload::Tenant);
}

#[test]
fn a_full_queue_accepts_writes_of_a_tenant_within_its_reserve() {
    let queue = queue();
    for tenant in ["a", "b", "c"] {
        fill(&queue, &Origin::event(tenant, 1), "-");
    }
    let (taken, error) = fill(&queue, &Origin::event("d", 1), "-");
    assert_eq!(taken, RESERVED);
    assert!(matches!(error, StoreError::Overload(Overload::Queue)), "{error:?}");
}

#[test]
fn progress_is_never_rejected() {
    let queue = queue();
    fill(&queue, &Origin::event("a", 1), "-");
    queue.push(Origin::progress("a"), "progress").expect("room");
    assert_eq!(queue.next(), Some("progress"));
}

#[test]
fn a_write_that_was_taken_frees_its_room() {
    let queue = queue();
    let import = Origin::import("a", 1, 300);
    let (taken, _) = fill(&queue, &import, "-");
    assert!(taken > 0);
    while queue.next().is_some() {}
    let (again, _) = fill(&queue, &import, "-");
    assert_eq!(taken, again);
    assert!(queue.inner.lock().counted == again);
}
