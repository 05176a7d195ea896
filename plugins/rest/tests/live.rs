//! Tests the role `crm`: pages of a worker, searches, single customers, and what reaches the CRM.

mod small_crm;

use std::collections::BTreeSet;

use frontgate_sdk::http::Response;
use frontgate_sdk::{Crm as _, CrmSource as _, Error, ListRequest};
use rest::Rest;
use serde_json::{Value, json};

use crate::small_crm::{Crm, MAPPING};

const ANA: &str = "ana@example.org";

/// Every third person is Ana's, every third is Ben's, and every third has no owner.
fn owned(count: u64) -> Crm {
    let crm = Crm::new(MAPPING);
    for id in 1..=count {
        let owner = ["", ANA, "ben@example.org"][usize::try_from(id % 3).expect("small")];
        crm.put(id, &json!({ "owner": owner, "phones": [{ "value": format!("(202) 555-{id:04}"), "primary": true }] }));
    }
    crm
}

fn pages(size: u32, is_by_token: bool) -> Vec<String> {
    let (mut all, mut request) = (Vec::new(), ListRequest::first(ANA, size));
    loop {
        let page = Rest::list_customers(request.clone()).expect("a page");
        assert!(page.customers.len() <= size as usize);
        all.extend(page.customers.into_iter().map(|customer| customer.customer_id));
        let Some(token) = page.next_page_token else { return all };
        let first = ListRequest::first(ANA, size);
        request = if is_by_token { first.at(token) } else { first.after(all.last().expect("a customer")) };
    }
}

#[test]
fn pages_of_any_size_join_and_show_only_own_customers() {
    let _crm = owned(50);
    let want: Vec<String> = (1..=50).filter(|id| id % 3 != 2).map(|id| id.to_string()).collect();
    for size in [1, 2, 7, 33, 100] {
        assert_eq!(pages(size, true), want, "{size}");
        assert_eq!(pages(size, false), want, "{size}");
    }
}

#[test]
fn an_unknown_position_is_an_empty_page() {
    let _crm = owned(20);
    for request in [ListRequest::first(ANA, 5).after("77"), ListRequest::first(ANA, 5).at("no token")] {
        assert!(Rest::list_customers(request).expect("a page").customers.is_empty());
    }
}

#[test]
fn a_worker_without_customers_in_many_pages_gets_an_error_and_no_empty_list() {
    let crm = Crm::new(MAPPING);
    (1..=200).for_each(|id| crm.put(id, &json!({ "owner": "ben@example.org" })));
    assert!(matches!(Rest::list_customers(ListRequest::first(ANA, 5)), Err(Error::Unavailable(_))));
    assert_eq!(crm.requests(), 10);
}

#[test]
fn a_customer_of_another_worker_is_not_found() {
    let _crm = owned(3);
    let status = |id: &str| Rest::get_customer(ANA, id).map(|customer| customer.customer_id);
    assert_eq!((status("1"), status("3")), (Ok("1".to_owned()), Ok("3".to_owned())));
    assert_eq!((status("2"), status("77")), (Err(Error::NotFound), Err(Error::NotFound)));
}

#[test]
fn an_id_reaches_the_crm_as_one_segment_or_not_at_all() {
    let crm = owned(3);
    for (id, want) in [
        ("a/../b?c#d", "https://crm.example.com/people/a%2F..%2Fb%3Fc%23d"),
        ("é", "https://crm.example.com/people/%C3%A9"),
    ] {
        assert_eq!(Rest::get_customer(ANA, id), Err(Error::NotFound));
        assert_eq!(crm.last().url, want);
    }
    crm.requests();
    for id in ["", ".", "..", "a\nb", "\0"] {
        assert_eq!(Rest::get_customer(ANA, id), Err(Error::NotFound), "{id:?}");
    }
    assert_eq!(crm.requests(), 0);
}

#[test]
fn a_search_text_stays_within_its_place_in_a_json_body() {
    let crm = owned(1);
    let query = "O'Neil \"x\" \\ a/b&c\n{é}";
    crm.next(Response::new(200, "{\"people\":[]}"));
    Rest::list_customers(ListRequest::first(ANA, 5).search(query)).expect("a page");
    let request = crm.last();
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    let want = json!({
        "query": query,
        "filters": [{ "text": "name: \"O'Neil x  a/b&c {é}\"" }],
        "page": { "from": 0, "size": 10 },
    });
    assert_eq!((request.method.as_str(), body), ("POST", want));
}

#[test]
fn a_caller_is_found_by_the_whole_number_in_any_notation() {
    let crm = owned(9);
    crm.put(10, &json!({ "phones": [{ "value": "+44 202 555 0001" }] }));
    let found = |address: &str| Rest::find_customer(address).expect("an answer").map(|customer| customer.customer_id);
    assert_eq!(found("+12025550001").as_deref(), Some("1"));
    assert_eq!(found("whatsapp:+12025550007").as_deref(), Some("7"));
    assert!(crm.last().url.ends_with("phone=2025550007"));
    assert_eq!((found("+12025559999"), found("chat-user")), (None, None));
}

#[test]
fn the_index_has_numbers_owner_and_time() {
    let crm = Crm::new(MAPPING);
    crm.put(1, &json!({ "owner": ANA, "email": "m@example.org", "phones": [{ "value": "202-555-0107" }, { "value": "call me" }] }));
    let found = Rest::fetch(vec!["1".to_owned(), "2".to_owned(), "../1".to_owned()]).expect("customers");
    let [one] = found.as_slice() else { panic!("{found:?}") };
    let sms: Vec<_> = one.customer.channels.iter().map(|channel| channel.value.as_str()).collect();
    assert_eq!((sms, one.numbers.as_slice()), (vec!["+12025550107"], &["call me".to_owned()][..]));
    assert_eq!((one.customer.worker.as_deref(), one.emails.as_slice()), (Some(ANA), &["m@example.org".to_owned()][..]));
    assert_eq!(one.version, Some(1_767_225_600_000));
    assert_eq!(one.customer.display_name, "Mora Lind 1");
}

#[test]
fn a_worker_may_have_another_address_in_the_crm() {
    let mapping = format!("{MAPPING}\n[workers]\n\"new@example.org\" = \"Ana@Example.org\"\n");
    let crm = Crm::new(&mapping);
    crm.put(1, &json!({ "owner": ANA }));
    assert!(Rest::get_customer("new@example.org", "1").is_ok());
    assert_eq!(Rest::get_customer(ANA, "1").map(|one| one.worker), Ok(Some("new@example.org".to_owned())));
}

#[test]
fn a_mapping_without_owner_shows_all_customers_to_everyone() {
    let crm = Crm::new(&MAPPING.replace("owner = \"/owner\"\n", ""));
    (1..=5).for_each(|id| crm.put(id, &json!({ "owner": "ben@example.org" })));
    let ids: BTreeSet<_> = pages(10, true).into_iter().collect();
    assert_eq!(ids.len(), 5);
}
