//! Compares a source with the role `crm` of the same plugin: pages, lists and who sees them.

use std::collections::HashSet;

use frontgate_contract::bindings::crm_source::{Audience, SourceCustomer, Team, Visibility};
use frontgate_contract::bindings::plugin_types::Customer;
use frontgate_runtime::CallError;

use super::enumeration::Enumeration;
use super::fetch::fetch;
use crate::conformance::crm::Listing;
use crate::conformance::{Checker, Problem, Verdict, ensure};

/// Maximum number of customers that are opened one by one.
const OPENED_MAX: usize = 20;
/// Maximum number of workers whose lists are compared.
const WORKERS_MAX: usize = 3;

/// Compares the pages that the worker sees, and tries to open the others.
pub(super) async fn pages(checker: &Checker<'_>, all: &Enumeration) -> Verdict {
    let worker = checker.worker();
    let (seen, hidden): (Vec<_>, Vec<_>) = all.customers().partition(|row| sees(&worker, row, &all.teams));
    let seen: Vec<String> = seen.iter().take(OPENED_MAX).map(|row| row.customer.customer_id.clone()).collect();
    let mut fetched = fetch(checker, "crm-source.fetch of listed customers", seen.clone()).await?;
    for id in &seen {
        let what = format!("crm.get-customer of {id:?}");
        let (asked, of) = (worker.clone(), id.clone());
        let page = checker.call(&what, async |call| call.get_customer(asked, of).await).await?;
        let page = page.map_err(|error| {
            Problem::Failed(format!(
                "{what} returned {} to {worker:?}, who sees the customer by `seen-by`",
                super::describe(&error)
            ))
        })?;
        let Some(SourceCustomer { customer, is_complete, .. }) = fetched.remove(id) else {
            return Err(Problem::Failed(format!("crm-source.fetch did not return {id:?}, although `changes` did")));
        };
        let differs = difference(&page, &customer).filter(|_| is_complete);
        ensure(differs.is_none(), || {
            format!("{what} and crm-source.fetch differ in `{}`", differs.unwrap_or_default())
        })?;
    }
    for row in hidden.into_iter().take(OPENED_MAX) {
        let id = row.customer.customer_id.clone();
        let what = format!("crm.get-customer of {id:?}");
        let asked = worker.clone();
        let page = checker.call(&what, async |call| call.get_customer(asked, id).await).await?;
        ensure(matches!(page, Err(CallError::NotFound | CallError::Forbidden(_))), || {
            format!("{what} shows {worker:?} a customer that `seen-by` hides")
        })?;
    }
    Ok(())
}

/// Compares the lists of the worker and of some workers that audiences name.
pub(super) async fn lists(checker: &Checker<'_>, all: &Enumeration) -> Verdict {
    if all.end.is_none() {
        return Err(Problem::Skipped("the source has more customers than this check reads".to_owned()));
    }
    let audiences = all.customers().filter_map(|row| match &row.seen_by {
        Visibility::Only(audiences) => Some(audiences),
        Visibility::Everyone => None,
    });
    let workers = audiences.flatten().filter_map(|audience| match audience {
        Audience::Worker(worker) => Some(worker.clone()),
        Audience::Team(_) => None,
    });
    let mut known = HashSet::new();
    let workers = [checker.worker()].into_iter().chain(workers);
    for worker in workers.filter(|worker| known.insert(worker.to_lowercase())).take(WORKERS_MAX) {
        let listing = Listing::of(checker, &worker).await?;
        let listed: HashSet<&str> = listing.customers.iter().map(|row| &*row.customer_id).collect();
        let seen = all.customers().filter(|row| sees(&worker, row, &all.teams));
        let seen: HashSet<&str> = seen.map(|row| &*row.customer.customer_id).collect();
        let shown = listed.iter().find(|id| !seen.contains(*id));
        ensure(shown.is_none(), || {
            format!("the list of {worker:?} shows the customer {:?}, which `seen-by` hides", shown.unwrap_or(&""))
        })?;
        let missing = seen.iter().find(|id| !listed.contains(*id)).filter(|_| listing.is_whole);
        ensure(missing.is_none(), || {
            format!("the list of {worker:?} lacks the customer {:?}, which `seen-by` shows", missing.unwrap_or(&""))
        })?;
    }
    Ok(())
}

/// Returns whether a worker sees a customer.
fn sees(worker: &str, row: &SourceCustomer, teams: &[Team]) -> bool {
    let is_worker = |other: &String| other.to_lowercase() == worker.to_lowercase();
    let Visibility::Only(audiences) = &row.seen_by else { return true };
    audiences.iter().any(|audience| match audience {
        Audience::Worker(other) => is_worker(other),
        Audience::Team(id) => teams.iter().any(|team| team.id == *id && team.workers.iter().any(is_worker)),
    })
}

/// Returns the name of the first field that differs.
fn difference(one: &Customer, other: &Customer) -> Option<&'static str> {
    let shown = |customer: &Customer| {
        [
            ("customer-id", format!("{:?}", customer.customer_id)),
            ("display-name", format!("{:?}", customer.display_name)),
            ("avatar", format!("{:?}", customer.avatar)),
            ("channels", format!("{:?}", customer.channels)),
            ("links", format!("{:?}", customer.links)),
            ("details", format!("{:?}", customer.details)),
            ("worker", format!("{:?}", customer.worker)),
        ]
    };
    let pairs = shown(one).into_iter().zip(shown(other));
    pairs.into_iter().find(|(one, other)| one != other).map(|((field, _), _)| field)
}
