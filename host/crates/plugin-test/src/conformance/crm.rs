//! The role `crm`.

mod pages;

use frontgate_contract::bindings::crm::{ListRequest, Position};
use frontgate_contract::bindings::plugin_types::Customer;
use frontgate_runtime::CallError;
use frontgate_twilio::number::is_e164;
use frontgate_twilio_callbacks::crm as callback;
use frontgate_twilio_callbacks::error::EncodeError;

use self::pages::{Listing, Step};
use super::upstream;
use super::{NOBODY, Problem, STRANGE_IDS, Tries, Verdict, ensure};

/// Customers that are opened one by one.
const OPENED_MAX: usize = 20;
/// Bytes of a query that nobody types.
const LONG_QUERY_BYTES: usize = 64 * 1024;

pub(super) async fn check(tries: &Tries<'_>) {
    // Everything else is about the customers that are there.
    let mut listing = None;
    tries
        .check("the list of customers can be read to its end", async |tries| {
            listing = Some(Listing::read(tries).await?);
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
        tries.check(name, async |tries| listing.again(tries, size, Step::Token).await).await;
    }
    for (size, name) in [
        (1, "a list goes on after any customer (`after`), one by one"),
        (3, "a list goes on after any customer (`after`), by threes"),
    ] {
        tries.check(name, async |tries| listing.again(tries, size, Step::After).await).await;
    }
    tries.check("a customer who is not in the list has nobody after them", unknown_after).await;
    tries.check("a page of 1,000 customers is one that Frontline takes", large_page).await;
    tries.check("an unknown worker is no crash", unknown_worker).await;
    tries.check("queries of any kind are answered", queries).await;
    tries.check("a customer is found by name", async |tries| by_name(tries, listing).await).await;
    let mut opened = Vec::new();
    tries
        .check("every customer in the list can be opened, and Frontline takes the page", async |tries| {
            opened = open(tries, listing).await?;
            Ok(())
        })
        .await;
    tries.check("an unknown customer is `not-found`", unknown_customer).await;
    tries.check("a customer is found by each of their addresses", async |tries| found(tries, &opened).await).await;
    tries.check("nobody is found behind an address of nobody's", nobody).await;
    upstream::check(tries, listing.customers.first().map(|customer| customer.customer_id.as_str())).await;
}

async fn unknown_after(tries: &Tries<'_>) -> Verdict {
    // Where ids are numbers in order, all stand behind 0.
    for id in STRANGE_IDS.into_iter().filter(|id| *id != "0") {
        let position = Position::After(id.to_owned());
        let what = format!("crm.list-customers after {id:?}");
        let request = ListRequest { worker: tries.worker(), page_size: 5, position, query: None };
        let page = tries.ask(&what, async |call| call.list_customers(request).await).await?;
        let rows = page.map_or(0, |page| page.customers.len());
        ensure(rows == 0, || {
            format!(
                "{what} gave {rows} customers; it should give none: Frontline would show the same ones for ever. Look \
                 for the id in the list, and answer an empty page where it is not there"
            )
        })?;
    }
    Ok(())
}

async fn large_page(tries: &Tries<'_>) -> Verdict {
    const SIZE: u32 = 1_000;
    let request = ListRequest { worker: tries.worker(), page_size: SIZE, position: Position::First, query: None };
    let page = tries.ask_ok("crm.list-customers with page-size 1000", async |call| call.list_customers(request).await);
    let page = page.await?;
    let answer = callback::encode_page(&page, SIZE).map_err(|error| Problem::Failed(unusable(&error)))?;
    ensure(answer.left_out == 0, || {
        format!(
            "Frontline would refuse {} of the {} rows or their pictures: an id must not be empty, and an avatar is an \
             absolute http(s) URL",
            answer.left_out,
            page.customers.len()
        )
    })
}

async fn unknown_worker(tries: &Tries<'_>) -> Verdict {
    for worker in ["nobody@frontgate.invalid", "", "日本 \u{1f98a}"] {
        let what = format!("crm.list-customers for the worker {worker:?}");
        let request = ListRequest { worker: worker.to_owned(), page_size: 5, position: Position::First, query: None };
        let page = tries.ask(&what, async |call| call.list_customers(request).await).await?;
        let refused = matches!(&page, Err(CallError::Unavailable(_) | CallError::Failed(_)));
        ensure(!refused, || {
            format!("{what}: somebody who sees nobody gets an empty page, `not-found` or `forbidden`, and no fault")
        })?;
    }
    Ok(())
}

async fn queries(tries: &Tries<'_>) -> Verdict {
    let long = "x".repeat(LONG_QUERY_BYTES);
    let all =
        ["a", "frontgate no such name", "%_*?[](){}^$|\\", "' OR 1=1; --", "\"\\u0000", "é 日本 \u{1f98a}", &long];
    for query in all {
        let shown = if query.len() > 50 { "64 KiB of text" } else { query };
        let what = format!("crm.list-customers with the query {shown:?}");
        let (position, query) = (Position::First, Some(query.to_owned()));
        let request = ListRequest { worker: tries.worker(), page_size: 5, position, query };
        let page = tries.ask(&what, async |call| call.list_customers(request).await).await?;
        match page {
            Ok(page) => pages::sized(&what, &page, 5)?,
            Err(CallError::Invalid(_) | CallError::NotFound) => {}
            Err(error) => return Err(Problem::Failed(format!("{what}: a search is no fault, {}", why(&error)))),
        }
    }
    Ok(())
}

async fn by_name(tries: &Tries<'_>, listing: &Listing) -> Verdict {
    let first = &listing.customers[0];
    let query = tries.bench.project.conformance.query.clone();
    let (query, is_name) = match query {
        Some(query) => (query, false),
        None => (first.display_name.clone(), true),
    };
    if query.trim().is_empty() {
        return Err(Problem::Skipped("the first customer has no name".to_owned()));
    }
    let what = format!("crm.list-customers with the query {query:?}");
    let (position, query) = (Position::First, Some(query));
    let request = ListRequest { worker: tries.worker(), page_size: 50, position, query };
    let page = tries.ask_ok(&what, async |call| call.list_customers(request).await).await?;
    let is_there = page.customers.iter().any(|row| !is_name || row.customer_id == first.customer_id);
    ensure(is_there, || format!("{what} finds nobody, and that is the name of a customer in the list"))
}

/// Opens customers, and says what they are.
async fn open(tries: &Tries<'_>, listing: &Listing) -> Result<Vec<Customer>, Problem> {
    let mut opened = Vec::new();
    for row in listing.customers.iter().take(OPENED_MAX) {
        let (worker, id) = (tries.worker(), row.customer_id.clone());
        let what = format!("crm.get-customer of {id:?}");
        let customer = tries.ask_ok(&what, async |call| call.get_customer(worker, id).await).await?;
        ensure(customer.customer_id == row.customer_id, || {
            format!("{what} gave the customer {:?}", customer.customer_id)
        })?;
        let answer = callback::encode_customer(&customer);
        let answer = answer.map_err(|error| Problem::Failed(format!("{what}: {}", unusable(&error))))?;
        ensure(answer.left_out == 0, || {
            format!("{what}: Frontline would refuse {}", refused(&customer).unwrap_or_else(|| "its picture".to_owned()))
        })?;
        opened.push(customer);
    }
    Ok(opened)
}

/// The first part of a customer that Frontline does not take, and what it would take.
fn refused(customer: &Customer) -> Option<String> {
    let channel = customer.channels.iter().find(|channel| match &*channel.kind {
        "whatsapp" => !channel.value.strip_prefix("whatsapp:").is_some_and(is_e164),
        "chat" => channel.value.trim().is_empty(),
        "sms" => !is_e164(&channel.value),
        _ => true,
    });
    if let Some(channel) = channel {
        return Some(format!(
            "the channel {} {:?}: numbers are E.164 (+12025550107), WhatsApp's begin with `whatsapp:`",
            channel.kind, channel.value
        ));
    }
    let link =
        customer.links.iter().find(|link| !link.value.starts_with("https://") && !link.value.starts_with("mailto:"));
    link.map(|link| format!("the link {:?}: the app follows https:// and mailto: only", link.value))
}

async fn unknown_customer(tries: &Tries<'_>) -> Verdict {
    let long = "9".repeat(10_000);
    for id in STRANGE_IDS.into_iter().chain([long.as_str()]) {
        let what = format!("crm.get-customer of {:?}", &id[..id.len().min(40)]);
        let (worker, id) = (tries.worker(), id.to_owned());
        match tries.ask(&what, async |call| call.get_customer(worker, id).await).await? {
            Err(CallError::NotFound) => {}
            Ok(customer) => {
                return Err(Problem::Failed(format!(
                    "{what} gave the customer {:?}; it should be `not-found`",
                    customer.customer_id
                )));
            }
            Err(error) => return Err(Problem::Failed(format!("{what} is `not-found`, and not {}", why(&error)))),
        }
    }
    Ok(())
}

async fn found(tries: &Tries<'_>, opened: &[Customer]) -> Verdict {
    let mut addresses: Vec<String> =
        opened.iter().flat_map(|customer| &customer.channels).map(|channel| channel.value.clone()).collect();
    addresses.extend(tries.bench.project.conformance.address.clone());
    addresses.truncate(OPENED_MAX);
    if addresses.is_empty() {
        let why = "no customer that was opened has an address; name one in plugin.toml: [conformance] address";
        return Err(Problem::Skipped(why.to_owned()));
    }
    for address in addresses {
        let what = format!("crm.find-customer of {address:?}");
        let asked = address.clone();
        let found = tries.ask_ok(&what, async |call| call.find_customer(asked).await).await?;
        let Some(customer) = found else {
            return Err(Problem::Failed(format!(
                "{what} finds nobody, and it is an address of a customer in the list"
            )));
        };
        let has = customer.channels.iter().any(|channel| {
            channel.value == address
                || channel.value.strip_prefix("whatsapp:") == Some(address.trim_start_matches("whatsapp:"))
                || address.strip_prefix("whatsapp:") == Some(&channel.value)
        });
        ensure(has, || format!("{what} gave the customer {:?}, who has no such address", customer.customer_id))?;
    }
    Ok(())
}

async fn nobody(tries: &Tries<'_>) -> Verdict {
    for address in [NOBODY, "whatsapp:+12025550100", "", "not a number", "+", "日本 \u{1f98a}"] {
        let what = format!("crm.find-customer of {address:?}");
        let asked = address.to_owned();
        match tries.ask(&what, async |call| call.find_customer(asked).await).await? {
            Ok(None) | Err(CallError::NotFound | CallError::Invalid(_)) => {}
            Ok(Some(customer)) => {
                return Err(Problem::Failed(format!(
                    "{what} gave the customer {:?}; it should be none",
                    customer.customer_id
                )));
            }
            Err(error) => return Err(Problem::Failed(format!("{what} is none, and not {}", why(&error)))),
        }
    }
    Ok(())
}

fn why(error: &CallError) -> String {
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
