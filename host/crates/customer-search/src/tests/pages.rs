//! Tests of pages against the model: random rows, changes, merges and queries.

use proptest::prelude::*;
use proptest::sample::select;

use super::generated;
use super::model::{Customer, Model};
use crate::{Audience, Index, MergePlan, Page, Position, Query, SortKey, Spelling, searched_text};

const NAMES: &[&str] = &[
    "Maria Silva",
    "João Gonçalves",
    "Jürgen Müller",
    "O'Brien",
    "Åsa Åkesson",
    "Łukasz Żak",
    "Nguyễn Thị Hồng",
    "สมชาย ใจดี",
    "น้ำฝน",
    "محمد علي",
    "أحمد",
    "王伟",
    "李娜 Li Na",
    "さくら 山田",
    "サッカー",
    "김민준",
    "Иван Петров",
    "Ελένη",
    "שרה כהן",
    "🌟 Star",
    "A",
    "ab",
    "a b",
    "aaa aa a",
    "aaaa-aaa",
    "4711",
    "",
    "--",
    "देवी",
];
const COMPANIES: &[&str] = &["", "ACME Logistics", "4711 Köln", "Żabka", "東京会社", "a+b GmbH", "xq"];

/// Few keys, so that rows have equal ones, and one is the beginning of another.
fn key() -> impl Strategy<Value = SortKey> {
    prop::collection::vec(0_u8..3, 0..3).prop_map(|bytes| SortKey::from_bytes(&bytes))
}

pub(super) fn customer() -> impl Strategy<Value = Customer> {
    let text = (select(NAMES), select(COMPANIES), "[a-c]{1,3}[0-9]{0,3}@gmail\\.com", "[0-9]{3,12}").prop_map(
        |(name, company, email, number)| searched_text(Spelling::Plain, name, company, &[&email], &[&number]).text,
    );
    let audiences = prop::collection::vec((0_u32..5).prop_map(Audience), 0..3);
    (key(), text, audiences).prop_map(|(key, text, audiences)| Customer { key, text, audiences })
}

fn query() -> impl Strategy<Value = String> {
    let part = || {
        (select(NAMES), 0_usize..8, 1_usize..5)
            .prop_map(|(name, skip, take)| name.chars().skip(skip).take(take).collect::<String>())
    };
    prop_oneof![
        part(),
        (part(), part()).prop_map(|(one, other)| format!("{one} {other}")),
        select(NAMES).prop_map(str::to_owned),
        "[a-z]",
        "[a-c]{2}",
        "[a-c ]{1,8}",
        "[0-9]{1,4}",
        "(00|0|\\+)?[0-9]{1,3}[ ./-]?(\\(0\\))?[0-9]{1,3}",
        "[\u{e01}-\u{e2e}\u{627}-\u{64a}\u{4e00}-\u{4e20}\u{3041}-\u{3096}\u{ac00}-\u{ac20}é🌟]{1,3}",
        ".{0,6}",
        "(a|ab| ){200}",
    ]
}

#[derive(Clone, Debug)]
enum Operation {
    Apply(Vec<(u32, Option<Customer>)>),
    ApplyAgain,
    Plan,
    Install,
    Rebuild,
}

const CUSTOMERS: u32 = 60;

fn operation() -> impl Strategy<Value = Operation> {
    let change = (0..CUSTOMERS, prop::option::weighted(0.8, customer()));
    prop_oneof![
        6 => prop::collection::vec(change, 0..8).prop_map(Operation::Apply),
        1 => Just(Operation::ApplyAgain),
        2 => Just(Operation::Plan),
        2 => Just(Operation::Install),
        1 => Just(Operation::Rebuild),
    ]
}

/// An index and its model.
#[derive(Default)]
pub(super) struct World {
    pub(super) model: Model,
    pub(super) index: Index,
    plan: Option<MergePlan>,
    last: Vec<(u32, Option<Customer>)>,
}

impl World {
    fn new() -> Self {
        // Runs of four rows or more are large.
        Self { index: Index::default().merging_in_apply(3), ..Self::default() }
    }

    fn take(&mut self, operation: Operation) {
        match operation {
            Operation::Apply(changes) => {
                self.index = self.model.apply(&self.index, &changes);
                self.last = changes;
            }
            Operation::ApplyAgain => self.index = self.model.apply(&self.index, &self.last),
            Operation::Plan => self.plan = self.index.merge_plan(),
            Operation::Install => {
                let merged = self.plan.take().map(MergePlan::run);
                if let Some(index) = merged.and_then(|merged| self.index.install(&merged)) {
                    self.index = index;
                }
            }
            Operation::Rebuild => self.index = self.model.index().merging_in_apply(3),
        }
        let seen = self.model.0.values().filter(|customer| !customer.audiences.is_empty()).count();
        assert_eq!(self.index.len(), seen);
    }
}

/// Reads all pages, and checks each.
fn read(what: &str, expected: &[Position], limit: usize, mut page: impl FnMut(Option<&Position>) -> Page) {
    let (mut rows, mut after) = (Vec::new(), None::<Position>);
    loop {
        let page = page(after.as_ref());
        assert!(page.rows.len() <= limit, "{} rows", page.rows.len());
        let is_full = page.rows.len() == limit;
        assert!(page.is_exhausted || page.next.is_none() || (is_full && page.next.as_ref() == page.rows.last()));
        assert!(page.next.is_none() || page.next > after, "no progress");
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(rows, expected, "{what}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn pages_equal_the_models(
        operations in prop::collection::vec(operation(), 1..30),
        queries in prop::collection::vec((query(), prop::collection::vec((0_u32..6).prop_map(Audience), 0..5)), 25),
        limit in 1_usize..6,
        budget in prop_oneof![Just(0), 1_u64..2_000, Just(u64::MAX)],
    ) {
        let mut world = World::new();
        for operation in operations {
            world.take(operation);
        }
        for (text, audiences) in &queries {
            let list = world.model.list(audiences, None);
            read("the list", &list, limit, |after| world.index.list(audiences, after, limit));
            let found = world.model.list(audiences, Some(text));
            let query = Query::parse(text);
            read(text, &found, limit, |after| world.index.search(audiences, &query, after, limit, budget));
        }
    }
}

#[test]
fn pages_of_long_segments_equal_the_models() {
    let audiences = [Audience(0), Audience(1)];
    let of_model = |customer: generated::Customer| {
        let audiences = if customer.n.is_multiple_of(3) { audiences.to_vec() } else { vec![Audience(customer.n % 2)] };
        (customer.n, Customer { key: customer.key, text: customer.text, audiences })
    };
    let mut model = Model(generated::customers(6_000).into_iter().map(of_model).collect());
    let changes: Vec<_> = generated::customers(900)
        .into_iter()
        .map(of_model)
        .map(|(n, customer)| (7 * n % 6_000, (!n.is_multiple_of(3)).then_some(customer)))
        .collect();
    let index = model.apply(&model.index(), &changes);
    read("the list", &model.list(&audiences, None), 70, |after| index.list(&audiences, after, 70));
    for text in ["silva", "a", "zimmermann acme", "qqq", "9876", "55 11 9", "王伟", "น้ำ", "김", "a b", "m q"]
    {
        let (found, query) = (model.list(&audiences, Some(text)), Query::parse(text));
        for budget in [0, 30_000, u64::MAX] {
            read(text, &found, 70, |after| index.search(&audiences, &query, after, 70, budget));
        }
    }
}
