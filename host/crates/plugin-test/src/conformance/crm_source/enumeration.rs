//! Reads all customers of a source with one limit, and again with other limits.

use std::collections::{HashMap, HashSet};

use frontgate_contract::bindings::crm_source::{Audience, Batch, ChangeAnswer, SourceCustomer, Team, Visibility};

use super::{BATCH_CUSTOMERS_MAX, changes, no_batch};
use crate::conformance::{Checker, Problem, Verdict, ensure};

/// Maximum number of calls in each reading.
const CALLS_MAX: usize = 100;
/// Maximum number of customers in each reading.
const CUSTOMERS_MAX: usize = 5_000;
/// Maximum number of calls in a row that return no new customer, in the reading with the source's `batch-size`.
const IDLE_CALLS_MAX: usize = 50;
/// Number of calls with the same cursor.
const REPEATED_CALLS: usize = 3;
/// Maximum length of a cursor in the contract, in bytes.
const CURSOR_BYTES_MAX: usize = 4_096;
/// Maximum size of a batch in the contract, in bytes.
const BATCH_BYTES_MAX: usize = 8 << 20;

/// All customers of a source, or the first ones.
#[derive(Default)]
pub(super) struct Enumeration {
    /// In the order of their first appearance.
    order: Vec<String>,
    customers: HashMap<String, SourceCustomer>,
    pub(super) teams: Vec<Team>,
    limit: u32,
    /// The cursor after the first call, if there was another one.
    second: Option<Vec<u8>>,
    /// The cursor of the end, if the reading reached it.
    pub(super) end: Option<Vec<u8>>,
}

impl Enumeration {
    /// Reads with the source's own `batch-size`.
    pub(super) async fn read(checker: &Checker<'_>, limit: u32) -> Result<Self, Problem> {
        let all = Self::read_with(checker, limit, IDLE_CALLS_MAX).await?;
        if all.customers.is_empty() {
            return Err(Problem::Skipped(
                "the source returned no customer; a stub of the CRM needs some for this check".to_owned(),
            ));
        }
        Ok(all)
    }

    async fn read_with(checker: &Checker<'_>, limit: u32, idle_max: usize) -> Result<Self, Problem> {
        let mut all = Self { limit, ..Self::default() };
        let mut since: Option<Vec<u8>> = None;
        let (mut cursors, mut idle) = (HashSet::new(), 0);
        for call in 1..=CALLS_MAX {
            let what = format!("crm-source.changes, call {call} with the limit {limit},");
            let batch = match changes(checker, &what, since.as_deref(), limit).await? {
                ChangeAnswer::Batch(batch) => batch,
                answer => return Err(no_batch(&what, &answer)),
            };
            within_limits(&what, &batch, limit)?;
            let (has_more, next) = (batch.has_more, batch.next.clone());
            let before = all.order.len();
            all.add(batch);
            if !has_more {
                all.end = Some(next);
                break;
            }
            ensure(cursors.insert(next.clone()) && since.as_ref() != Some(&next), || {
                format!("{what} has more, but `next` is an earlier cursor: the gateway would read the same again")
            })?;
            idle = if all.order.len() > before { 0 } else { idle + 1 };
            ensure(idle < idle_max, || format!("{what} is call {idle} in a row without a new customer, and has more"))?;
            if all.order.len() >= CUSTOMERS_MAX {
                break;
            }
            all.second.get_or_insert_with(|| next.clone());
            since = Some(next);
        }
        Ok(all)
    }

    fn add(&mut self, batch: Batch) {
        for customer in batch.upserts {
            let id = customer.customer.customer_id.clone();
            if self.customers.insert(id.clone(), customer).is_none() {
                self.order.push(id);
            }
        }
        for id in batch.removals {
            if self.customers.remove(&id).is_some() {
                self.order.retain(|other| *other != id);
            }
        }
        self.teams = batch.teams.unwrap_or(std::mem::take(&mut self.teams));
    }

