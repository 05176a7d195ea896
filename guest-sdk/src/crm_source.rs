//! The role `crm-source`: reports customers for the gateway's index.

mod customer;
mod notification;

use std::time::Duration;

use crate::bindings::crm_source::Guest;
use crate::{Batch, ChangeAnswer, Notification, NotificationAnswer, Result, SourceCustomer, SourceFacts, Team};

/// Reports customers and their changes. The gateway calls these functions in the background, and answers lists,
/// searches and customers' pages from its index. Every call may be repeated, with the same arguments too.
///
/// ```
/// use frontgate_sdk::{
///     Batch, ChangeAnswer, CrmSource, Customer, Result, SourceCustomer, SourceFacts, http, settings,
/// };
/// use serde::{Deserialize, Serialize};
///
/// struct AcmeCrm;
///
/// frontgate_sdk::export!(AcmeCrm: crm_source);
///
/// /// The place in the CRM's list, which is sorted by revision.
/// #[derive(Serialize, Deserialize)]
/// struct Cursor {
///     revision: u64,
/// }
///
/// #[derive(Deserialize)]
/// struct Person {
///     id: String,
///     name: String,
///     phone: Option<String>,
///     owner: Option<String>,
///     revision: u64,
/// }
///
/// impl CrmSource for AcmeCrm {
///     fn facts() -> Result<SourceFacts> {
///         Ok(SourceFacts::new(100).incremental().reports_visibility())
///     }
///
///     fn changes(since: Option<Vec<u8>>, limit: u32) -> Result<ChangeAnswer> {
///         let cursor = match since {
///             None => Cursor { revision: 0 },
///             Some(bytes) => match serde_json::from_slice(&bytes) {
///                 Ok(cursor) => cursor,
///                 Err(_) => return Ok(ChangeAnswer::CursorExpired),
///             },
///         };
///         let url = format!("{}/people", settings::require("crm")?);
///         let response = http::get(&url).query("after", cursor.revision).query("limit", limit).send()?;
///         if response.status == 429 {
///             return Ok(ChangeAnswer::busy(response.retry_after()));
///         }
///         let people: Vec<Person> = response.success()?.json()?;
///         let has_more = people.len() >= limit as usize;
///         let next = Cursor { revision: people.last().map_or(cursor.revision, |person| person.revision) };
///         let batch = Batch::new(serde_json::json!(next).to_string()).upserts(people.into_iter().map(Person::into));
///         Ok(batch.has_more(has_more).into())
///     }
///
///     fn fetch(ids: Vec<String>) -> Result<Vec<SourceCustomer>> {
///         let url = format!("{}/people", settings::require("crm")?);
///         let people: Vec<Person> = http::get(&url).query("ids", ids.join(",")).send()?.success()?.json()?;
///         Ok(people.into_iter().map(Person::into).collect())
///     }
/// }
///
/// impl From<Person> for SourceCustomer {
///     fn from(person: Person) -> Self {
///         let mut customer = person.phone.into_iter().fold(Customer::new(person.id, person.name), Customer::sms);
///         customer.worker = person.owner;
///         SourceCustomer::new(customer).seen_by_owner().version(person.revision)
///     }
/// }
///
/// // The test:
/// use frontgate_sdk::testing::{self, expect};
/// use serde_json::json;
///
/// testing::settings([("crm", "https://crm.example.com")]);
/// let people = json!([{ "id": "7", "name": "Mora Lind", "owner": "ana@example.org", "revision": 12 }]);
/// let _crm = testing::serve([expect(http::get("https://crm.example.com/people?after=0&limit=100")).json(&people)]);
/// let Ok(ChangeAnswer::Batch(batch)) = AcmeCrm::changes(None, 100) else { panic!("no batch") };
/// assert_eq!(batch.upserts[0].customer.display_name, "Mora Lind");
/// assert_eq!(batch.next, br#"{"revision":12}"#);
/// assert_eq!(AcmeCrm::changes(Some(b"7".to_vec()), 100), Ok(ChangeAnswer::CursorExpired));
/// ```
pub trait CrmSource {
    /// Returns what the source can do. Called after each load of the plugin.
    fn facts() -> Result<SourceFacts>;

