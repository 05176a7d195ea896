//! Tests the cursors of the role `crm-source`: enumeration, changes, archived contacts, and rate limits.
//! `tests/suite/hubspot/source.rs` tests the role in the gateway.

mod small_hubspot;

use std::collections::BTreeMap;

use frontgate_sdk::{Batch, ChangeAnswer, CrmSource as _, Error, SourceCustomer, http, testing};
use hubspot::HubSpot;
use serde_json::json;

use crate::small_hubspot::{Account, MINUTE, ask, batch, ids};

/// What a run reported.
struct Run {
    upserts: Vec<SourceCustomer>,
    removals: Vec<String>,
    next: Vec<u8>,
}

/// Calls `changes` until the last batch.
fn run(since: Option<&[u8]>) -> Run {
    run_with(since, 1_000, |_| {})
}

/// Works like [`run`] with a limit, and calls `between` after each batch that has more.
fn run_with(since: Option<&[u8]>, limit: u32, mut between: impl FnMut(&Batch)) -> Run {
    let mut run =
        Run { upserts: Vec::new(), removals: Vec::new(), next: since.map(<[u8]>::to_vec).unwrap_or_default() };
    let mut is_first = since.is_none();
    loop {
        let batch = batch(Some(&*run.next).filter(|_| !is_first), limit);
        is_first = false;
        assert!(batch.upserts.len() <= limit as usize && batch.next.len() <= 4_096);
        assert!(!batch.has_more || batch.next != run.next, "the cursor did not move");
        if batch.has_more {
            between(&batch);
        }
        run.upserts.extend(batch.upserts);
        run.removals.extend(batch.removals);
        run.next = batch.next;
        if !batch.has_more {
            return run;
        }
    }
}

#[test]
fn every_contact_is_reported_once_with_any_limit() {
    let account = Account::new(&[]);
    (1..=450).for_each(|id| account.put(id * 50, &[]));
    for limit in [1, 7, 200, 1_000] {
        assert_eq!(ids(&run_with(None, limit, |_| {}).upserts), (1..=450).map(|id| id * 50).collect::<Vec<_>>());
    }
    account.searches();
    run(None);
    assert_eq!(account.searches(), 3, "200 contacts in each request");
}

#[test]
fn the_first_batch_tells_the_number_of_contacts() {
    let account = Account::new(&[]);
    (1..=450).for_each(|id| account.put(id, &[]));
    let first = batch(None, 200);
    assert_eq!((first.total, batch(Some(&first.next), 200).total), (Some(450), None));
}

#[test]
fn nothing_changed_is_one_request() {
    let account = Account::new(&[]);
    (1..=250).for_each(|id| account.put(id, &[]));
    account.pass(2 * MINUTE);
    let end = run(run_with(None, 1_000, |_| {}).next.as_slice().into()).next;
    account.searches();
    account.pass(1_000);
    let again = run(Some(&end));
    assert_eq!((again.upserts.len(), account.searches()), (0, 1));
}

#[test]
fn a_change_after_the_enumeration_is_reported() {
    let account = Account::new(&[]);
    (1..=3).for_each(|id| account.put(id, &[]));
    account.pass(5 * MINUTE);
    let end = run(None).next;
    account.pass(MINUTE);
    account.put(2, &[("firstname", "New")]);
    account.put(4, &[]);
    account.pass(MINUTE);
    assert_eq!(ids(&run(Some(&end)).upserts), [2, 4]);
}

#[test]
fn a_change_during_the_enumeration_is_reported_afterwards() {
    let account = Account::new(&[]);
    (1..=500).for_each(|id| account.put(id, &[]));
    account.pass(5 * MINUTE);
    let mut turn = 0;
    let first = run_with(None, 200, |_| {
        turn += 1;
        account.pass(10 * MINUTE);
        account.put(turn, &[("firstname", "New")]);
    });
    assert_eq!(turn, 2);
    assert_eq!(ids(&run(Some(&first.next)).upserts), [1, 2]);
}

#[test]
fn a_change_during_a_run_is_reported_by_it_or_by_the_next_one() {
    let account = Account::new(&[]);
    (1..=500).for_each(|id| account.put(id, &[]));
    account.pass(5 * MINUTE);
    let end = run(None).next;
    account.pass(MINUTE);
    (1..=500).for_each(|id| account.put(id, &[]));
    let mut is_first = true;
    let second = run_with(Some(&end), 200, |_| {
        if std::mem::take(&mut is_first) {
            account.pass(10 * MINUTE);
            // The first was reported already, the last was not: it is beyond this run's end now.
            account.put(1, &[("firstname", "New")]);
            account.put(500, &[("firstname", "New")]);
        }
    });
    assert_eq!(ids(&second.upserts), (1..500).collect::<Vec<_>>());
    let third = run(Some(&second.next));
    let name =
        |id| third.upserts.iter().find(|one| one.customer.customer_id == id).map(|one| &*one.customer.display_name);
    assert_eq!((name("1"), name("500")), (Some("New"), Some("New")));
}

