//! Moments between two writes, which the steps of the model do not stop at.

use std::ops::Range;
use std::sync::Arc;

use frontgate_contract::bindings::crm::{ListRequest, Position};
use frontgate_store::sql::Transaction;
use frontgate_store::values;
use frontgate_test_postgres::{Database, Place};

use super::{Draft, Model, Reported, Step, World, batch, model};
use crate::rows::{forget, read, source};
use crate::{Applied, CursorKind, Customers, Fence, Readiness, Write};

/// Positions in the model's list of ways to be seen.
const EVERYONE: usize = 0;
const BEN_ONLY: usize = 3;

/// Returns a report of customers with these ids.
fn reported(ids: Range<usize>, name: usize, seen_by: usize) -> Reported {
    let draft = |id| Draft { id, name, seen_by, company: 0, number: 0, version: None, is_complete: true };
    Reported { upserts: ids.map(draft).collect(), removals: vec![], teams: None, twice: false }
}

#[test]
fn what_was_missed_is_shown_all_at_once() {
    for place in Place::both() {
        let mut world = World::new(&place, "demo");
        world.take(&Step::Sweep(reported(0..3, 0, EVERYONE)));
        world.take(&Step::Finish { reached: None });
        world.check(true, 0);
        // More changes than one read returns.
        world.take(&Step::Changes(reported(3..30, 1, EVERYONE)));
        let follower = Arc::clone(&world.gateways.as_ref().expect("gateways")[1]);
        let before = *follower.changes().borrow();
        world.check(true, 0);
        assert_eq!(*follower.changes().borrow(), before + 1);
    }
}

#[test]
fn a_gateway_that_has_not_followed_a_change_lists_no_customer_that_it_hides() {
    for place in Place::both() {
        let mut world = World::new(&place, "demo");
        world.take(&Step::Sweep(reported(0..4, 0, EVERYONE)));
        world.take(&Step::Finish { reached: None });
        let follower = Arc::clone(&world.gateways.as_ref().expect("gateways")[1]);
        world.runtime.block_on(follower.follow()).expect("a read");
        let before = follower.last_change();
        // With another name, they would be in other rows.
        world.take(&Step::Changes(reported(1..3, 0, BEN_ONLY)));
        let listed = |worker: &str| {
            let (worker, position) = (worker.to_owned(), Position::First);
            let request = ListRequest { worker, page_size: 10, position, query: None };
            let page = world.runtime.block_on(follower.list(request)).expect("a page");
            page.customers.into_iter().map(|customer| customer.customer_id).collect::<Vec<_>>()
        };
        assert_eq!(listed("ana@example.org"), ["c-0", "c-3"]);
        assert_eq!(listed("ben@example.org"), ["c-0", "c-1", "c-2", "c-3"]);
        assert_eq!(follower.last_change(), before);
    }
}

#[test]
fn a_batch_of_a_former_keeper_is_not_committed() {
    // Only a shared database has keepers.
    let place = Place::Postgres(Database::create());
    let mut world = World::new(&place, "demo");
    world.take(&Step::Sweep(reported(0..3, 0, EVERYONE)));
    world.take(&Step::Finish { reached: None });
    let own = Arc::clone(world.own());
    let keep = |replica: i64, fence: i64| {
        let keep = move |transaction: &Transaction<'_>| {
            transaction.execute("DELETE FROM keepers", values![])?;
            let insert = "INSERT INTO keepers (tenant, part, replica, fence, since_ms)
                          VALUES ('demo', 'customers', ?1, ?2, 0)";
            transaction.execute(insert, values![replica, fence])
        };
        world.runtime.block_on(own.write(keep)).expect("a write");
        Fence { replica, fence }
    };
    let (first, second) = (keep(1, 1), keep(2, 2));
    // Both runs continue the same cursor.
    let since = world.model.changes_cursor.clone();
    let apply = |ids: Range<usize>, fence: Fence| {
        let (batch, _) = batch(&reported(ids, 1, EVERYONE), vec![fence.fence.try_into().expect("a byte")]);
        world.runtime.block_on(async {
            let batch = own.convert(CursorKind::Changes, since.clone(), batch, Some(fence)).await.expect("a batch");
            own.apply(batch).await.expect("a write")
        })
    };
    for former in [first, Fence { fence: 1, ..second }, Fence { replica: 1, ..second }] {
        assert_eq!(apply(10..20, former), Write::Superseded, "{former:?}");
    }
    (0..model::WORKERS.len()).for_each(|turn| world.check(true, turn));
    assert_eq!(apply(20..22, second), Write::Applied(Applied { added: 2, ..Applied::default() }));
}

#[test]
fn an_index_that_is_switched_on_during_its_deletion_begins_anew() {
    for place in Place::both() {
        let mut world = World::new(&place, "demo");
        world.take(&Step::Finish { reached: None });
        let own = Arc::clone(world.own());
        let tenant = Arc::clone(&own.tenant);
        let set_aside = move |transaction: &Transaction<'_>| forget::set_aside(transaction, &tenant);
        let aside = world.runtime.block_on(own.write(set_aside)).expect("a write");
        world.runtime.block_on(own.follow()).expect("a read");
        assert_eq!(own.readiness(), Readiness::NotReady);
        world.model = Model::default();
        world.begin_run();
        world.check(true, 0);
        let others = Customers::new(Arc::clone(&own.database), world.runtime.handle().clone());
        others.configure([(&own.tenant, own.settings())]);
        world.runtime.block_on(others.delete_others()).expect("a write");
        world.check(true, 0);
        let left = move |read: &Transaction<'_>| source::read(read, &aside);
        assert_eq!(world.runtime.block_on(own.database.read("demo", left)).expect("a read"), None);
    }
}

#[test]
fn sqlite_looks_up_known_customers_by_their_ids() {
    let [place, _] = Place::both();
    let world = World::new(&place, "demo");
    let plan = |transaction: &Transaction<'_>| {
        let select = format!("EXPLAIN QUERY PLAN {}", read::known_select(3));
        transaction.rows(&select, values![1_i64, "a", "b", "c"], |row| row.get::<String>(3))
    };
    let plan = world.runtime.block_on(world.own().write(plan)).expect("a read").join("\n");
    assert!(plan.contains("customers_by_id (source=? AND customer_id=?)"), "{plan}");
}
