//! Reads the list of customers in large pages and again in smaller pages, and compares the results.

use std::collections::HashMap;

use frontgate_contract::bindings::crm::{CustomerPage, ListRequest, Position};
use frontgate_contract::bindings::plugin_types::CustomerSummary;

use crate::conformance::{Checker, Problem, Verdict, ensure};

/// Number of customers per page in the first reading.
const PAGE: u32 = 50;
/// Maximum number of customers in the first reading.
const CUSTOMERS_MAX: usize = 200;
/// Maximum number of pages in each later reading.
const PAGES_MAX: usize = 12;
/// Maximum length of `next-page-token` in the contract, in bytes.
const TOKEN_BYTES_MAX: usize = 4_096;

/// The way in which the next page is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Token,
    After,
}

/// A worker's list of customers, in order.
pub(in crate::conformance) struct Listing {
    pub(in crate::conformance) customers: Vec<CustomerSummary>,
    /// Whether the list was read to its end.
    pub(in crate::conformance) is_whole: bool,
}

impl Listing {
    /// Reads the list of the checks' worker, who must have customers.
    pub(super) async fn read(checker: &Checker<'_>) -> Result<Self, Problem> {
        let worker = checker.worker();
        let listing = Self::of(checker, &worker).await?;
        if listing.customers.is_empty() {
            return Err(Problem::Skipped(format!(
                "the worker {worker:?} has no customer; name one who has in plugin.toml: [conformance] worker = \"...\""
            )));
        }
        Ok(listing)
    }

    /// Reads the list of a worker in large pages.
    pub(in crate::conformance) async fn of(checker: &Checker<'_>, worker: &str) -> Result<Self, Problem> {
        let mut listing = Self { customers: Vec::new(), is_whole: false };
        let (mut position, mut pages) = (Position::First, 0);
        let mut seen = HashMap::new();
        while listing.customers.len() < CUSTOMERS_MAX {
            pages += 1;
            let (page, what) = page(checker, worker, PAGE, position).await?;
            for row in &page.customers {
                if let Some(before) = seen.insert(row.customer_id.clone(), pages) {
                    return Err(Problem::Failed(format!(
                        "the customer {:?} is on page {before} and again on page {pages} of {PAGE}; a list must contain \
                         each customer once",
                        row.customer_id
                    )));
                }
            }
            ensure(!page.customers.is_empty() || page.next_page_token.is_none(), || {
                format!("{what} is empty but has a next-page-token; the last page must not have one")
            })?;
            listing.customers.extend(page.customers);
            let Some(token) = page.next_page_token else {
                listing.is_whole = true;
                break;
            };
            position = Position::Token(token);
        }
        Ok(listing)
    }

    /// Reads the beginning of the list again in pages of another size, and compares the customers.
    pub(super) async fn again(&self, checker: &Checker<'_>, size: u32, step: Step) -> Verdict {
        let worker = checker.worker();
        let mut position = Position::First;
        let mut at = 0;
        for number in 1..=PAGES_MAX {
            let (page, what) = page(checker, &worker, size, position).await?;
            for row in &page.customers {
                let expected = self.customers.get(at);
                if expected.is_none() && !self.is_whole {
                    return Ok(());
                }
                let same = expected.is_some_and(|expected| expected.customer_id == row.customer_id);
                ensure(same, || self.broken(number, at, &row.customer_id, size, step))?;
                at += 1;
            }
            let is_end = at >= self.customers.len();
            let next = match (step, page.next_page_token, page.customers.last()) {
                (Step::Token, Some(token), Some(_)) => Position::Token(token),
                (Step::After, _, Some(last)) => Position::After(last.customer_id.clone()),
                (_, Some(_), None) => {
                    return Err(Problem::Failed(format!(
                        "{what} is empty and has a next-page-token: the last page has none"
                    )));
                }
                (..) => {
                    return ensure(is_end, || {
                        format!(
                            "with page-size {size} the list ends after {at} customers, but with {PAGE} it has {}: page \
                             {number} has no next page. Return a token (or rows) while there are more customers",
                            self.customers.len()
                        )
                    });
                }
            };
            position = next;
        }
        Ok(())
    }

    /// Describes the first difference between two readings.
    fn broken(&self, page: usize, at: usize, found: &str, size: u32, step: Step) -> String {
        let how = match step {
            Step::Token => "next-page-token",
            Step::After => "`after`",
        };
        let place = self.customers.iter().position(|row| row.customer_id == found);
        let what = match (place, self.customers.get(at)) {
            (Some(place), _) if place < at => format!("the customer {found:?} is repeated"),
            (Some(place), Some(missed)) => {
                format!("{} customers are missing, the first is {:?}", place - at, missed.customer_id)
            }
            _ => format!("the customer {found:?} is not in the list read in pages of {PAGE}"),
        };
        format!(
            "on page {page} with page-size {size}, {what}: a page must start right after the last row of the previous \
             one ({how}), in the same order"
        )
    }
}

/// Reads a page. Also returns its description.
async fn page(
    checker: &Checker<'_>,
    worker: &str,
    size: u32,
    position: Position,
) -> Result<(CustomerPage, String), Problem> {
    let shown = match &position {
        Position::First => "first page".to_owned(),
        Position::After(id) => format!("page after {id:?}"),
        Position::Token(_) => "next page by token".to_owned(),
    };
    let what = format!("crm.list-customers, the {shown} of {size},");
    let request = ListRequest { worker: worker.to_owned(), page_size: size, position, query: None };
    let page = checker.call_ok(&what, async |call| call.list_customers(request).await).await?;
    sized(&what, &page, size)?;
    Ok((page, what))
}

/// Checks a page's size, token and ids.
pub(super) fn sized(what: &str, page: &CustomerPage, size: u32) -> Verdict {
    let rows = page.customers.len();
    ensure(u32::try_from(rows).is_ok_and(|rows| rows <= size), || {
        format!("{what} has {rows} customers, more than `page-size`")
    })?;
    let token = page.next_page_token.as_deref().unwrap_or("x");
    ensure(!token.is_empty() && token.len() <= TOKEN_BYTES_MAX, || {
        format!("{what} has a next-page-token of {} bytes; the limits are 1 and {TOKEN_BYTES_MAX}", token.len())
    })?;
    ensure(page.customers.iter().all(|row| !row.customer_id.trim().is_empty()), || {
        format!("{what} has a customer without an id")
    })
}
