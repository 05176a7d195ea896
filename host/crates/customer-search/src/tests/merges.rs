//! Tests of merges.

use super::generated;
use super::model::{Customer, Model};
use crate::row::Row;
use crate::staged::Staged;
use crate::{APPLY_MERGE_RUN_ROWS, Audience, Change, Index, SortKey};

const EVERYONE: Audience = Audience(0);

fn customer(n: u32) -> Customer {
    let key = SortKey::from_bytes(&(n % 97).to_be_bytes());
    Customer { key, text: format!("customer {n}\n"), audiences: vec![EVERYONE] }
}

/// Adds customers in batches of one size.
fn add(model: &mut Model, mut index: Index, batches: u32, rows: u32) -> Index {
    for _ in 0..batches {
        let first = model.0.len() as u32;
        let changes: Vec<_> = (first..first + rows).map(|n| (n, Some(customer(n)))).collect();
        index = model.apply(&index, &changes);
    }
    index
}

fn assert_equal(index: &Index, model: &Model) {
    assert_eq!(index.list(&[EVERYONE], None, usize::MAX).rows, model.list(&[EVERYONE], None));
}

/// Returns an index with a merge that is due.
fn with_due_merge() -> (Model, Index) {
    let mut model = Model::default();
    let index = add(&mut model, Index::default().merging_in_apply(3), 4, 20);
    assert!(index.wants_merge());
    (model, index)
}

#[test]
fn small_runs_are_merged_when_changes_are_applied() {
    let mut model = Model::default();
    let index = add(&mut model, Index::default(), 300, 1);
    assert!(index.runs() < 12, "{} runs", index.runs());
    assert_equal(&index, &model);
}

#[test]
fn large_runs_are_left_to_a_plan() {
    let mut model = Model::default();
    let index = add(&mut model, Index::default(), 4, APPLY_MERGE_RUN_ROWS as u32 + 1);
    assert_eq!((index.runs(), index.wants_merge()), (4, true));
}

#[test]
fn a_plan_makes_one_run() {
    let (model, index) = with_due_merge();
    let merged = index.merge_plan().expect("a plan").run();
    let index = index.install(&merged).expect("the index");
    assert_eq!((index.runs(), index.wants_merge()), (1, false));
    assert_equal(&index, &model);
}

#[test]
fn changes_after_the_plan_are_kept_when_it_is_installed() {
    let (mut model, index) = with_due_merge();
    let plan = index.merge_plan().expect("a plan");
    let renamed = Customer { key: SortKey::from_bytes(b"renamed"), ..customer(7) };
    let index = model.apply(&index, &[(3, None), (7, Some(renamed)), (900, Some(customer(900)))]);
    let index = index.install(&plan.run()).expect("the index");
    assert_equal(&index, &model);
}

#[test]
fn a_row_that_changed_before_and_after_the_plan_is_there_once() {
    let (mut model, index) = with_due_merge();
    let index = model.apply(&index, &[(7, Some(customer(7)))]);
    let plan = index.merge_plan().expect("a plan");
    let index = model.apply(&index, &[(7, Some(customer(7)))]);
    let index = index.install(&plan.run()).expect("the index");
    assert_equal(&index, &model);
}

#[test]
fn a_plan_whose_rows_were_all_removed_is_dropped() {
    let (mut model, index) = with_due_merge();
    let plan = index.merge_plan().expect("a plan");
    let all: Vec<_> = model.0.keys().map(|n| (*n, None)).collect();
    let index = model.apply(&index, &all);
    assert!(index.install(&plan.run()).is_none());
    assert_equal(&index, &model);
}

#[test]
fn a_merge_is_installed_once() {
    let (_, index) = with_due_merge();
    let merged = index.merge_plan().expect("a plan").run();
    let index = index.install(&merged).expect("the index");
    assert!(index.install(&merged).is_none());
}

#[test]
fn an_earlier_index_rejects_a_merge() {
    let (mut model, earlier) = with_due_merge();
    let index = model.apply(&earlier, &[(3, None)]);
    let merged = index.merge_plan().expect("a plan").run();
    assert!(earlier.install(&merged).is_none());
}

#[test]
fn a_run_with_more_dead_rows_than_live_ones_is_rewritten() {
    let mut model = Model::default();
    let index = add(&mut model, Index::default().merging_in_apply(3), 1, 100);
    let half: Vec<_> = (0..51).map(|n| (n, None)).collect();
    let index = model.apply(&index, &half);
    let before = index.memory_bytes();
    let merged = index.merge_plan().expect("a plan").run();
    let index = index.install(&merged).expect("the index");
    assert!(index.memory_bytes() < before * 6 / 10, "{} of {before}", index.memory_bytes());
    assert_equal(&index, &model);
}

#[test]
fn rows_beyond_the_limit_of_bytes_are_several_runs() {
    let mut staged = Staged::default();
    let customers: Vec<Customer> = (0..1_000).map(customer).collect();
    for (n, customer) in (0..).zip(&customers) {
        staged.push(&customer.row(n));
    }
    let runs = staged.into_runs_within(5_000);
    assert!(runs.len() > 4 && runs.iter().all(|run| run.weight() <= 5_000), "{} runs", runs.len());
    assert_eq!(runs.iter().map(crate::run::Run::len).sum::<usize>(), 1_000);
}

#[test]
fn a_row_that_is_larger_than_the_limit_of_bytes_has_its_own_run() {
    let mut staged = Staged::default();
    for n in 0..3 {
        staged.push(&customer(n).row(n));
    }
    assert_eq!(staged.into_runs_within(1).len(), 3);
}

#[test]
fn a_long_text_is_cut_at_a_character() {
    let key = SortKey::from_bytes(b"k");
    let text = "ก".repeat(1_000_000);
    let index = Index::build([Row { n: 1, key: &key, text: &text, audiences: &[EVERYONE] }]);
    assert!(index.memory_bytes() < 2_000, "{} bytes", index.memory_bytes());
}

#[test]
fn an_index_before_a_change_stays_as_it_was() {
    let mut model = Model::default();
    let before = add(&mut model, Index::default(), 1, 50);
    let expected = model.clone();
    let _ = model.apply(&before, &[(3, None), (4, Some(customer(400)))]);
    assert_equal(&before, &expected);
}

#[test]
fn a_load_by_changes_equals_a_build() {
    let customers = generated::customers(3_000);
    let mut index = Index::default();
    for chunk in customers.chunks(1_000) {
        let changes: Vec<_> = chunk.iter().map(|one| Change { old: None, new: Some(one.row()) }).collect();
        index = index.apply(&changes);
    }
    let audiences = generated::audiences();
    let built = Index::build(customers.iter().map(generated::Customer::row));
    assert_eq!(index.list(&audiences, None, usize::MAX), built.list(&audiences, None, usize::MAX));
}

#[test]
fn an_index_is_shared_between_threads() {
    fn is_shared<T: Send + Sync + Clone + 'static>() {}
    is_shared::<Index>();
}
