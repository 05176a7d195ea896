//! Tests enumeration and changes with pages by offset, while records change and move.

mod small_crm;

use std::collections::BTreeSet;

use frontgate_sdk::http::Response;
use frontgate_sdk::{ChangeAnswer, CrmSource as _, Error};
use rest::Rest;
use serde_json::{Value, json};

use crate::small_crm::{Crm, MAPPING, batch, run};

fn filled(count: u64) -> Crm {
    let crm = Crm::new(MAPPING);
    (1..=count).for_each(|id| crm.put(id, &Value::Null));
    crm.pass(10);
    crm
}

fn all(count: u64) -> BTreeSet<u64> {
    (1..=count).collect()
}

#[test]
fn every_customer_is_reported_once_with_any_limit() {
    for limit in [1, 7, 10, 1_000] {
        let crm = filled(95);
        let first = run(None, limit, |_| {});
        assert_eq!((first.set(), first.ids.len()), (all(95), 95), "{limit}");
        assert!(crm.requests() > 0);
    }
}

#[test]
fn a_crm_that_returns_smaller_or_larger_pages_than_asked_for_is_read_to_its_end() {
    for page_max in [3, 9] {
        let crm = filled(50);
        crm.0.borrow_mut().page_max = page_max;
        assert_eq!(run(None, 10, |_| {}).set(), all(50));
    }
    let ignores_limit = MAPPING.replace(", limit = \"{limit}\", sort = \"id\"", ", sort = \"id\"");
    let crm = Crm::new(&ignores_limit);
    (1..=50).for_each(|id| crm.put(id, &Value::Null));
    for limit in [1, 4, 10] {
        assert_eq!(run(None, limit, |_| {}).set(), all(50), "{limit}");
    }
}

#[test]
fn customers_that_are_removed_during_an_enumeration_hide_no_others() {
    let crm = filled(100);
    let mut gone = 0;
    let first = run(None, 10, |batches| {
        // The first ones of the list, so that all others move forward; also the last one that was reported.
        for id in [batches as u64, (batches * 9) as u64] {
            gone += 1;
            crm.remove(id);
        }
    });
    let remaining: BTreeSet<u64> = crm.0.borrow().people.keys().copied().collect();
    assert!(gone > 10);
    assert!(remaining.is_subset(&first.set()), "{:?}", remaining.difference(&first.set()).collect::<Vec<_>>());
}

#[test]
fn nothing_changed_is_one_call() {
    let crm = filled(30);
    let first = run(None, 10, |_| {});
    crm.put(31, &Value::Null);
    let second = run(Some(&first.next), 10, |_| {});
    assert!(second.set().contains(&31));
    crm.requests();
    // The last change is read again: others may have the same time.
    let third = run(Some(&second.next), 10, |_| {});
    assert_eq!((third.ids.as_slice(), third.batches), (&[31][..], 1));
    assert_eq!(crm.requests(), 2, "a page, and that it is the last one");
}

#[test]
fn a_change_during_the_enumeration_is_reported_afterwards() {
    for has_date in [true, false] {
        let crm = filled(40);
        crm.0.borrow_mut().has_date = has_date;
        let first = run(None, 10, |batches| {
            crm.pass(5);
            crm.put(batches as u64, &Value::Null);
        });
        let changed = run(Some(&first.next), 10, |_| {});
        assert!(all(4).is_subset(&changed.set()), "{has_date}: {:?}", changed.ids);
    }
}

#[test]
fn thousands_of_changes_at_the_same_time_are_all_reported() {
    let crm = filled(20);
    let first = run(None, 10, |_| {});
    crm.pass(100);
    (1..=3_000).for_each(|id| crm.put(id, &Value::Null));
    crm.pass(100);
    let second = run(Some(&first.next), 10, |_| {});
    assert_eq!(second.set(), all(3_000));
    assert!(second.batches < 400, "{} batches", second.batches);
}

#[test]
fn changes_that_move_others_within_the_same_time_lose_none() {
    let crm = filled(20);
    let first = run(None, 10, |_| {});
    crm.pass(100);
    (1..=300).for_each(|id| crm.put(id, &Value::Null));
    crm.pass(100);
    let mut is_ended = false;
    // One of the records that were reported already, and once the last one of them, leave the block.
    let second = run(Some(&first.next), 10, |batches| {
        crm.pass(1);
        if batches < 25 {
            crm.put(batches as u64, &Value::Null);
        }
        if batches == 12 {
            (100..=130).for_each(|id| crm.put(id, &Value::Null));
        }
        is_ended = batches > 25;
    });
    assert!(is_ended);
    assert_eq!(second.set(), all(300));
}