#[test]
fn contacts_with_the_same_time_cause_neither_a_loop_nor_a_gap() {
    let account = Account::new(&[]);
    account.put(1, &[]);
    account.pass(5 * MINUTE);
    let end = run(None).next;
    account.pass(MINUTE);
    (1..=25_000).for_each(|id| account.put(id, &[]));
    account.searches();
    let bulk = run(Some(&end));
    assert_eq!(ids(&bulk.upserts), (1..=25_000).collect::<Vec<_>>());
    assert_eq!(account.searches(), 125);
    account.pass(MINUTE + 1_000);
    let again = run(Some(&bulk.next)).next;
    account.searches();
    account.pass(MINUTE);
    assert_eq!((run(Some(&again)).upserts.len(), account.searches()), (0, 1), "they are not read for ever");
}

#[test]
fn what_the_search_finds_late_is_reported() {
    let account = Account::new(&[]);
    account.put(1, &[]);
    account.pass(5 * MINUTE);
    let end = run(None).next;
    account.pass(MINUTE);
    let end = run(Some(&end)).next;
    // Changed 50 seconds before the last run, which did not find it.
    let modified = account.0.borrow().now - 50_000;
    account.0.borrow_mut().contacts.insert(9, (modified, BTreeMap::new()));
    account.pass(MINUTE);
    assert_eq!(ids(&run(Some(&end)).upserts), [9]);
}

#[test]
fn a_deleted_contact_that_the_search_still_finds_is_removed() {
    let account = Account::new(&[]);
    (1..=3).for_each(|id| account.put(id, &[]));
    account.pass(5 * MINUTE);
    let end = run(None).next;
    account.put(2, &[]);
    account.put(3, &[]);
    account.0.borrow_mut().deleted.push(2);
    let changed = run(Some(&end));
    assert_eq!((ids(&changed.upserts), changed.removals), (vec![3], vec!["2".to_owned()]));
}

#[test]
fn archived_contacts_are_removed() {
    let account = Account::new(&[]);
    (1..=300).for_each(|id| account.put(id, &[]));
    account.pass(5 * MINUTE);
    let end = run(None).next;
    (1..=250).for_each(|id| account.archive(id));
    let second = run(Some(&end));
    assert_eq!(second.removals, (1..=250).map(|id| id.to_string()).collect::<Vec<_>>());
    assert_eq!(account.lists(), 3);
}

#[test]
fn archived_contacts_are_read_less_often_if_they_take_many_requests() {
    let account = Account::new(&[]);
    account.put(1_000_000, &[]);
    account.0.borrow_mut().archived = (1..=1_950).collect();
    let end = run(run(None).next.as_slice().into()).next;
    assert_eq!(account.lists(), 20);
    account.pass(9 * MINUTE);
    let end = run(Some(&end)).next;
    assert_eq!(account.lists(), 0, "20 requests are due every 10 minutes");
    account.pass(MINUTE);
    run(Some(&end));
    assert_eq!(account.lists(), 20);
}

#[test]
fn merged_contacts_are_removed() {
    let account = Account::new(&[]);
    (1..=3).for_each(|id| account.put(id, &[]));
    account.pass(5 * MINUTE);
    let end = run(None).next;
    account.0.borrow_mut().contacts.remove(&2);
    account.put(3, &[("hs_merged_object_ids", "2; 3;x")]);
    let merged = run(Some(&end));
    assert_eq!((ids(&merged.upserts), merged.removals), (vec![3], vec!["2".to_owned()]));
}

#[test]
fn a_used_up_rate_limit_is_busy() {
    let table = [
        (vec![("Retry-After", "7")], "TEN_SECONDLY_ROLLING", 7_000),
        (vec![], "SECONDLY", 1_000),
        (vec![], "TEN_SECONDLY_ROLLING", 10_000),
        (vec![], "DAILY", 900_000),
    ];
    let account = Account::new(&[]);
    for (headers, policy, ms) in table {
        account.next(429, &headers, &json!({ "policyName": policy }));
        assert_eq!(ask(None, 10), ChangeAnswer::Busy(ms));
    }
    account.archive(7);
    let archived = batch(Some(&run(None).next), 10);
    account.next(429, &[("Retry-After", "3")], &json!({}));
    assert_eq!(ask(Some(&archived.next), 10), ChangeAnswer::Busy(3_000));
}

