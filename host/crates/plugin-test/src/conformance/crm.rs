//! Conformance checks of the role `crm`.

mod pages;

use frontgate_contract::bindings::crm::{ListRequest, Position};
use frontgate_contract::bindings::plugin_types::Customer;
use frontgate_runtime::CallError;
use frontgate_twilio::number::is_e164;
use frontgate_twilio_callbacks::crm as callback;
use frontgate_twilio_callbacks::error::EncodeError;

pub(super) use self::pages::Listing;
use self::pages::Step;
use super::upstream;
use super::{Checker, Problem, STRANGE_IDS, UNKNOWN_ADDRESS, Verdict, ensure};

/// Maximum number of customers that are opened one by one.
const OPENED_MAX: usize = 20;
/// Length in bytes of a query that is longer than any typed query.
const LONG_QUERY_BYTES: usize = 64 * 1024;

pub(super) async fn check(checker: &Checker<'_>) {
    // The other checks need the listed customers.
    let mut listing = None;
    checker
        .check("the list of customers can be read to its end", async |checker| {
            listing = Some(Listing::read(checker).await?);
            Ok(())
        })
        .await;
    let Some(listing) = listing.filter(|listing| !listing.customers.is_empty()) else {
        return;
    };
    let listing = &listing;
    for (size, name) in [
        (1, "pages of 1 customer join without gap or repeat"),
        (2, "pages of 2 customers join without gap or repeat"),
        (7, "pages of 7 customers join without gap or repeat"),
    ] {
        checker.check(name, async |checker| listing.again(checker, size, Step::Token).await).await;
    }
    for (size, name) in [
        (1, "a list continues after any customer (`after`), one at a time"),
        (3, "a list continues after any customer (`after`), three at a time"),
    ] {
        checker.check(name, async |checker| listing.again(checker, size, Step::After).await).await;
    }
    checker.check("an unknown customer in `after` gives an empty page", unknown_after).await;
    checker.check("Frontline accepts a page of 1,000 customers", large_page).await;
    checker.check("an unknown worker does not crash the plugin", unknown_worker).await;
    checker.check("every kind of query is answered", queries).await;
    checker.check("a customer is found by name", async |checker| by_name(checker, listing).await).await;
    let mut opened = Vec::new();
    checker
        .check("every listed customer can be opened, and Frontline accepts the details", async |checker| {
            opened = open(checker, listing).await?;
            Ok(())
        })
        .await;
    checker.check("an unknown customer is `not-found`", unknown_customer).await;
    checker
        .check("a customer is found by each of their addresses", async |checker| found(checker, &opened).await)
        .await;
    checker.check("an unknown address finds no customer", unknown_address).await;
    let id = listing.customers.first().map(|customer| customer.customer_id.as_str());
    upstream::check(checker, async |checker| fails(checker, id).await).await;
}

/// Checks that a failure of the upstream is not reported as an empty list or an unknown customer.
async fn fails(checker: &Checker<'_>, known: Option<&str>) -> Verdict {
    let request = ListRequest { worker: checker.worker(), page_size: 5, position: Position::First, query: None };
    let what = "crm.list-customers";
    upstream::is_error(what, checker.call(what, async |call| call.list_customers(request).await).await?.map(drop))?;
    let Some(id) = known else { return Ok(()) };
    let (what, worker, id) = ("crm.get-customer", checker.worker(), id.to_owned());
    let opened = checker.call(what, async |call| call.get_customer(worker, id).await).await?;
    upstream::is_error(what, opened.map(drop))
}

async fn unknown_after(checker: &Checker<'_>) -> Verdict {
    // The id 0 is omitted: if ids are ordered numbers, every customer comes after 0.
    for id in STRANGE_IDS.into_iter().filter(|id| *id != "0") {
        let position = Position::After(id.to_owned());
        let what = format!("crm.list-customers after {id:?}");
        let request = ListRequest { worker: checker.worker(), page_size: 5, position, query: None };
        let page = checker.call(&what, async |call| call.list_customers(request).await).await?;
        let rows = page.map_or(0, |page| page.customers.len());
        ensure(rows == 0, || {
            format!(
                "{what} returned {rows} customers instead of none: Frontline would repeat them forever. Find the id in \
                 the list, and return an empty page where it is missing"
            )
        })?;
    }
    Ok(())
}

