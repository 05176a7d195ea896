//! Checks of `fetch`: known, unknown and many customers.

use std::collections::{HashMap, HashSet};

use frontgate_contract::bindings::crm_source::SourceCustomer;

use super::enumeration::Enumeration;
use crate::conformance::{Checker, Problem, STRANGE_IDS, Verdict, ensure};

/// Maximum number of ids of one call, in the contract.
const IDS_MAX: usize = 100;
/// Number of customers that are fetched one by one.
const SINGLE_MAX: usize = 5;
/// Length of the longest id that the gateway stores.
const LONG_ID_BYTES: usize = 512;

/// Fetches customers that were enumerated, and compares them.
pub(super) async fn known(checker: &Checker<'_>, all: &Enumeration) -> Verdict {
    for row in all.customers().take(SINGLE_MAX) {
        let id = &row.customer.customer_id;
        let what = format!("crm-source.fetch of {id:?}");
        let fetched = fetch(checker, &what, vec![id.clone()]).await?;
        let Some(fetched) = fetched.get(id) else {
            return Err(Problem::Failed(format!(
                "{what} did not return the customer, although `changes` did: the gateway would remove it"
            )));
        };
        let (name, own) = (&fetched.customer.display_name, &row.customer.display_name);
        ensure(name == own, || format!("{what} returned the name {name:?}; `changes` returned {own:?}"))?;
        let (seen_by, own) = (format!("{:?}", fetched.seen_by), format!("{:?}", row.seen_by));
        ensure(seen_by == own, || format!("{what} returned `seen-by` {seen_by}; `changes` returned {own}"))?;
    }
    Ok(())
}

/// Fetches unknown customers, together with one that is known.
pub(super) async fn unknown(checker: &Checker<'_>, all: &Enumeration) -> Verdict {
    let long = "9".repeat(LONG_ID_BYTES);
    let strange = STRANGE_IDS.into_iter().chain([&*long]).filter(|id| all.customer(id).is_none());
    for id in strange {
        let shown = &id[..id.floor_char_boundary(40)];
        let known = all.ids().next();
        let what = format!("crm-source.fetch of {:?} and {shown:?}", known.unwrap_or_default());
        let ids = known.into_iter().chain([id]).map(str::to_owned).collect();
        let fetched = checker.call(&what, async |call| call.fetch_customers(ids).await).await?;
        let fetched = fetched.map_err(|error| {
            Problem::Failed(format!(
                "{what} returned {}: leave unknown customers out of the answer, so that the others are updated",
                super::describe(&error)
            ))
        })?;
        let ids: HashSet<&str> = fetched.iter().map(|row| &*row.customer.customer_id).collect();
        ensure(!ids.contains(id), || format!("{what} returned a customer for the unknown id"))?;
        ensure(known.is_none_or(|known| ids.contains(known)), || {
            format!("{what} did not return the known customer: the gateway would remove it")
        })?;
    }
    Ok(())
}

/// Fetches as many customers as one call may name. Unknown ids fill up the list of a small source.
pub(super) async fn many(checker: &Checker<'_>, all: &Enumeration) -> Verdict {
    let known: Vec<&str> = all.ids().take(IDS_MAX).collect();
    let made_up = (known.len()..IDS_MAX).map(|number| format!("frontgate-no-such-id-{number}"));
    let ids: Vec<String> = known.iter().map(|id| (*id).to_owned()).chain(made_up).collect();
    let what = format!("crm-source.fetch of {IDS_MAX} ids");
    let fetched = fetch(checker, &what, ids).await?;
    let missing: Vec<&&str> = known.iter().filter(|id| !fetched.contains_key(**id)).collect();
    ensure(missing.is_empty(), || {
        format!(
            "{what} did not return {} known customers, the first is {:?}: the gateway would remove them",
            missing.len(),
            missing.first().map_or("", |id| id)
        )
    })
}

/// Fetches customers. Fails if the call returns an error, or a customer that was not asked for.
pub(super) async fn fetch(
    checker: &Checker<'_>,
    what: &str,
    ids: Vec<String>,
) -> Result<HashMap<String, SourceCustomer>, Problem> {
    let asked: HashSet<String> = ids.iter().cloned().collect();
    let fetched = checker.call_ok(what, async |call| call.fetch_customers(ids).await).await?;
    let other = fetched.iter().find(|row| !asked.contains(&row.customer.customer_id));
    ensure(other.is_none(), || {
        format!("{what} returned another customer: {:?}", other.map_or("", |row| &row.customer.customer_id))
    })?;
    Ok(fetched.into_iter().map(|row| (row.customer.customer_id.clone(), row)).collect())
}
