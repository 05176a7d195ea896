//! Tests of the record on both engines.

use frontgate_store::sql::Scope;
use frontgate_store::{Database, Settings, Shared};
use frontgate_test_postgres::Place;

use super::*;

/// A new database of one engine.
fn opened(place: &Place) -> Shared {
    let settings = Settings { url: place.url(), ..Settings::default() };
    drop(Database::open(&settings).expect("a database"));
    Shared::open(&settings).expect("the database")
}

fn append_some(database: &mut Shared, count: i64) {
    let actor = Actor { who: "ana".to_owned(), role: "operator" };
    for number in 0..count {
        let object = format!("delivery {number}");
        let new = NewAction {
            tenant: Some("demo"),
            before: Some("dead"),
            after: Some("ready"),
            ..NewAction::new(&actor, "retry", &object)
        };
        database.write(&Scope::Rows, |transaction| append(transaction, &new)).expect("a row");
    }
}

fn change(database: &mut Shared, statement: &str) {
    database.write(&Scope::Rows, |transaction| transaction.execute(statement, values![])).expect("a change");
}

#[test]
fn unchanged_rows_are_verified() {
    for place in Place::both() {
        let mut database = opened(&place);
        append_some(&mut database, 5);
        let found = database.read(verify).expect("a result");
        assert_eq!((found.verified, found.without_digest, found.broken), (5, 0, None));
    }
}

#[test]
fn a_changed_row_is_found() {
    for place in Place::both() {
        let mut database = opened(&place);
        append_some(&mut database, 5);
        change(&mut database, "UPDATE actions SET who = 'bob' WHERE id = 3");
        assert_eq!(database.read(verify).expect("a result").broken, Some(3));
    }
}

#[test]
fn a_removed_row_is_found_at_the_next_one() {
    for place in Place::both() {
        let mut database = opened(&place);
        append_some(&mut database, 5);
        change(&mut database, "DELETE FROM actions WHERE id = 2");
        assert_eq!(database.read(verify).expect("a result").broken, Some(3));
    }
}

#[test]
fn a_row_without_a_digest_after_one_with_a_digest_is_found() {
    for place in Place::both() {
        let mut database = opened(&place);
        append_some(&mut database, 3);
        change(&mut database, "UPDATE actions SET chain = NULL WHERE id = 2");
        assert_eq!(database.read(verify).expect("a result").broken, Some(2));
    }
}

#[test]
fn rows_of_older_programs_are_counted_and_not_verified() {
    for place in Place::both() {
        let mut database = opened(&place);
        change(
            &mut database,
            "INSERT INTO actions (time_ms, who, role, action, object) VALUES (1, 'ana', 'command', 'retry', 'delivery 1')",
        );
        append_some(&mut database, 2);
        let found = database.read(verify).expect("a result");
        assert_eq!((found.verified, found.without_digest, found.broken), (2, 1, None));
    }
}

#[test]
fn rows_are_verified_after_older_ones_were_deleted() {
    for place in Place::both() {
        let mut database = opened(&place);
        append_some(&mut database, 5);
        change(&mut database, "UPDATE actions SET time_ms = 1 WHERE id <= 3");
        let deleted = database.write(&Scope::Rows, |transaction| prune(transaction, 2, 100)).expect("a deletion");
        let found = database.read(verify).expect("a result");
        // The newest of the old rows stays: the digest of the next row starts with its digest.
        assert_eq!((deleted, found.verified, found.broken), (2, 2, None));
    }
}

#[test]
fn actions_are_listed_by_object_and_person() {
    for place in Place::both() {
        let mut database = opened(&place);
        append_some(&mut database, 3);
        let by = |filter: Filter| database.read(|read| list(read, &filter, 10)).expect("a list").len();
        assert_eq!(by(Filter { object: Some("delivery 1".to_owned()), ..Filter::default() }), 1);
        assert_eq!(by(Filter { who: Some("ana".to_owned()), before_id: Some(3), ..Filter::default() }), 2);
        assert_eq!(by(Filter { who: Some("bob".to_owned()), ..Filter::default() }), 0);
    }
}