async fn large_page(checker: &Checker<'_>) -> Verdict {
    const SIZE: u32 = 1_000;
    let request = ListRequest { worker: checker.worker(), page_size: SIZE, position: Position::First, query: None };
    let page =
        checker.call_ok("crm.list-customers with page-size 1000", async |call| call.list_customers(request).await);
    let page = page.await?;
    let answer = callback::encode_page(&page, SIZE).map_err(|error| Problem::Failed(unusable(&error)))?;
    ensure(answer.left_out == 0, || {
        format!(
            "Frontline would reject {} of the {} rows or their avatars: an id must not be empty, and an avatar must be \
             an absolute http(s) URL",
            answer.left_out,
            page.customers.len()
        )
    })
}

async fn unknown_worker(checker: &Checker<'_>) -> Verdict {
    for worker in ["nobody@frontgate.invalid", "", "日本 \u{1f98a}"] {
        let what = format!("crm.list-customers for the worker {worker:?}");
        let request = ListRequest { worker: worker.to_owned(), page_size: 5, position: Position::First, query: None };
        let page = checker.call(&what, async |call| call.list_customers(request).await).await?;
        let refused = matches!(&page, Err(CallError::Unavailable(_) | CallError::Failed(_)));
        ensure(!refused, || {
            format!("{what}: a worker without customers gets an empty page, `not-found` or `forbidden`, but no failure")
        })?;
    }
    Ok(())
}

async fn queries(checker: &Checker<'_>) -> Verdict {
    let long = "x".repeat(LONG_QUERY_BYTES);
    let all =
        ["a", "frontgate no such name", "%_*?[](){}^$|\\", "' OR 1=1; --", "\"\\u0000", "é 日本 \u{1f98a}", &long];
    for query in all {
        let shown = if query.len() > 50 { "64 KiB of text" } else { query };
        let what = format!("crm.list-customers with the query {shown:?}");
        let (position, query) = (Position::First, Some(query.to_owned()));
        let request = ListRequest { worker: checker.worker(), page_size: 5, position, query };
        let page = checker.call(&what, async |call| call.list_customers(request).await).await?;
        match page {
            Ok(page) => pages::sized(&what, &page, 5)?,
            Err(CallError::Invalid(_) | CallError::NotFound) => {}
            Err(error) => {
                return Err(Problem::Failed(format!("{what} returned an error for a search: {}", describe(&error))));
            }
        }
    }
    Ok(())
}

async fn by_name(checker: &Checker<'_>, listing: &Listing) -> Verdict {
    let first = &listing.customers[0];
    let query = checker.harness.project.conformance.query.clone();
    let (query, is_name) = match query {
        Some(query) => (query, false),
        None => (first.display_name.clone(), true),
    };
    if query.trim().is_empty() {
        return Err(Problem::Skipped("the first customer has no name".to_owned()));
    }
    let what = format!("crm.list-customers with the query {query:?}");
    let (position, query) = (Position::First, Some(query));
    let request = ListRequest { worker: checker.worker(), page_size: 50, position, query };
    let page = checker.call_ok(&what, async |call| call.list_customers(request).await).await?;
    let is_there = page.customers.iter().any(|row| !is_name || row.customer_id == first.customer_id);
    ensure(is_there, || format!("{what} found no customer, although one in the list has that name"))
}

/// Opens the first customers of the list, and returns them.
async fn open(checker: &Checker<'_>, listing: &Listing) -> Result<Vec<Customer>, Problem> {
    let mut opened = Vec::new();
    for row in listing.customers.iter().take(OPENED_MAX) {
        let (worker, id) = (checker.worker(), row.customer_id.clone());
        let what = format!("crm.get-customer of {id:?}");
        let customer = checker.call_ok(&what, async |call| call.get_customer(worker, id).await).await?;
        ensure(customer.customer_id == row.customer_id, || {
            format!("{what} returned the customer {:?}", customer.customer_id)
        })?;
        let answer = callback::encode_customer(&customer);
        let answer = answer.map_err(|error| Problem::Failed(format!("{what}: {}", unusable(&error))))?;
        ensure(answer.left_out == 0, || {
            format!("{what}: Frontline would reject {}", rejected(&customer).unwrap_or_else(|| "the avatar".to_owned()))
        })?;
        opened.push(customer);
    }
    Ok(opened)
}