    /// Returns at most `limit` changes since a cursor, without a cursor all customers. See [`Batch::next`](Batch) for
    /// the rules of cursors. Return [`ChangeAnswer::CursorExpired`] for a cursor that this version did not make.
    fn changes(since: Option<Vec<u8>>, limit: u32) -> Result<ChangeAnswer>;

    /// Returns these customers, regardless of who sees them. A customer that is missing in the answer no longer exists: return an
    /// error if the CRM could not be read. At most 100 ids.
    fn fetch(ids: Vec<String>) -> Result<Vec<SourceCustomer>>;

    /// Handles a request to the source's webhook. Anyone can send one: verify the CRM's signature first
    /// ([`signatures`](crate::signatures)). The default is status 404, for CRMs without webhooks.
    fn notified(notification: Notification) -> Result<NotificationAnswer> {
        let _ = notification;
        Ok(NotificationAnswer::new(404))
    }
}

impl<T: CrmSource> Guest for T {
    fn facts() -> Result<SourceFacts> {
        T::facts()
    }

    fn changes(since: Option<Vec<u8>>, limit: u32) -> Result<ChangeAnswer> {
        T::changes(since, limit)
    }

    fn fetch(ids: Vec<String>) -> Result<Vec<SourceCustomer>> {
        T::fetch(ids)
    }

    fn notified(notification: Notification) -> Result<NotificationAnswer> {
        T::notified(notification)
    }
}

impl SourceFacts {
    /// Creates the facts of a source that enumerates all customers each time, with one request a call.
    ///
    /// ```
    /// use frontgate_sdk::SourceFacts;
    ///
    /// let facts = SourceFacts::new(200).incremental().reports_removals().reports_visibility().requests_per_call(2);
    /// assert!(facts.is_incremental && !SourceFacts::new(200).is_incremental);
    /// ```
    pub fn new(batch_size: u32) -> Self {
        Self {
            is_incremental: false,
            reports_removals: false,
            reports_visibility: false,
            batch_size,
            requests_per_call: 1,
        }
    }

    /// Declares that `changes` with a cursor returns only what changed.
    ///
    /// ```
    /// assert!(frontgate_sdk::SourceFacts::new(200).incremental().is_incremental);
    /// ```
    #[must_use]
    pub fn incremental(self) -> Self {
        Self { is_incremental: true, ..self }
    }

    /// Declares that `changes` reports removed customers.
    ///
    /// ```
    /// assert!(frontgate_sdk::SourceFacts::new(200).reports_removals().reports_removals);
    /// ```
    #[must_use]
    pub fn reports_removals(self) -> Self {
        Self { reports_removals: true, ..self }
    }

    /// Declares that `changes` reports a changed owner or team.
    ///
    /// ```
    /// assert!(frontgate_sdk::SourceFacts::new(200).reports_visibility().reports_visibility);
    /// ```
    #[must_use]
    pub fn reports_visibility(self) -> Self {
        Self { reports_visibility: true, ..self }
    }

    /// Sets the most requests to the CRM that one call makes.
    ///
    /// ```
    /// assert_eq!(frontgate_sdk::SourceFacts::new(200).requests_per_call(2).requests_per_call, 2);
    /// ```
    #[must_use]
    pub fn requests_per_call(self, requests_per_call: u32) -> Self {
        Self { requests_per_call, ..self }
    }
}

