//! Implements the role that reports customers for the gateway's index. A cursor is the number of the last customer.

use frontgate_sdk::{
    Audience, Batch, ChangeAnswer, CrmSource, Error, News, Notification, NotificationAnswer, Result, SourceCustomer,
    SourceFacts, http, settings, state,
};

use crate::customers::{NAMES, call_upstream, customer, number};
use crate::{Flawed, has};

/// Start of every cursor of this version.
const FORMAT: &str = "flawed-1:";

impl CrmSource for Flawed {
    fn facts() -> Result<SourceFacts> {
        let size = if has("source-no-size") { 0 } else { 5 };
        Ok(SourceFacts::new(size).incremental().reports_removals().reports_visibility())
    }

    fn changes(since: Option<Vec<u8>>, limit: u32) -> Result<ChangeAnswer> {
        call_upstream()?;
        if let Some(url) = settings::get("url").filter(|_| has("source-busy")) {
            let _ = http::get(&url).send();
        }
        let after = match since {
            None => 0,
            Some(cursor) => match last(&cursor) {
                Some(last) => last,
                None if has("source-any-cursor") => NAMES.len(),
                None if has("source-cursor-crash") => panic!("no such cursor"),
                None if has("source-cursor-error") => return Err(Error::invalid("no such cursor")),
                None => return Ok(ChangeAnswer::CursorExpired),
            },
        };
        let is_restless = has("source-restless") && after == NAMES.len();
        let start = if has("source-gap") && limit == 7 && after > 0 { after + 1 } else { after };
        let size = limit as usize + usize::from(has("source-size"));
        let mut customers: Vec<SourceCustomer> = (start + 1..=NAMES.len()).take(size).map(source_customer).collect();
        let reached = start + customers.len();
        if has("source-dice") && state::increment("calls", 1, None)? % 2 == 0 {
            customers.pop();
        }
        let next = if has("source-stuck") {
            after
        } else if is_restless {
            NAMES.len() + 1
        } else {
            reached
        };
        let padding = if has("source-long-cursor") { " ".repeat(5_000) } else { String::new() };
        let batch = Batch::new(format!("{FORMAT}{next}{padding}")).upserts(customers).total(NAMES.len() as u64);
        Ok(batch.has_more(reached < NAMES.len() || is_restless || has("source-stuck")).into())
    }

    fn fetch(ids: Vec<String>) -> Result<Vec<SourceCustomer>> {
        call_upstream()?;
        let all = ids.iter().map(|id| number(id));
        if has("source-fetch-strict") {
            return all.map(|number| number.map(source_customer).ok_or(Error::NotFound)).collect();
        }
        let found = all.flatten().map(source_customer).take(if has("source-fetch-few") { 10 } else { ids.len() });
        let mut found: Vec<SourceCustomer> = found.filter(|_| !has("source-fetch-none")).collect();
        for row in &mut found {
            if has("source-fetch-apart") {
                row.customer.display_name.push('!');
            } else if has("source-page-apart") {
                row.customer.channels.clear();
            }
        }
        Ok(found)
    }

    fn notified(_: Notification) -> Result<NotificationAnswer> {
        match has("source-credulous") {
            true => Ok(NotificationAnswer::new(204).news(News::Something)),
            false => Ok(NotificationAnswer::new(403)),
        }
    }
}

/// Returns the customer with this number, visible to every worker.
fn source_customer(number: usize) -> SourceCustomer {
    let mut row = SourceCustomer::new(customer(number)).version(1);
    if has("source-nameless") {
        row.customer.customer_id.clear();
    }
    if has("source-heavy") {
        row = row.company("x".repeat(2 << 20));
    }
    match number {
        3 if has("source-team") => row.seen_by([Audience::team("sales")]),
        3 if has("source-hidden") => row,
        _ => row.seen_by_everyone(),
    }
}

/// Returns the number in a cursor.
fn last(cursor: &[u8]) -> Option<usize> {
    std::str::from_utf8(cursor).ok()?.trim_end().strip_prefix(FORMAT)?.parse().ok()
}