/// Describes the first value of a customer that Frontline rejects, and the values that it accepts.
fn rejected(customer: &Customer) -> Option<String> {
    let channel = customer.channels.iter().find(|channel| match &*channel.kind {
        "whatsapp" => !channel.value.strip_prefix("whatsapp:").is_some_and(is_e164),
        "chat" => channel.value.trim().is_empty(),
        "sms" => !is_e164(&channel.value),
        _ => true,
    });
    if let Some(channel) = channel {
        return Some(format!(
            "the channel {} {:?}: numbers are E.164 (+12025550107), those of WhatsApp start with `whatsapp:`",
            channel.kind, channel.value
        ));
    }
    let link =
        customer.links.iter().find(|link| !link.value.starts_with("https://") && !link.value.starts_with("mailto:"));
    link.map(|link| format!("the link {:?}: the app opens https:// and mailto: only", link.value))
}

async fn unknown_customer(checker: &Checker<'_>) -> Verdict {
    let long = "9".repeat(10_000);
    for id in STRANGE_IDS.into_iter().chain([long.as_str()]) {
        let what = format!("crm.get-customer of {:?}", &id[..id.len().min(40)]);
        let (worker, id) = (checker.worker(), id.to_owned());
        match checker.call(&what, async |call| call.get_customer(worker, id).await).await? {
            Err(CallError::NotFound) => {}
            Ok(customer) => {
                return Err(Problem::Failed(format!(
                    "{what} returned the customer {:?} instead of `not-found`",
                    customer.customer_id
                )));
            }
            Err(error) => {
                return Err(Problem::Failed(format!("{what} returned {} instead of `not-found`", describe(&error))));
            }
        }
    }
    Ok(())
}

async fn found(checker: &Checker<'_>, opened: &[Customer]) -> Verdict {
    let mut addresses: Vec<String> =
        opened.iter().flat_map(|customer| &customer.channels).map(|channel| channel.value.clone()).collect();
    addresses.extend(checker.harness.project.conformance.address.clone());
    addresses.truncate(OPENED_MAX);
    if addresses.is_empty() {
        let reason = "no opened customer has an address; name one in plugin.toml: [conformance] address";
        return Err(Problem::Skipped(reason.to_owned()));
    }
    for address in addresses {
        let what = format!("crm.find-customer of {address:?}");
        let asked = address.clone();
        let found = checker.call_ok(&what, async |call| call.find_customer(asked).await).await?;
        let Some(customer) = found else {
            return Err(Problem::Failed(format!(
                "{what} found no customer, although one in the list has that address"
            )));
        };
        let has = customer.channels.iter().any(|channel| {
            channel.value == address
                || channel.value.strip_prefix("whatsapp:") == Some(address.trim_start_matches("whatsapp:"))
                || address.strip_prefix("whatsapp:") == Some(&channel.value)
        });
        ensure(has, || {
            format!("{what} returned the customer {:?}, who does not have that address", customer.customer_id)
        })?;
    }
    Ok(())
}

async fn unknown_address(checker: &Checker<'_>) -> Verdict {
    for address in [UNKNOWN_ADDRESS, "whatsapp:+12025550100", "", "not a number", "+", "日本 \u{1f98a}"] {
        let what = format!("crm.find-customer of {address:?}");
        let asked = address.to_owned();
        match checker.call(&what, async |call| call.find_customer(asked).await).await? {
            Ok(None) | Err(CallError::NotFound | CallError::Invalid(_)) => {}
            Ok(Some(customer)) => {
                return Err(Problem::Failed(format!(
                    "{what} returned the customer {:?} instead of none",
                    customer.customer_id
                )));
            }
            Err(error) => return Err(Problem::Failed(format!("{what} returned {} instead of none", describe(&error)))),
        }
    }
    Ok(())
}

fn describe(error: &CallError) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.code()),
        None => format!("{}: {error}", error.code()),
    }
}

fn unusable(error: &EncodeError) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.code()),
        None => format!("{}: {error}", error.code()),
    }
}
