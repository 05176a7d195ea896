//! A plugin for tests that uses `wasi:keyvalue`: the search text is a list of instructions, separated by semicolons.

use frontgate_sdk::{Crm, Customer, CustomerPage, ListRequest, Result};

use crate::bindings::wasi::keyvalue::{atomics, batch, store};

mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit/deps/keyvalue",
        world: "wasi:keyvalue/imports",
    });
}

struct KeyValue;

frontgate_sdk::export!(KeyValue: crm);

impl Crm for KeyValue {
    fn list_customers(request: ListRequest) -> Result<CustomerPage> {
        let script = request.query.unwrap_or_default();
        let results: Vec<_> =
            script.split("; ").map(|instruction| execute(instruction).unwrap_or_else(|e| format!("{e:?}"))).collect();
        Ok(CustomerPage::last([Customer::new("1", results.join("; "))]))
    }

    fn get_customer(_: &str, _: &str) -> Result<Customer> {
        Err(frontgate_sdk::Error::NotFound)
    }
}

fn execute(instruction: &str) -> std::result::Result<String, store::Error> {
    let words: Vec<&str> = instruction.split(' ').collect();
    if let ["open", name] = words[..] {
        return store::open(name).map(|_| "opened".to_owned());
    }
    let bucket = store::open("")?;
    let texts = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    Ok(match words[..] {
        ["get", key] => format!("{:?}", bucket.get(key)?.map(|value| String::from_utf8_lossy(&value).into_owned())),
        ["set", key, value] => format!("{:?}", bucket.set(key, value.as_bytes())?),
        ["delete", key] => format!("{:?}", bucket.delete(key)?),
        ["exists", key] => bucket.exists(key)?.to_string(),
        ["increment", key, by] => atomics::increment(&bucket, key, by.parse().unwrap_or_default())?.to_string(),
        ["get-many", ref keys @ ..] => {
            let found = batch::get_many(&bucket, &texts(keys))?;
            format!(
                "{:?}",
                found.into_iter().map(|found| found.map(|(key, value)| (key, value.len()))).collect::<Vec<_>>()
            )
        }
        ["set-many", value, ref keys @ ..] => {
            let pairs: Vec<_> = texts(keys).into_iter().map(|key| (key, value.as_bytes().to_vec())).collect();
            format!("{:?}", batch::set_many(&bucket, &pairs)?)
        }
        ["delete-many", ref keys @ ..] => format!("{:?}", batch::delete_many(&bucket, &texts(keys))?),
        ["fill", many] => {
            let many: usize = many.parse().unwrap_or_default();
            let pairs: Vec<_> = (0..many).map(|number| (format!("{number:05}"), Vec::new())).collect();
            format!("{:?}", batch::set_many(&bucket, &pairs)?)
        }
        ["count"] => count(&bucket)?,
        ["cursor", cursor] => {
            format!("{:?}", bucket.list_keys(Some(cursor.parse().unwrap_or_default()))?.keys.len())
        }
        ["many-handles"] => {
            let all: Vec<_> = (0..1_000_000).map_while(|_| store::open("").ok()).collect();
            all.len().to_string()
        }
        _ => "unknown instruction".to_owned(),
    })
}

/// Lists all pages, and returns the number of keys and pages and whether the keys are sorted and unique.
fn count(bucket: &store::Bucket) -> std::result::Result<String, store::Error> {
    let (mut keys, mut pages, mut cursor) = (Vec::new(), 0, None);
    loop {
        let page = bucket.list_keys(cursor)?;
        keys.extend(page.keys);
        pages += 1;
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(format!("{} keys, {pages} pages, {}", keys.len(), keys.is_sorted_by(|one, next| one < next)));
        }
    }
}
