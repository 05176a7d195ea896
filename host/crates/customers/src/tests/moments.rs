//! Moments between two writes, which the steps of the model do not stop at.

use std::ops::Range;
use std::sync::Arc;

use frontgate_store::sql::Transaction;
use frontgate_test_postgres::Place;

use super::{Draft, Model, Reported, Step, World};
use crate::rows::{forget, source};
use crate::{Customers, Readiness};

#[test]
fn what_was_missed_is_shown_all_at_once() {
    for place in Place::both() {
        let mut world = World::new(&place, "demo");
        let customers = |ids: Range<usize>| {
            let draft =
                |id| Draft { id, name: id % 3, seen_by: 0, company: 0, number: 0, version: None, is_complete: true };
            Reported { upserts: ids.map(draft).collect(), removals: vec![], teams: None, twice: false }
        };
        world.take(&Step::Sweep(customers(0..3)));
        world.take(&Step::Finish { reached: None });
        world.check(true, 0);
        // More changes than one read returns.
        world.take(&Step::Changes(customers(3..30)));
        let follower = Arc::clone(&world.gateways.as_ref().expect("gateways")[1]);
        let before = *follower.changes().borrow();
        world.check(true, 0);
        assert_eq!(*follower.changes().borrow(), before + 1);
    }
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
        let others = Customers::new(Arc::clone(&own.database));
        others.configure([(&own.tenant, own.settings())]);
        world.runtime.block_on(others.delete_others()).expect("a write");
        world.check(true, 0);
        let left = move |read: &Transaction<'_>| source::read(read, &aside);
        assert_eq!(world.runtime.block_on(own.database.read("demo", left)).expect("a read"), None);
    }
}
