//! Role `crm-source`: reports the customers of a CRM for the gateway's index.

use frontgate_sdk::{Batch, ChangeAnswer, CrmSource, Customer, Result, SourceCustomer, SourceFacts, http, settings};
use serde::Deserialize;

use crate::Plugin;

/// The CRM's answer: customers in the order of their ids.
#[derive(Deserialize)]
struct Page {
    /// The CRM's time.
    now: u64,
    customers: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    name: String,
    phone: Option<String>,
    email: Option<String>,
    company: Option<String>,
    /// The worker who owns the customer.
    owner: Option<String>,
    updated_at: u64,
}

/// The place in a run, stored as `1:SINCE:STARTED:AFTER`. The first number is the version of this format.
struct Cursor {
    /// The run reads what changed at this time or later. 0: everything.
    since: u64,
    /// The CRM's time at the beginning of the run, where the next run starts. 0: the run has not begun.
    started: u64,
    /// The id of the last customer that was read.
    after: String,
}

impl CrmSource for Plugin {
    fn facts() -> Result<SourceFacts> {
        // This CRM does not report removed customers: the gateway finds them when it enumerates all customers.
        Ok(SourceFacts::new(100).incremental().reports_visibility())
    }

    fn changes(since: Option<Vec<u8>>, limit: u32) -> Result<ChangeAnswer> {
        let cursor = match since {
            None => Cursor { since: 0, started: 0, after: String::new() },
            Some(bytes) => match Cursor::read(&bytes) {
                Some(cursor) => cursor,
                None => return Ok(ChangeAnswer::CursorExpired),
            },
        };
        let (since, after) = (cursor.since, http::segment(&cursor.after));
        let response = get(&format!("updated_since={since}&after_id={after}&limit={limit}"))?;
        if response.status == 429 {
            return Ok(ChangeAnswer::busy(response.retry_after()));
        }
        let Page { now, customers } = response.success()?.json()?;
        let started = if cursor.started == 0 { now } else { cursor.started };
        let last = customers.last().filter(|_| customers.len() >= limit as usize);
        // A run that has ended is followed by one that reads what changed since it began.
        let next = match last {
            Some(last) => format!("1:{since}:{started}:{}", last.id),
            None => format!("1:{started}:0:"),
        };
        let batch = Batch::new(next).has_more(last.is_some());
        Ok(batch.upserts(customers.into_iter().map(Entry::into)).into())
    }

    fn fetch(ids: Vec<String>) -> Result<Vec<SourceCustomer>> {
        let ids: Vec<String> = ids.iter().map(|id| http::segment(id)).collect();
        let page: Page = get(&format!("ids={}", ids.join(",")))?.success()?.json()?;
        Ok(page.customers.into_iter().map(Entry::into).collect())
    }
}

/// Requests customers.
fn get(query: &str) -> Result<http::Response> {
    // The operator's setting `crm`: [plugin.config] in plugin.toml, [plugins.named.NAME.config] in the gateway's
    // configuration.
    Ok(http::get(&format!("{}/customers?{query}", settings::require("crm")?)).send()?)
}

impl Cursor {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut parts = std::str::from_utf8(bytes).ok()?.strip_prefix("1:")?.splitn(3, ':');
        let (since, started) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { since, started, after: parts.next()?.to_owned() })
    }
}

impl From<Entry> for SourceCustomer {
    fn from(entry: Entry) -> Self {
        let mut customer = entry.phone.into_iter().fold(Customer::new(entry.id, entry.name), Customer::sms);
        customer.worker = entry.owner;
        let customer = SourceCustomer::new(customer);
        // A worker sees their own customers and those without an owner.
        let customer = match customer.customer.worker {
            Some(_) => customer.seen_by_owner(),
            None => customer.seen_by_everyone(),
        };
        let customer = SourceCustomer { company: entry.company, ..customer.version(entry.updated_at) };
        entry.email.into_iter().fold(customer, SourceCustomer::email)
    }
}

#[cfg(test)]
mod tests {
    use frontgate_sdk::Visibility;
    use frontgate_sdk::testing::{self, expect};

    use super::*;

    #[test]
    fn a_customer_without_an_owner_is_seen_by_everyone() {
        testing::settings([("crm", "https://crm.example.com")]);
        let body = r#"{"now":9,"customers":[{"id":"7","name":"Mora Lind","updated_at":8}]}"#;
        let _crm = testing::serve([expect(http::get("https://crm.example.com/customers?ids=7")).body(body)]);
        let fetched = Plugin::fetch(vec!["7".to_owned()]).expect("the customer is fetched");
        assert_eq!(fetched[0].seen_by, Visibility::Everyone);
    }

    #[test]
    fn a_cursor_of_another_version_has_expired() {
        assert_eq!(Plugin::changes(Some(b"2:0:0:".to_vec()), 100), Ok(ChangeAnswer::CursorExpired));
    }
}
