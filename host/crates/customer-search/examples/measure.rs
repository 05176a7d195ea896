//! Measures the index over generated customers: `cargo run --release -p frontgate-customer-search --example measure`.
//!
//! The first argument is the number of customers, by default 1,000,000.

#![allow(clippy::print_stdout, reason = "prints its measurements")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use frontgate_customer_search::{
    Audience, Change, Index, Page, Position, Query, Row, SEARCH_BUDGET_BYTES, SortKey, SortKeys, Spelling,
    searched_text,
};

use crate::generated::{Customer, Random};

#[allow(unreachable_pub, dead_code, reason = "shared with the tests")]
#[path = "../src/tests/generated.rs"]
mod generated;

const QUERIES: &[&str] = &[
    "goncalves",
    "alves",
    "mar",
    "example",
    "gmail.com",
    "a",
    "ma",
    "maria silva",
    "acme logistics",
    "zimmermann",
    "silva santos oliveira",
    "119",
    "987654",
    "王伟",
    "สมชาย",
    "محمد",
    "김민",
    "さくら",
    "xq",
    "qqq",
    "a b",
    "q i",
    "+55 (11) 9876",
];
const RUNS: usize = 201;

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let (mut random, keys) = (Random(1), SortKeys::new("").expect("the root"));
    let start = Instant::now();
    let customers: Vec<Customer> = (0..count).map(|n| generated::customer(n, &mut random, &keys)).collect();
    println!("generate, fold and key {count} customers: {:.2?}", start.elapsed());
    let start = Instant::now();
    let index = Index::build(customers.iter().map(Customer::row));
    println!("build: {:.2?}", start.elapsed());
    println!("memory: {:.1} bytes a customer", index.memory_bytes() as f64 / index.len() as f64);
    let all = Index::build(customers.iter().map(|one| Row { audiences: &[Audience(0)], ..one.row() }));
    let everyone = Audience(0);
    let teams = generated::audiences();
    println!("\np50 and worst of {RUNS} runs, 20 rows, by who asks: big, small, all in 1, 201, 1,000 segments");
    let thousand: Vec<Audience> = (0..1_000).map(Audience).collect();
    let spread = Index::build(
        customers.iter().map(|one| Row { audiences: &thousand[one.n as usize % 1_000..][..1], ..one.row() }),
    );
    let views: [(&Index, &[Audience]); 5] = [
        (&index, &[everyone, Audience(1)]),
        (&index, &[everyone, Audience(50)]),
        (&all, &[everyone]),
        (&index, &teams),
        (&spread, &thousand),
    ];
    pages(&views);
    load(&customers);
    changes(&index, customers, &mut random, &keys);
}

fn pages(views: &[(&Index, &[Audience])]) {
    print!("{:24}", "list, first page");
    for (index, audiences) in views {
        measure(|| index.list(audiences, None, 20));
    }
    print!("\n{:24}", "list, middle page");
    for (index, audiences) in views {
        let middle = index.list(audiences, None, index.len() / 8).next;
        measure(|| index.list(audiences, middle.as_ref(), 20));
    }
    println!();
    for text in QUERIES {
        print!("{text:24}");
        for (index, audiences) in views {
            measure(|| {
                let page = index.search(audiences, &Query::parse(text), None, 20, SEARCH_BUDGET_BYTES);
                assert!(!page.is_exhausted, "{text}");
                page
            });
        }
        println!();
    }
}

fn measure(mut page: impl FnMut() -> Page) {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            black_box(page());
            start.elapsed()
        })
        .collect();
    times.sort();
    print!("{:>11.1?} {:>9.1?}", times[RUNS / 2], times[RUNS - 1]);
}

/// Loads all customers by changes, as a first enumeration of the source does.
fn load(customers: &[Customer]) {
    let (mut index, mut merges, start) = (Index::default(), Vec::new(), Instant::now());
    let mut worst = Duration::ZERO;
    for chunk in customers.chunks(1_000) {
        let batch: Vec<Change<'_>> = chunk.iter().map(|one| Change { old: None, new: Some(one.row()) }).collect();
        let before = Instant::now();
        index = index.apply(&batch);
        worst = worst.max(before.elapsed());
        while let Some(plan) = index.merge_plan() {
            let (rows, before) = (plan.rows(), Instant::now());
            index = index.install(&plan.run()).expect("the same runs");
            merges.push((before.elapsed(), rows));
        }
    }
    println!("\nload by {} changes: {:.2?}, {} runs", customers.len(), start.elapsed(), index.runs());
    println!("worst apply {worst:.1?}; {} merges, longest {:.1?}", merges.len(), merges.iter().max());
}

/// Applies batches of 1,000 changes: half of them new owners, half renamed.
fn changes(index: &Index, mut customers: Vec<Customer>, random: &mut Random, keys: &SortKeys) {
    let (mut index, mut times, mut merges) = (index.clone(), Vec::new(), Vec::new());
    for _ in 0..200 {
        let changed: Vec<(Position, Customer)> = (0..1_000_u32)
            .map(|change| {
                let n = random.below(customers.len() as u64) as u32;
                let mut new = generated::customer(n, random, keys);
                let old = &customers[n as usize];
                if change.is_multiple_of(2) {
                    new.key = old.key.clone();
                }
                (Position { key: old.key.clone(), n }, new)
            })
            .collect();
        let batch: Vec<Change<'_>> =
            changed.iter().map(|(old, new)| Change { old: Some(old.clone()), new: Some(new.row()) }).collect();
        let start = Instant::now();
        index = index.apply(&batch);
        times.push(start.elapsed());
        for (_, new) in changed {
            let n = new.n as usize;
            customers[n] = new;
        }
        while let Some(plan) = index.merge_plan() {
            let (rows, start) = (plan.rows(), Instant::now());
            let merged = plan.run();
            let took = start.elapsed();
            index = index.install(&merged).expect("the same runs");
            merges.push((rows, took));
        }
    }
    times.sort();
    println!("\napply 1,000 changes: p50 {:.1?}, worst {:.1?}; {} runs", times[100], times[199], index.runs());
    println!("merges: {merges:.1?}");
    println!("list afterwards:");
    let teams = generated::audiences();
    for audiences in [&[Audience(0), Audience(1)][..], &teams] {
        measure(|| index.list(audiences, None, 20));
        println!();
    }
    let start = Instant::now();
    let rebuilt = Index::build(customers.iter().map(Customer::row));
    println!("build again: {:.2?}", start.elapsed());
    assert_eq!(rebuilt.list(&teams, None, usize::MAX), index.list(&teams, None, usize::MAX));
}
