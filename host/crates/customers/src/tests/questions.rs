//! All questions about customers to one gateway, and the model's answers.

use std::collections::BTreeSet;
use std::sync::Arc;

use frontgate_contract::bindings::crm::{ListRequest, Position};
use frontgate_contract::bindings::plugin_types::CustomerSummary;
use frontgate_customer_search::{SortKey, SortKeys, Spelling, fold, searched_text};

use super::model::{self, Known, Model};
use crate::addresses::{Country, number};
use crate::{PageLookup, TenantCustomers};

/// Customers of a page: few, so that there are many pages.
const PAGE_SIZE: u32 = 3;
/// Every so many questions of a kind are asked in one turn.
const TURNS: usize = 4;

/// Asks some of the questions of one worker; each turn others.
pub(super) async fn check(gateway: &Arc<TenantCustomers>, model: &Model, turn: usize) {
    let source = gateway.stored_source().await.expect("a read").expect("a source");
    let counts = (usize::try_from(source.live).ok(), usize::try_from(source.held).ok());
    assert_eq!(counts, (Some(model.customers.len()), Some(model.held)));
    let worker = model::WORKERS[turn % model::WORKERS.len()];
    let seen: Vec<&Known> = model.customers.values().filter(|known| model.sees(worker, known)).collect();
    for by_token in [true, false] {
        check_pages(&pages(gateway, worker, None, by_token).await, seen.clone());
    }
    for query in model::QUERIES.iter().skip(turn % TURNS).step_by(TURNS) {
        let found = seen.iter().copied().filter(|known| is_found(known, query)).collect();
        check_pages(&pages(gateway, worker, Some(query), true).await, found);
    }
    for id in (0..model::IDS).skip((turn + turn / TURNS) % TURNS).step_by(TURNS).map(model::id) {
        check_page(gateway, model, worker, &id).await;
    }
    for address in model::NUMBERS {
        check_address(gateway, model, address).await;
    }
}

/// Returns the customers of all pages.
async fn pages(
    gateway: &Arc<TenantCustomers>,
    worker: &str,
    query: Option<&str>,
    by_token: bool,
) -> Vec<CustomerSummary> {
    let (mut all, mut position) = (Vec::<CustomerSummary>::new(), Position::First);
    loop {
        let query = query.map(str::to_owned);
        let request = ListRequest { worker: worker.to_owned(), page_size: PAGE_SIZE, position, query };
        let page = gateway.list(request).await.expect("a page");
        all.extend(page.customers);
        assert!(all.len() <= model::IDS, "{all:?}");
        let Some(token) = page.next_page_token else { return all };
        position = match all.last() {
            Some(last) if !by_token => Position::After(last.customer_id.clone()),
            _ => Position::Token(token),
        };
    }
}

fn check_pages(listed: &[CustomerSummary], expected: Vec<&Known>) {
    let keys = SortKeys::new("und").expect("a locale");
    let key = |summary: &CustomerSummary| keys.key(&summary.display_name, &summary.customer_id);
    let listed_keys: Vec<SortKey> = listed.iter().map(key).collect();
    assert!(listed_keys.is_sorted(), "{listed:?}");
    let found: BTreeSet<String> = listed.iter().map(|summary| format!("{summary:?}")).collect();
    let summary = |known: &Known| {
        let customer = known.source.customer.clone();
        let (customer_id, display_name, avatar) = (customer.customer_id, customer.display_name, customer.avatar);
        format!("{:?}", CustomerSummary { customer_id, display_name, avatar })
    };
    assert_eq!((found, listed.len()), (expected.iter().map(|known| summary(known)).collect(), expected.len()));
}

/// Returns whether a query finds a customer: each word in a field, short ones at the start of a word.
fn is_found(known: &Known, query: &str) -> bool {
    let customer = &known.source.customer;
    let company = known.source.company.as_deref().unwrap_or_default();
    let number = known.source.numbers[0].as_str();
    let text = searched_text(Spelling::Plain, &customer.display_name, company, &[], &[number]).text;
    if query.chars().all(|c| c.is_ascii_digit() || c == '-') {
        let digits: String = query.chars().filter(char::is_ascii_digit).collect();
        let is_number = |line: &str| line.chars().all(|c| c.is_ascii_digit()) && line.contains(&digits);
        return text.lines().any(is_number) || text.lines().any(|line| line.contains(query));
    }
    let is_in_line = |line: &str, word: &str| {
        let is_start = |at: usize| !line[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        let is_anywhere = word.chars().count() > 2 || !word.is_ascii();
        line.match_indices(word).any(|(at, _)| is_anywhere || is_start(at))
    };
    fold(query).split(' ').all(|word| text.lines().any(|line| is_in_line(line, word)))
}

async fn check_page(gateway: &Arc<TenantCustomers>, model: &Model, worker: &str, id: &str) {
    let answer = gateway.page(worker, id).await.expect("a read");
    match (model.customers.get(id), answer) {
        (None, PageLookup::Unknown) => {}
        (Some(known), PageLookup::Hidden) => assert!(!model.sees(worker, known), "{worker} sees {id}"),
        (Some(known), PageLookup::Found { page, .. }) => {
            assert!(model.sees(worker, known), "{worker} does not see {id}");
            let (expected, is_complete) = (&known.source.customer, known.source.is_complete);
            assert_eq!((format!("{:?}", page.customer), page.is_complete), (format!("{expected:?}"), is_complete));
        }
        (known, answer) => panic!("{id} is {known:?}, and the answer {answer:?}"),
    }
}

async fn check_address(gateway: &Arc<TenantCustomers>, model: &Model, address: &str) {
    let brazil = Country::named("BR").expect("a country");
    let asked = if address.starts_with('+') { number(address, Country::default()) } else { None };
    let has = |known: &&Known| asked.is_some() && number(&known.source.numbers[0], brazil) == asked;
    let having: Vec<&Known> = model.customers.values().filter(has).collect();
    let best = having.iter().any(|known| known.source.is_complete);
    let expected: BTreeSet<String> = having
        .iter()
        .filter(|known| known.source.is_complete == best)
        .map(|known| format!("{:?}", known.source.customer))
        .collect();
    let found = gateway.find(address).await.expect("a read").map(|found| format!("{found:?}"));
    match found {
        None => assert!(expected.is_empty(), "{address} finds no customer, expected {expected:?}"),
        Some(found) => assert!(expected.contains(&found), "{address} finds {found}, not {expected:?}"),
    }
}
