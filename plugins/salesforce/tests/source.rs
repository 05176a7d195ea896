//! Tests the cursors of the role `crm-source`: enumeration, changes, deletions, and limits.
//! `tests/suite/salesforce` tests the role in the gateway.

mod org;

use std::time::Duration;

use frontgate_sdk::http::{Error as HttpError, Response};
use frontgate_sdk::{ChangeAnswer, CrmSource as _, Error, testing};
use frontgate_simulators::salesforce::{Person, Problem};
use salesforce::Salesforce;

use crate::org::{Account, DAY, MINUTE, ask, batch, ids, run, run_with};

fn people(account: &Account, many: usize) -> Vec<String> {
    account.org(|org| (0..many).map(|number| org.add(Person::new("Mora", &format!("Lind {number}")))).collect())
}

#[test]
fn every_contact_is_reported_once_with_any_limit() {
    let account = Account::new(&[]);
    let all = people(&account, 2_300);
    for limit in [1, 7, 200, 1_000] {
        assert_eq!(ids(&run_with(None, limit, |_| {}).upserts), all, "{limit}");
    }
    account.asked();
    run(None);
    assert_eq!(account.asked().len(), 3, "1,000 contacts in each request; the users are cached");
}

#[test]
fn shorter_answers_of_salesforce_leave_nothing_out() {
    let account = Account::new(&[]);
    let all = people(&account, 700);
    account.org(|org| org.shorten_responses(250));
    assert_eq!(ids(&run(None).upserts), all);
}

#[test]
fn nothing_changed_is_one_request() {
    let account = Account::new(&[]);
    people(&account, 1_500);
    account.org(|org| org.pass(30 * MINUTE));
    let end = run(None).next;
    account.org(|org| org.pass(11 * MINUTE));
    account.asked();
    let again = run(Some(&end));
    assert_eq!((again.upserts.len(), account.asked().len()), (0, 1));
}

#[test]
fn changes_deletions_and_merges_after_the_enumeration_are_reported() {
    let account = Account::new(&[]);
    let all = people(&account, 6);
    account.org(|org| org.pass(30 * MINUTE));
    let end = run(None).next;
    let new = account.org(|org| {
        org.pass(20 * MINUTE);
        org.set(&all[1], "FirstName", "New");
        org.delete(&all[2]);
        org.merge(&all[3], &all[4]);
        org.add(Person::new("Otto", "Lind"))
    });
    let second = run(Some(&end));
    assert_eq!(ids(&second.upserts), [&*all[1], &all[3], &new]);
    assert_eq!(second.removals, [&*all[2], &all[4]]);
    account.org(|org| org.pass(20 * MINUTE));
    let third = run(Some(&second.next)).next;
    account.org(|org| org.undelete(&all[2]));
    assert_eq!(ids(&run(Some(&third)).upserts), [&*all[2]]);
}

#[test]
fn a_change_during_the_enumeration_is_reported_afterwards() {
    let account = Account::new(&[]);
    let all = people(&account, 500);
    account.org(|org| org.pass(30 * MINUTE));
    let mut turn = 0;
    let first = run_with(None, 200, |_| {
        turn += 1;
        account.org(|org| {
            org.pass(60 * MINUTE);
            org.set(&all[turn], "FirstName", "New");
            org.delete(&all[10 + turn]);
        });
    });
    assert_eq!(turn, 2);
    let second = run(Some(&first.next));
    assert_eq!((ids(&second.upserts), second.removals), (all[1..3].to_vec(), all[11..13].to_vec()));
}

#[test]
fn a_change_during_a_run_is_reported_by_it_or_by_the_next_one() {
    let account = Account::new(&[]);
    let all = people(&account, 500);
    account.org(|org| org.pass(30 * MINUTE));
    let end = run(None).next;
    account.org(|org| {
        org.pass(30 * MINUTE);
        org.set_all(&all, "Title", "Owner");
    });
    let mut is_first = true;
    let second = run_with(Some(&end), 200, |_| {
        if std::mem::take(&mut is_first) {
            account.org(|org| {
                org.pass(30 * MINUTE);
                // The first was reported already, the last was not: it is beyond this run's end now.
                org.set(&all[0], "FirstName", "New");
                org.set(&all[499], "FirstName", "New");
            });
        }
    });
    assert_eq!(ids(&second.upserts), all[..499]);
    let third = run(Some(&second.next)).upserts;
    let name =
        |id: &String| third.iter().find(|one| one.customer.customer_id == *id).map(|one| &*one.customer.display_name);
    assert_eq!((name(&all[0]), name(&all[499])), (Some("New Lind 0"), Some("New Lind 499")));
}