#[test]
fn a_busy_list_of_archived_contacts_keeps_the_changes() {
    let account = Account::new(&[]);
    (1..=3).for_each(|id| account.put(id, &[]));
    account.pass(5 * MINUTE);
    let end = run(None).next;
    account.put(2, &[]);
    account.archive(3);
    account.0.borrow_mut().is_list_busy = true;
    let changed = batch(Some(&end), 10);
    assert_eq!((ids(&changed.upserts), changed.removals.len(), changed.has_more), (vec![2], 0, true));
    assert_eq!(ask(Some(&changed.next), 10), ChangeAnswer::Busy(10_000));
    account.0.borrow_mut().is_list_busy = false;
    assert_eq!(batch(Some(&changed.next), 10).removals, ["3"]);
}

#[test]
fn a_call_makes_at_most_three_requests() {
    for has_state in [true, false] {
        let account = Account::new(&[]);
        testing::state(has_state);
        account.owner("41", "ana@example.org");
        (1..=450).for_each(|id| account.put(id, &[("hubspot_owner_id", "41")]));
        (1_000..1_150).for_each(|id| account.0.borrow_mut().archived.push(id));
        testing::requests();
        let most = |_: &Batch| assert!(testing::requests().len() <= 3);
        let end = run_with(None, 1_000, most).next;
        assert!(testing::requests().len() <= 3);
        assert!(run_with(Some(&end), 1_000, most).removals.len() == 150 && testing::requests().len() <= 3);
    }
}

#[test]
fn errors_of_hubspot_are_errors() {
    let account = Account::new(&[]);
    account.put(1, &[]);
    let table = [
        (401, json!({}), true),
        (403, json!({}), true),
        (500, json!({}), false),
        (404, json!({ "correlationId": "c-1" }), false),
        (200, json!({ "results": [{ "id": 7 }] }), false),
    ];
    for (status, body, is_forbidden) in table {
        account.next(status, &[], &body);
        let answer = HubSpot::changes(None, 10);
        assert!(matches!(answer, Err(Error::Forbidden(_))) == is_forbidden && answer.is_err(), "{status} {answer:?}");
    }
}

#[test]
fn results_out_of_order_are_an_error() {
    let account = Account::new(&[]);
    account.next(200, &[], &json!({ "results": [{ "id": "6", "properties": {} }, { "id": "5", "properties": {} }] }));
    let problem = "HubSpot's results are not in the requested order";
    assert_eq!(HubSpot::changes(None, 10), Err(Error::failed(problem)));
}

#[test]
fn too_large_answers_are_asked_for_in_parts() {
    let account = Account::new(&[]);
    (1..=200).for_each(|id| account.put(id, &[]));
    testing::answers([Err(http::Error::TooLarge), Err(http::Error::TooLarge)]);
    let mut sizes = Vec::new();
    let all = run_with(None, 1_000, |batch| sizes.push(batch.upserts.len()));
    assert_eq!(sizes, [0, 0, 50, 50, 50]);
    assert_eq!(all.upserts.len(), 200);
}

#[test]
fn cursors_of_other_formats_are_expired() {
    let account = Account::new(&[]);
    account.put(1, &[]);
    let end = run(None).next;
    let changed = |from: &str, to: &str| String::from_utf8(end.clone()).expect("text").replace(from, to).into_bytes();
    assert!(matches!(ask(Some(&end), 1), ChangeAnswer::Batch(_)));
    let table = [
        Vec::new(),
        b"7".to_vec(),
        vec![0xff; 4_096],
        end[1..].to_vec(),
        changed("\"format\":1", "\"format\":2"),
        changed("\"last\":\"\"", "\"last\":\"x\""),
        changed("\"page\":200", "\"page\":0"),
    ];
    for cursor in table {
        assert_eq!(ask(Some(&cursor), 1), ChangeAnswer::CursorExpired, "{}", String::from_utf8_lossy(&cursor));
    }
}

#[test]
fn a_cursor_expires_before_hubspot_forgets_archived_contacts() {
    let account = Account::new(&[]);
    account.put(1, &[]);
    let end = run(None).next;
    account.pass(61 * 1_440 * MINUTE);
    assert_eq!(ask(Some(&end), 1), ChangeAnswer::CursorExpired);
}