#[test]
fn records_out_of_order_are_an_error_that_names_the_setting() {
    let mapping = MAPPING.replace("sort = \"updated\"", "sort = \"id\"").replace("overlap_s = 0", "overlap_s = 1000");
    let crm = Crm::new(&mapping);
    (1..=15).rev().for_each(|id| {
        crm.put(id, &Value::Null);
        crm.pass(1);
    });
    let first = run(None, 10, |_| {});
    let answer = (0..5).try_fold(first.next, |next, _| match Rest::changes(Some(next), 10)? {
        ChangeAnswer::Batch(batch) => Ok(batch.next),
        other => panic!("{other:?}"),
    });
    assert!(matches!(answer, Err(Error::Failed(problem)) if problem.contains("`sync.sorted`")));
}

#[test]
fn unsorted_changes_behind_the_reader_are_reported_by_the_next_run() {
    let mapping =
        MAPPING.replace("sort = \"updated\"", "sort = \"id\"").replace("[sync]\n", "[sync]\nsorted = false\n");
    let crm = Crm::new(&mapping);
    crm.0.borrow_mut().has_date = true;
    (1..=30).for_each(|id| crm.put(id, &Value::Null));
    crm.pass(2_000);
    let first = run(None, 10, |_| {});
    crm.pass(2_000);
    (1..=30).for_each(|id| crm.put(id, &Value::Null));
    let second = run(Some(&first.next), 10, |batches| {
        crm.pass(5);
        // The first one is behind the reader, the last one is before it.
        crm.put(if batches == 1 { 1 } else { 30 }, &Value::Null);
    });
    assert_eq!(second.set(), all(30));
    assert!(run(Some(&second.next), 10, |_| {}).set().contains(&1));
}

#[test]
fn a_cursor_of_another_format_or_mapping_is_expired() {
    let crm = filled(20);
    let next = batch(None, 10).next;
    let text = String::from_utf8(next.clone()).expect("JSON");
    for other in [text.replace("\"format\":1", "\"format\":2"), text[..text.len() - 1].to_owned(), String::new()] {
        assert_eq!(Rest::changes(Some(other.into()), 10), Ok(ChangeAnswer::CursorExpired));
    }
    frontgate_sdk::testing::folder([("mapping.toml", MAPPING.replace("/owner", "/manager"))]);
    assert_eq!(Rest::changes(Some(next), 10), Ok(ChangeAnswer::CursorExpired));
    drop(crm);
}

#[test]
fn statuses_are_errors_that_name_request_and_remedy() {
    let crm = filled(20);
    let failed = |status: u16, body: &str| {
        crm.next(Response::new(status, body));
        Rest::changes(None, 10)
    };
    let words = |answer| match answer {
        Err(Error::Forbidden(words) | Error::Unavailable(words) | Error::Failed(words)) => words,
        other => panic!("{other:?}"),
    };
    for status in [401, 403] {
        let answer = failed(status, "{}");
        assert!(matches!(answer, Err(Error::Forbidden(_))), "{status}");
        let words = words(answer);
        assert!(words.contains("request `list`") && words.contains("secret"), "{words}");
    }
    for status in [500, 502, 503] {
        assert!(matches!(failed(status, "<html>"), Err(Error::Unavailable(_))), "{status}");
    }
    for (status, word) in [(404, "check `url`"), (400, "parameters"), (301, "correct `url`")] {
        let words = words(failed(status, "{\"error\":\"Mora Lind\"}"));
        assert!(words.contains(word) && !words.contains("Mora"), "{words}");
    }
    for (body, word) in
        [("<html>", "no JSON"), ("{}", "`list.records`"), ("{\"people\":7}", "no list"), ("[]", "`list.records`")]
    {
        let words = words(failed(200, body));
        assert!(words.contains(word), "{body}: {words}");
    }
    assert!(words(failed(200, "{\"people\":[{}]}")).contains("`record.id`"));
}

#[test]
fn a_rate_limit_is_busy_for_the_time_that_the_crm_or_the_mapping_says() {
    let mapping = format!("busy_s = 30\nbusy_header = \"x-reset\"\n{MAPPING}");
    let crm = Crm::new(&mapping);
    let busy = |name: &str, value: &str| {
        let mut response = Response::new(429, "");
        response.headers.push((name.to_owned(), value.to_owned()));
        crm.next(response);
        Rest::changes(None, 10)
    };
    for (name, value, ms) in [("retry-after", "7", 7_000), ("x-reset", "2", 2_000), ("x-other", "9", 30_000)] {
        assert_eq!(busy(name, value), Ok(ChangeAnswer::Busy(ms)), "{name}");
    }
}

#[test]
fn a_cursor_that_the_crm_rejects_is_expired() {
    let mapping = MAPPING.replacen("kind = \"offset\"", "kind = \"cursor\", next = \"/next\"", 1).replacen(
        "offset = \"{offset}\"",
        "cursor = \"{cursor}\"",
        1,
    );
    let crm = Crm::new(&mapping);
    crm.next(Response::new(200, json!({ "people": [{ "id": 1 }], "next": "a b&c" }).to_string()));
    let next = batch(None, 10).next;
    crm.next(Response::new(400, "{}"));
    assert_eq!(Rest::changes(Some(next), 10), Ok(ChangeAnswer::CursorExpired));
    assert!(crm.last().url.contains("cursor=a%20b%26c"), "{}", crm.last().url);
}

