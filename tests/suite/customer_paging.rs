//! Tests that paging shows every unchanged customer exactly once, while a CRM changes a thousand others each second.
//! `FRONTGATE_CUSTOMERS` sets the number of customers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use frontgate_tests::hubspot::Call;
use frontgate_tests::{Gateway, eventually, list};

use crate::customer_sync::{Crm, WORKERS, many};

/// Changes of the CRM per second.
const CHANGES_PER_SECOND: u128 = 1_000;
/// Customers that change at the same time.
const CHANGED_AT_ONCE: usize = 100;
/// First names that customers get in turn. They are in different places of the list.
const FIRST_NAMES: [&str; 3] = ["Ake", "Zoe", "Mora"];
/// Searches of the CRM during the reading of all pages, at least.
const RUNS_MIN: usize = 5;
const PAGE_SIZE: &str = "7";

/// The changes of a CRM since some time.
struct Load<'l> {
    crm: &'l Crm,
    gateway: &'l Gateway,
    /// The customers that change, one after another.
    changing: &'l [String],
    began: Instant,
    made: usize,
}

impl Load<'_> {
    /// Makes the changes that are due.
    fn catch_up(&mut self) {
        let due = self.began.elapsed().as_millis() * CHANGES_PER_SECOND / 1_000;
        while self.made as u128 + CHANGED_AT_ONCE as u128 <= due {
            let mut parts = self.changing.chunks(CHANGED_AT_ONCE);
            let (job, jobs) = (self.made / CHANGED_AT_ONCE, parts.len());
            let part = parts.nth(job % jobs).expect("a part");
            self.crm.hubspot.change_all(part, "firstname", FIRST_NAMES[job / jobs % FIRST_NAMES.len()]);
            self.made += CHANGED_AT_ONCE;
            self.gateway.admin_post("/customers/sync", "{}");
        }
    }
}

/// Reads all pages, and returns how often each customer was on one. Calls `between` after each page.
fn pages(gateway: &Gateway, worker: &str, by_token: bool, mut between: impl FnMut()) -> BTreeMap<String, u32> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let (mut token, mut anchor, mut first) = (None::<String>, None::<String>, None::<Vec<String>>);
    loop {
        let mut form = list(&[("PageSize", PAGE_SIZE), ("Worker", worker)]);
        match (&token, &anchor) {
            (Some(token), _) if by_token => form.push(("NextPageToken", token)),
            (_, Some(anchor)) => form.push(("Anchor", anchor)),
            _ => {}
        }
        let answer = gateway.crm(&form);
        assert_eq!(answer.status, 200, "{}", answer.text);
        let customers = answer.json["objects"]["customers"].as_array().expect("customers");
        let page: Vec<String> =
            customers.iter().map(|one| one["customer_id"].as_str().expect("an id").to_owned()).collect();
        assert_ne!(Some(&page), first.as_ref(), "page one again");
        token = answer.json["objects"]["next_page_token"].as_str().map(str::to_owned);
        page.iter().for_each(|id| *seen.entry(id.clone()).or_default() += 1);
        anchor = page.last().cloned().or(anchor);
        first.get_or_insert(page);
        if token.is_none() {
            return seen;
        }
        between();
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "a long round has to show its figures")]
fn paging_shows_every_unchanged_customer_once_while_others_change() {
    let mut crm = Crm::start(many("FRONTGATE_CUSTOMERS", 2_000));
    crm.hubspot.keep_no_json();
    crm.own(&crm.people.keys().cloned().collect::<Vec<_>>());
    let worker = WORKERS[usize::from(crm.of(0).is_empty())];
    let gateway = crm.setup().start();
    crm.wait_until_enumerated(&gateway);
    // Every fourth customer changes.
    let (changing, kept): (Vec<_>, Vec<_>) =
        crm.people.keys().cloned().enumerate().partition(|(number, _)| number % 4 == 0);
    let changing: Vec<String> = changing.into_iter().map(|(_, id)| id).collect();
    let kept: BTreeSet<String> = kept.into_iter().map(|(_, id)| id).collect();
    for by_token in [true, false] {
        let before = crm.hubspot.count(Call::Search);
        let mut load = Load { crm: &crm, gateway: &gateway, changing: &changing, began: Instant::now(), made: 0 };
        let mut listed = 0;
        let read_all = || {
            let seen = pages(&gateway, worker, by_token, || load.catch_up());
            let wrong: Vec<_> = kept.iter().filter(|id| seen.get(*id) != Some(&1)).collect();
            assert!(wrong.is_empty(), "by token: {by_token}: {wrong:?}");
            listed += seen.len();
            load.crm.hubspot.count(Call::Search)
        };
        // The pages of few customers are read again and again, until runs have changed the index meanwhile.
        let searches = eventually("runs", read_all, |searches| *searches >= before + RUNS_MIN);
        let (made, time, searches) = (load.made, load.began.elapsed(), searches - before);
        println!("by token: {by_token}: {listed} customers listed, {made} changes, {searches} searches in {time:?}");
    }
}