#[test]
fn contacts_with_the_same_time_cause_neither_a_loop_nor_a_gap() {
    let account = Account::new(&[]);
    account.org(|org| org.pass(30 * MINUTE));
    let end = run(None).next;
    account.org(|org| org.pass(30 * MINUTE));
    let all = people(&account, 25_000);
    account.asked();
    let bulk = run(Some(&end));
    assert_eq!(ids(&bulk.upserts), all);
    // The last answer has as many rows as were asked for, so that one more shows the end.
    assert_eq!(account.asked().len(), 26);
    account.org(|org| org.pass(11 * MINUTE));
    let again = run(Some(&bulk.next)).next;
    account.org(|org| org.pass(MINUTE));
    account.asked();
    assert_eq!((run(Some(&again)).upserts.len(), account.asked().len()), (0, 1), "they are not read for ever");
}

#[test]
fn a_change_that_becomes_visible_late_is_reported() {
    let account = Account::new(&[]);
    let all = people(&account, 3);
    account.org(|org| org.pass(30 * MINUTE));
    let mut end = run(None).next;
    account.org(|org| {
        org.pass(20 * MINUTE);
        org.begin();
        org.set(&all[1], "FirstName", "Late");
    });
    for _ in 0..9 {
        account.org(|org| org.pass(MINUTE));
        let run = run(Some(&end));
        assert!(run.upserts.is_empty());
        end = run.next;
    }
    account.org(|org| org.commit());
    assert_eq!(ids(&run(Some(&end)).upserts), [&*all[1]]);
}

#[test]
fn a_cursor_that_is_broken_or_of_another_format_is_expired() {
    let account = Account::new(&[]);
    people(&account, 3);
    let cursor = String::from_utf8(batch(None, 1).next).expect("JSON");
    let others = [
        String::new(),
        "7".to_owned(),
        "{}".to_owned(),
        cursor.replace("\"format\":1", "\"format\":2"),
        cursor.replace("\"page\":1000", "\"page\":0"),
        cursor.replace("\"phase\":\"all\"", "\"phase\":\"some\""),
        cursor.replace("\"last\":\"003", "\"last\":\"' OR Id > '003"),
    ];
    for other in others {
        assert_ne!(other, cursor);
        assert_eq!(ask(Some(other.as_bytes()), 10), ChangeAnswer::CursorExpired, "{other}");
    }
}

#[test]
fn a_cursor_older_than_the_recycle_bin_is_expired() {
    let account = Account::new(&[]);
    people(&account, 3);
    let end = run(None).next;
    account.org(|org| org.pass(9 * DAY));
    assert!(matches!(ask(Some(&end), 10), ChangeAnswer::Batch(_)));
    account.org(|org| org.pass(2 * DAY));
    assert_eq!(ask(Some(&end), 10), ChangeAnswer::CursorExpired);
}

#[test]
fn too_large_and_late_answers_halve_the_page() {
    for failure in [HttpError::TooLarge, HttpError::Timeout] {
        let account = Account::new(&[]);
        let all = people(&account, 600);
        account.next(Err(failure.clone()));
        let first = batch(None, 1_000);
        assert!(first.upserts.is_empty() && first.has_more, "{failure:?}");
        account.asked();
        assert_eq!(ids(&run(Some(&first.next)).upserts), all);
        assert!(account.asked()[0].ends_with("LIMIT%20500"), "{failure:?}");
    }
}

#[test]
fn an_answer_that_never_arrives_is_an_error_in_the_end() {
    let account = Account::new(&[]);
    let mut cursor = None;
    for _ in 0..4 {
        account.next(Err(HttpError::Timeout));
        cursor = Some(batch(cursor.as_deref(), 1_000).next);
    }
    account.next(Err(HttpError::Timeout));
    let answer = Salesforce::changes(cursor, 1_000);
    assert_eq!(answer, Err(Error::unavailable("the request to Salesforce timed out")));
}