#[test]
fn a_next_page_elsewhere_is_not_read() {
    let mapping = MAPPING.replacen("kind = \"offset\"", "kind = \"url\", next = \"/next\"", 1);
    let crm = Crm::new(&mapping);
    let first = |next: &str| {
        crm.next(Response::new(200, json!({ "people": [{ "id": 1 }], "next": next }).to_string()));
        batch(None, 10).next
    };
    crm.requests();
    for url in ["https://crm.example.com.evil.test/a", "https://evil.test/", "http://crm.example.com/a", "/a"] {
        let next = first(url);
        crm.requests();
        let answer = Rest::changes(Some(next), 10);
        assert!(matches!(&answer, Err(Error::Failed(problem)) if problem.contains("not below `url`")), "{answer:?}");
        assert_eq!(crm.requests(), 0, "{url}");
    }
    let next = first("https://crm.example.com/people?offset=0&limit=2");
    assert!(Rest::changes(Some(next), 10).is_ok());
}

#[test]
fn without_a_request_for_changes_every_run_enumerates() {
    let (before, after) = MAPPING.split_once("[changes]").expect("a table");
    let (_, after) = after.split_once("[search]").expect("a table");
    let crm = Crm::new(&format!("{before}[search]{after}"));
    (1..=25).for_each(|id| crm.put(id, &Value::Null));
    let first = run(None, 10, |_| {});
    assert_eq!(first.set(), all(25));
    assert_eq!(Rest::changes(Some(first.next), 10), Ok(ChangeAnswer::CursorExpired));
}

/// A mapping with a request for removed customers.
fn with_removed() -> String {
    let removed = "[removed]\npath = \"/gone\"\nquery = { after = \"{since}\" }\nrecords = \"/gone\"\nids = \"/key\"\n";
    MAPPING.replace("[search]", &format!("{removed}\n[search]"))
}

#[test]
fn removed_customers_are_reported_with_the_changes_or_after_them() {
    let crm = Crm::new(&with_removed());
    (1..=5).for_each(|id| crm.put(id, &Value::Null));
    crm.pass(10);
    let first = run(None, 10, |_| {});
    crm.pass(10);
    crm.put(3, &Value::Null);
    let second = batch(Some(&first.next), 10);
    let removed = |batch: &frontgate_sdk::Batch| batch.removals.clone();
    assert_eq!((removed(&second), second.has_more), (vec!["77".to_owned()], false), "in the same call");
    assert!(crm.last().url.contains(&format!("after={}", small_crm::START)), "{}", crm.last().url);
    crm.0.borrow_mut().is_gone_busy = true;
    let third = batch(Some(&second.next), 10);
    assert!(third.has_more && third.removals.is_empty(), "the rate limit is reached after the changes");
    assert_eq!(Rest::changes(Some(third.next.clone()), 10), Ok(ChangeAnswer::Busy(10_000)));
    crm.0.borrow_mut().is_gone_busy = false;
    let fourth = batch(Some(&third.next), 10);
    assert_eq!((removed(&fourth), fourth.has_more), (vec!["77".to_owned()], false));
}

#[test]
fn a_time_in_the_future_hides_no_later_changes() {
    let crm = Crm::new(MAPPING);
    crm.0.borrow_mut().has_date = true;
    (1..=5).for_each(|id| crm.put(id, &Value::Null));
    crm.pass(10);
    let first = run(None, 10, |_| {});
    crm.0.borrow_mut().people.entry(5).and_modify(|(updated, _)| *updated += 100_000_000);
    let second = run(Some(&first.next), 10, |_| {});
    crm.pass(2_000);
    crm.put(3, &Value::Null);
    assert!(run(Some(&second.next), 10, |_| {}).set().contains(&3));
}

#[test]
fn changes_that_move_others_between_numbered_pages_lose_none() {
    let (before, after) = MAPPING.split_once("[changes]").expect("a table");
    let after = after.replacen("offset = \"{offset}\"", "page = \"{page}\"", 1);
    let mapping = format!("{before}[changes]{}", after.replacen("kind = \"offset\"", "kind = \"page\"", 1));
    let crm = Crm::new(&mapping);
    let first = run(None, 10, |_| {});
    for id in 1..=95 {
        crm.pass(1);
        crm.put(id, &Value::Null);
    }
    let second = run(Some(&first.next), 10, |batches| {
        crm.pass(1);
        crm.put(batches as u64, &Value::Null);
    });
    assert_eq!(second.set(), all(95));
}