    /// Returns the ids, in the order of their first appearance.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(String::as_str)
    }

    /// Returns the customers, in the order of their first appearance.
    pub(super) fn customers(&self) -> impl Iterator<Item = &SourceCustomer> {
        self.order.iter().filter_map(|id| self.customers.get(id))
    }

    /// Returns the customer with this id.
    pub(super) fn customer(&self, id: &str) -> Option<&SourceCustomer> {
        self.customers.get(id)
    }

    /// Reads everything again with another limit, and compares the customers. Long sources are compared up to the
    /// maximum number of calls.
    pub(super) async fn again(&self, checker: &Checker<'_>, limit: u32) -> Verdict {
        let other = Self::read_with(checker, limit, CALLS_MAX).await?;
        let (own, other_limit) = (self.limit, limit);
        if self.end.is_some()
            && let Some(id) = other.ids().find(|id| self.customer(id).is_none())
        {
            return Err(Problem::Failed(format!(
                "the customer {id:?} is returned with the limit {other_limit}, but not with {own}"
            )));
        }
        let missing: Vec<&str> = self.ids().filter(|id| other.customer(id).is_none()).collect();
        ensure(other.end.is_none() || missing.is_empty(), || {
            format!(
                "with the limit {other_limit}, {} customers are missing, the first is {:?}: `next` must continue right \
                 after the last customer of the batch",
                missing.len(),
                missing.first().unwrap_or(&"")
            )
        })
    }

    /// Makes calls again with the same cursor, and compares the customers.
    pub(super) async fn repeat(&self, checker: &Checker<'_>) -> Verdict {
        let second = self.second.as_deref().map(|cursor| ("with the cursor of the first call", Some(cursor)));
        for (place, since) in [("without a cursor", None)].into_iter().chain(second) {
            let what = format!("crm-source.changes {place}");
            let mut last: Vec<SourceCustomer> = Vec::new();
            for _ in 0..REPEATED_CALLS {
                let rows = match changes(checker, &what, since, self.limit).await? {
                    ChangeAnswer::Batch(batch) => batch.upserts,
                    answer => return Err(no_batch(&what, &answer)),
                };
                let again: HashMap<&str, Option<u64>> =
                    rows.iter().map(|row| (&*row.customer.customer_id, row.version)).collect();
                for row in &last {
                    let id = &*row.customer.customer_id;
                    let version = again.get(id);
                    ensure(version.is_some(), || {
                        format!(
                            "{what}, repeated, no longer returned the customer {id:?}: after a failure the gateway \
                             repeats a call, and would miss it"
                        )
                    })?;
                    ensure(version.is_none_or(|version| *version >= row.version), || {
                        format!("{what}, repeated, returned the customer {id:?} with a smaller version")
                    })?;
                }
                last = rows;
            }
        }
        Ok(())
    }

    /// Checks that the teams of audiences were reported.
    pub(super) fn teams_known(&self) -> Verdict {
        if self.end.is_none() {
            return Err(Problem::Skipped("the source has more customers than this check reads".to_owned()));
        }
        let known: HashSet<&str> = self.teams.iter().map(|team| &*team.id).collect();
        for row in self.customers() {
            let Visibility::Only(audience) = &row.seen_by else { continue };
            let unknown = audience.iter().find_map(|one| match one {
                Audience::Team(id) => Some(&**id).filter(|id| !known.contains(id)),
                Audience::Worker(_) => None,
            });
            ensure(unknown.is_none(), || {
                format!(
                    "the customer {:?} is seen by the team {:?}, which no batch reported in `teams`: no worker would see it",
                    row.customer.customer_id,
                    unknown.unwrap_or_default()
                )
            })?;
        }
        Ok(())
    }
}

/// Checks the size of a batch, and its ids.
pub(super) fn within_limits(what: &str, batch: &Batch, limit: u32) -> Verdict {
    let (upserts, removals) = (batch.upserts.len(), batch.removals.len());
    ensure(upserts <= limit as usize, || format!("{what} returned {upserts} customers, more than `limit`"))?;
    ensure(removals <= BATCH_CUSTOMERS_MAX as usize, || {
        format!("{what} returned {removals} removals; the limit is {BATCH_CUSTOMERS_MAX}")
    })?;
    let cursor = batch.next.len();
    ensure(cursor <= CURSOR_BYTES_MAX, || {
        format!("{what} returned a cursor of {cursor} bytes; the limit is {CURSOR_BYTES_MAX}")
    })?;
    let bytes: usize = batch.upserts.iter().map(size).sum();
    ensure(bytes <= BATCH_BYTES_MAX, || {
        format!("{what} returned {bytes} bytes; the limit is {BATCH_BYTES_MAX}. Return fewer customers, and `has-more`")
    })?;
    let mut ids = batch.upserts.iter().map(|row| &row.customer.customer_id).chain(&batch.removals);
    ensure(ids.all(|id| !id.trim().is_empty()), || format!("{what} has a customer without an id"))?;
    let mut teams = batch.teams.iter().flatten();
    ensure(teams.all(|team| !team.id.trim().is_empty()), || format!("{what} has a team without an id"))
}

/// Returns the size of a customer's texts in bytes.
fn size(row: &SourceCustomer) -> usize {
    let customer = &row.customer;
    let details = customer.details.iter().map(|details| details.title.len() + details.content.len());
    let links = customer.links.iter().map(|link| link.kind.len() + link.value.len() + link.display_name.len());
    let channels = customer.channels.iter().map(|channel| channel.kind.len() + channel.value.len());
    let texts = [&customer.customer_id, &customer.display_name].into_iter();
    let texts = texts.chain(&customer.avatar).chain(&customer.worker).chain(&row.company).chain(&row.emails);
    texts.chain(&row.numbers).map(String::len).chain(details).chain(links).chain(channels).sum()
}