#[test]
fn a_used_up_limit_is_busy() {
    let account = Account::new(&[]);
    account.refuse(&Problem::daily_limit());
    assert_eq!(ask(None, 10), ChangeAnswer::busy(Duration::from_secs(900)));
    account.refuse(&Problem::concurrent_limit());
    assert_eq!(ask(None, 10), ChangeAnswer::busy(Duration::from_secs(10)));
    account.next(Ok(Response { headers: vec![("Retry-After".to_owned(), "7".to_owned())], ..Response::new(429, "") }));
    assert_eq!(ask(None, 10), ChangeAnswer::busy(Duration::from_secs(7)));
}

#[test]
fn failures_are_errors_and_never_an_empty_batch() {
    let account = Account::new(&[]);
    let table = [
        (Problem::expired(), Error::forbidden("")),
        (Problem::new(403, "API_DISABLED_FOR_ORG", ""), Error::forbidden("")),
        (Problem::new(500, "UNKNOWN_EXCEPTION", ""), Error::unavailable("")),
        (Problem::new(503, "SERVER_UNAVAILABLE", ""), Error::unavailable("")),
        (Problem::new(400, "UNABLE_TO_LOCK_ROW", ""), Error::unavailable("")),
        (Problem::new(400, "QUERY_TIMEOUT", ""), Error::unavailable("")),
        (Problem::new(400, "MALFORMED_QUERY", ""), Error::failed("")),
        (Problem::new(404, "NOT_FOUND", ""), Error::failed("")),
    ];
    for (problem, expected) in table {
        account.refuse(&problem);
        let answer = Salesforce::changes(None, 10).expect_err("an error");
        assert_eq!(std::mem::discriminant(&answer), std::mem::discriminant(&expected), "{problem:?} {answer:?}");
    }
}

#[test]
fn an_endless_answer_is_rejected() {
    let account = Account::new(&[]);
    people(&account, 10);
    let first = batch(None, 5);
    // The same rows again: the condition was ignored.
    let rows = account.org(|org| org.get("/services/data/v62.0/query?q=SELECT+Id+FROM+Contact+ORDER+BY+Id+LIMIT+5"));
    let headers = vec![("Date".to_owned(), "Thu, 01 Jan 2026 00:00:00 GMT".to_owned())];
    account.next(Ok(Response { headers, ..Response::new(200, rows.body.to_vec()) }));
    let answer = Salesforce::changes(Some(first.next), 5);
    assert_eq!(answer, Err(Error::failed("Salesforce's results are not in the requested order")));
}

#[test]
fn fetch_returns_existing_contacts_only() {
    let account = Account::new(&[]);
    let all = people(&account, 120);
    account.org(|org| {
        org.delete(&all[1]);
        org.merge(&all[0], &all[2]);
    });
    account.asked();
    let asked = [&all[..4], &["no such".to_owned(), "' OR Id > '".to_owned()]].concat();
    assert_eq!(ids(&Salesforce::fetch(asked).expect("contacts")), [&*all[0], &all[3]]);
    assert_eq!(Salesforce::fetch(all[20..].to_vec()).expect("contacts").len(), 100);
    assert_eq!(account.asked().len(), 2);
    assert_eq!(Salesforce::fetch(vec!["7".to_owned()]), Ok(Vec::new()));
    assert_eq!(account.asked().len(), 0);
}

#[test]
fn the_log_names_the_field_that_is_missing() {
    let account = Account::new(&[("whatsapp_fields", "WhatsApp__c")]);
    let answer = Salesforce::changes(None, 10);
    let words = "Salesforce: the field `WhatsApp__c` of Contact does not exist or is hidden; correct the settings, or give \
                 the app's user read access to the field";
    assert_eq!(answer, Err(Error::forbidden(words)));
    account.org(|org| org.custom_field("WhatsApp__c"));
    assert!(Salesforce::changes(None, 10).is_ok());
}

#[test]
fn facts_depend_on_who_sees_contacts_of_inactive_users() {
    let _account = Account::new(&[]);
    let facts = Salesforce::facts().expect("facts");
    assert!(facts.is_incremental && facts.reports_removals && facts.reports_visibility);
    let _account = Account::new(&[("unowned", "everyone")]);
    assert!(!Salesforce::facts().expect("facts").reports_visibility);
    testing::settings([("instance", "acme")]);
    assert!(matches!(Salesforce::facts(), Err(Error::Failed(_))));
}