impl Batch {
    /// Creates an empty last batch with the cursor of the next call.
    ///
    /// ```
    /// use frontgate_sdk::{Batch, Customer, SourceCustomer, Team};
    ///
    /// let batch = Batch::new("cursor")
    ///     .upserts([SourceCustomer::new(Customer::new("7", "Mora Lind"))])
    ///     .removals(["3"])
    ///     .teams([Team::new("sales", ["ana@example.org"])])
    ///     .has_more(true)
    ///     .total(4_012);
    /// assert_eq!(batch.next, b"cursor");
    /// ```
    pub fn new(next: impl Into<Vec<u8>>) -> Self {
        Self { upserts: Vec::new(), removals: Vec::new(), teams: None, next: next.into(), has_more: false, total: None }
    }

    /// Adds new and changed customers.
    ///
    /// ```
    /// # use frontgate_sdk::{Batch, Customer, SourceCustomer};
    /// let batch = Batch::new("cursor").upserts([SourceCustomer::new(Customer::new("7", "Mora Lind"))]);
    /// assert_eq!(batch.upserts.len(), 1);
    /// ```
    #[must_use]
    pub fn upserts(mut self, customers: impl IntoIterator<Item = SourceCustomer>) -> Self {
        self.upserts.extend(customers);
        self
    }

    /// Adds ids of customers that no longer exist.
    ///
    /// ```
    /// assert_eq!(frontgate_sdk::Batch::new("cursor").removals(["3"]).removals, ["3"]);
    /// ```
    #[must_use]
    pub fn removals<I: Into<String>>(mut self, ids: impl IntoIterator<Item = I>) -> Self {
        self.removals.extend(ids.into_iter().map(Into::into));
        self
    }

    /// Sets all teams. Without this call, the teams stay as before.
    ///
    /// ```
    /// # use frontgate_sdk::{Batch, Team};
    /// let batch = Batch::new("cursor").teams([Team::new("sales", ["ana@example.org"])]);
    /// assert_eq!(batch.teams.unwrap()[0].workers, ["ana@example.org"]);
    /// ```
    #[must_use]
    pub fn teams(self, teams: impl IntoIterator<Item = Team>) -> Self {
        Self { teams: Some(teams.into_iter().collect()), ..self }
    }

    /// Sets whether there is more now.
    ///
    /// ```
    /// assert!(frontgate_sdk::Batch::new("cursor").has_more(true).has_more);
    /// ```
    #[must_use]
    pub fn has_more(self, has_more: bool) -> Self {
        Self { has_more, ..self }
    }

    /// Sets the number of all customers, for the display of progress.
    ///
    /// ```
    /// assert_eq!(frontgate_sdk::Batch::new("cursor").total(4_012).total, Some(4_012));
    /// ```
    #[must_use]
    pub fn total(self, customers: u64) -> Self {
        Self { total: Some(customers), ..self }
    }
}

impl ChangeAnswer {
    /// Creates the answer for a CRM whose rate limit is used up. Without a time, the gateway waits one second.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use frontgate_sdk::ChangeAnswer;
    ///
    /// assert_eq!(ChangeAnswer::busy(Duration::from_secs(5)), ChangeAnswer::Busy(5_000));
    /// assert_eq!(ChangeAnswer::busy(None), ChangeAnswer::Busy(1_000));
    /// ```
    pub fn busy(time: impl Into<Option<Duration>>) -> Self {
        let time = time.into().unwrap_or(Duration::from_secs(1));
        Self::Busy(u32::try_from(time.as_millis()).unwrap_or(u32::MAX))
    }
}

impl From<Batch> for ChangeAnswer {
    fn from(batch: Batch) -> Self {
        Self::Batch(batch)
    }
}

impl Team {
    /// Creates a team from its id and its workers' identities.
    ///
    /// ```
    /// assert_eq!(frontgate_sdk::Team::new("sales", ["ana@example.org"]).id, "sales");
    /// ```
    pub fn new<W: Into<String>>(id: impl Into<String>, workers: impl IntoIterator<Item = W>) -> Self {
        Self { id: id.into(), workers: workers.into_iter().map(Into::into).collect() }
    }
}
