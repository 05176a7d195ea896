//! Tests of pages while the index changes, and of their limits.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::generated;
use super::model::{Customer, Model};
use super::pages::customer;
use crate::{Audience, Change, Index, Position, Query, Row, SEARCH_BUDGET_BYTES, SortKey};

const EVERYONE: Audience = Audience(0);

fn letters(letters: &str) -> Model {
    let customer = |letter: char| Customer {
        key: SortKey::from_bytes(letter.to_string().as_bytes()),
        text: format!("{letter}\n"),
        audiences: vec![EVERYONE],
    };
    Model((0..).zip(letters.chars().map(customer)).collect())
}

fn numbers(rows: &[Position]) -> Vec<u32> {
    rows.iter().map(|position| position.n).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn paging_under_changes_shows_each_unchanged_row_once(
        customers in prop::collection::vec(customer(), 40),
        batches in prop::collection::vec(
            prop::collection::vec((0_u32..60, prop::option::of(customer())), 0..4), 1..12),
        limit in 1_usize..5,
    ) {
        let audiences: Vec<Audience> = (0..5).map(Audience).collect();
        let mut model = Model((0..).zip(customers).collect());
        let before = numbers(&model.list(&audiences, None));
        let mut index = model.index().merging_in_apply(3);
        let (mut seen, mut after, mut batches) = (Vec::new(), None, batches.into_iter());
        let mut changed = BTreeSet::new();
        loop {
            let page = index.list(&audiences, after.as_ref(), limit);
            seen.extend(numbers(&page.rows));
            after = page.next;
            if after.is_none() {
                break;
            }
            if let Some(batch) = batches.next() {
                changed.extend(batch.iter().map(|(n, _)| *n));
                index = model.apply(&index, &batch);
            }
        }
        for n in before.iter().filter(|n| !changed.contains(n)) {
            prop_assert_eq!(seen.iter().filter(|seen| *seen == n).count(), 1, "row {}", n);
        }
    }
}

#[test]
fn a_position_whose_row_vanished_continues_behind_it() {
    let mut model = letters("abcde");
    let index = model.index();
    let after = index.list(&[EVERYONE], None, 2).next.expect("more");
    let index = model.apply(&index, &[(1, None)]);
    assert_eq!(numbers(&index.list(&[EVERYONE], Some(&after), 2).rows), [2, 3]);
}

#[test]
fn the_last_page_has_no_next_position() {
    assert_eq!(letters("abcd").index().list(&[EVERYONE], None, 4).next, None);
}

#[test]
fn another_audience_sees_nothing() {
    assert_eq!(letters("abc").index().list(&[Audience(7)], None, 4).rows, []);
}

#[test]
fn a_row_of_two_audiences_is_listed_once() {
    let mut model = letters("abc");
    for customer in model.0.values_mut() {
        customer.audiences = vec![Audience(2), Audience(1), Audience(1)];
    }
    let page = model.index().list(&[Audience(2), Audience(1), Audience(2)], None, 10);
    assert_eq!(numbers(&page.rows), [0, 1, 2]);
}

#[test]
fn a_page_without_rows_is_empty() {
    assert_eq!(letters("abc").index().list(&[EVERYONE], None, 0).rows, []);
}

#[test]
fn the_last_of_several_changes_of_a_row_decides() {
    let model = letters("abc");
    let row = |letter: &[u8]| Customer { key: SortKey::from_bytes(letter), ..model.0[&0].clone() };
    let (first, second) = (row(b"x"), row(b"y"));
    let changes = [(model.position(0), &first), (Some(Position { key: first.key.clone(), n: 0 }), &second)];
    let index = model.index().apply(&changes.map(|(old, new)| Change { old, new: Some(new.row(0)) }));
    let expected = [(b"b", 1), (b"c", 2), (b"y", 0)].map(|(key, n)| Position { key: SortKey::from_bytes(key), n });
    assert_eq!(index.list(&[EVERYONE], None, 10).rows, expected);
}

#[test]
fn of_rows_with_one_position_the_last_is_kept() {
    let key = SortKey::from_bytes(b"k");
    let rows = ["first", "second"].map(|text| Row { n: 1, key: &key, text, audiences: &[EVERYONE] });
    let index = Index::build(rows);
    assert_eq!(index.len(), 1);
    assert_eq!(index.search(&[EVERYONE], &Query::parse("second"), None, 5, SEARCH_BUDGET_BYTES).rows.len(), 1);
}

#[test]
fn a_search_beyond_its_budget_continues_where_it_stopped() {
    let index = generated::index(5_000);
    let query = Query::parse("qqqqqq");
    let audiences = [0, 1, 2].map(Audience);
    let (mut after, mut pages) = (None, 0);
    loop {
        let page = index.search(&audiences, &query, after.as_ref(), 20, 20_000);
        assert_eq!(page.is_exhausted, page.next.is_some());
        if page.next.is_none() {
            break;
        }
        (after, pages) = (page.next, pages + 1);
    }
    assert!((3..20).contains(&pages), "{pages} pages");
}

#[test]
fn a_common_word_is_found_without_a_scan_of_all() {
    let index = generated::index(20_000);
    let page = index.search(&generated::audiences(), &Query::parse("mar"), None, 20, 100_000);
    assert_eq!((page.rows.len(), page.is_exhausted), (20, false));
}

#[test]
fn a_thousand_audiences_see_each_row_once() {
    let index = generated::index(5_000);
    let audiences: Vec<Audience> = (0..1_000).map(Audience).collect();
    let page = index.list(&audiences, None, usize::MAX);
    assert_eq!((page.rows.len(), page.rows.is_sorted()), (5_000, true));
}
