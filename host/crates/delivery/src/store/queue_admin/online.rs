//! Operators' view of the queue in a running gateway, for the console.

use std::collections::BTreeMap;

use frontgate_audit::{Action, Actor, Filter, NewAction, Verification};
use frontgate_replicas::admin::ReplicaSummary;
use frontgate_store::sql::{self, Row, Scope, Transaction};
use frontgate_store::{NO_TENANT, Origin, values};
use serde::Serialize;

use super::changes::{self, Subject};
use super::channels::{self, COUNT_MAX, ChannelDetails, ChannelSummary, Counting};
use super::lists::{self, DeliveryFilter, DeliveryGroup};
use super::{Attempt, Change, DeliveryDetails, DeliverySummary, attempts};
use crate::job::State;
use crate::store::quotas::DELIVERIES;
use crate::store::{Store, StoreError};

/// What a change of many deliveries would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Ids of the deliveries that would change, oldest first.
    #[serde(skip)]
    pub ids: Vec<i64>,
    /// Whether more deliveries match than one change may have.
    pub is_limited: bool,
    /// Number of deliveries by the state that they would have.
    pub after: BTreeMap<State, u64>,
    /// Number of deliveries that would still wait for an earlier one of their conversation.
    pub waiting: u64,
    /// Number of deliveries that cannot be changed, by state.
    pub rejected: BTreeMap<State, u64>,
}

impl Store {
    /// Returns deliveries, newest first.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn deliveries(&self, filter: DeliveryFilter, most: u32) -> Result<Vec<DeliverySummary>, StoreError> {
        self.database.read(NO_TENANT, move |read| lists::list(read, &filter, most)).await
    }

    /// Returns the groups of deliveries that are open or need a decision, the largest first.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn delivery_groups(&self) -> Result<Vec<DeliveryGroup>, StoreError> {
        self.database.read(NO_TENANT, lists::groups).await
    }

    /// Returns the number of deliveries in each state, of all tenants or of some.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn state_counts(&self, tenants: Option<Vec<String>>) -> Result<Vec<(State, u64)>, StoreError> {
        self.database.read(NO_TENANT, move |read| lists::counts(read, tenants.as_deref())).await
    }

    /// Returns the number of deliveries of each tenant that are open or need a decision.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn waiting_deliveries(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let select = "SELECT tenant, waiting FROM shares WHERE channel = ?1";
        let read = move |read: &Transaction<'_>| {
            let rows = read.rows(select, values![DELIVERIES], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.into_iter().collect())
        };
        self.database.read(NO_TENANT, read).await
    }

    /// Returns whether a tenant has deliveries of a conversation.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn has_conversation(&self, tenant: &str, conversation: &str) -> Result<bool, StoreError> {
        let (tenant, conversation) = (tenant.to_owned(), conversation.to_owned());
        let select = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE tenant = ?1 AND conversation = ?2)";
        self.database.read(NO_TENANT, move |read| read.value(select, values![tenant, conversation])).await
    }

    /// Returns deliveries of a conversation with their attempts, newest first.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn story(
        &self,
        tenant: &str,
        conversation: &str,
        before_id: Option<i64>,
        most: u32,
    ) -> Result<Vec<(DeliverySummary, Vec<Attempt>)>, StoreError> {
        let (tenant, conversation) = (Some(tenant.to_owned()), Some(conversation.to_owned()));
        let filter = DeliveryFilter { tenant, conversation, before_id, ..DeliveryFilter::default() };
        self.database.read(NO_TENANT, move |read| story(read, &filter, most)).await
    }

    /// Returns a delivery with its payload and history.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Rejected`] if it does not exist.
    pub async fn delivery(&self, id: i64) -> Result<DeliveryDetails, StoreError> {
        self.database.read(NO_TENANT, move |read| super::details(read, id)).await
    }

    /// Changes a delivery and returns its new state. Workers are notified at once.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Rejected`] if the change is not possible.
    pub async fn change_delivery(
        &self,
        actor: &Actor,
        id: i64,
        change: Change,
        reason: Option<String>,
    ) -> Result<State, StoreError> {
        let select = "SELECT tenant FROM deliveries WHERE id = ?1";
        let found = self.database.read(NO_TENANT, move |read| {
            let scope = changes::scope(read, id)?.ok_or_else(|| changes::not_found(id))?;
            Ok((scope, read.value::<String>(select, values![id])?))
        });
        let (scope, tenant) = found.await?;
        let actor = actor.clone();
        let write =
            move |transaction: &Transaction<'_>| changes::apply(transaction, &actor, id, change, reason.as_deref());
        let state = self.database.write_in_time(Origin::progress(tenant.as_str()), scope, write).await?;
        self.notify_due(&tenant);
        Ok(state)
    }

    /// Returns what a change of all deliveries of a filter would do, at most `most`.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn preview(&self, filter: DeliveryFilter, change: Change, most: u32) -> Result<Preview, StoreError> {
        let read = move |read: &Transaction<'_>| {
            let mut preview = Preview::default();
            let (columns, now) = (Subject::columns(), read.now_ms());
            let read_row = |row: &Row<'_>| Subject::read(row, now);
            let key = |subject: &Subject| (subject.summary.id, subject.summary.state);
            let listed = lists::select(read, &filter, most.saturating_add(1), &columns, &read_row, &key)?;
            preview.is_limited = listed.len() > usize::try_from(most).unwrap_or(usize::MAX);
            for subject in listed.iter().take(usize::try_from(most).unwrap_or(usize::MAX)) {
                match subject.state_after(change) {
                    Ok(after) => {
                        preview.ids.push(subject.summary.id);
                        *preview.after.entry(after).or_default() += 1;
                        let is_open = matches!(subject.summary.state, State::Ready | State::Unknown);
                        preview.waiting += u64::from(is_open && subject.summary.due_in_ms.is_none());
                    }
                    Err(_) => *preview.rejected.entry(subject.summary.state).or_default() += 1,
                }
            }
            preview.ids.reverse();
            Ok(preview)
        };
        self.database.read(NO_TENANT, read).await
    }

    /// Returns the channels that are not removed, without the numbers of their deliveries.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn channel_summaries(&self) -> Result<Vec<ChannelSummary>, StoreError> {
        let read = |read: &Transaction<'_>| channels::page(read, None, None, u32::MAX, Counting::No);
        self.database.read(NO_TENANT, read).await
    }

    /// Returns a page of the channels that are not removed, of all tenants or of one, sorted by tenant, app and age, after
    /// the channel with a row id. Open deliveries are counted up to [`COUNT_MAX`] for each state.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn channel_page(
        &self,
        tenant: Option<String>,
        after: Option<i64>,
        most: u32,
    ) -> Result<Vec<ChannelSummary>, StoreError> {
        let counting = Counting::UpTo(COUNT_MAX);
        self.database.read(NO_TENANT, move |read| channels::page(read, tenant.as_deref(), after, most, counting)).await
    }

    /// Returns the tenant of each channel that Front shows as offline.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn offline_channels(&self) -> Result<Vec<String>, StoreError> {
        let select = "SELECT tenant FROM front_channel_health JOIN front_channels ON id = front_channel_health.channel
                      WHERE is_offline = TRUE AND state <> 'removed'";
        self.database.read(NO_TENANT, move |read| read.rows(select, values![], |row| row.get(0))).await
    }

    /// Returns a channel with its counts, each up to [`COUNT_MAX`], and its history.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Rejected`] if it does not exist.
    pub async fn channel_details(&self, id: i64) -> Result<ChannelDetails, StoreError> {
        self.database.read(NO_TENANT, move |read| channels::details(read, channels::by_id(read, id)?, COUNT_MAX)).await
    }

    /// Removes a channel and returns the id of the delivery that notifies Front and the plugin.
    ///
    /// # Errors
    ///
    /// Fails with [`StoreError::Rejected`] if the channel does not exist or is removed already.
    pub async fn disconnect_channel(&self, actor: &Actor, id: i64) -> Result<i64, StoreError> {
        let actor = actor.clone();
        let write = move |transaction: &Transaction<'_>| {
            let channel = channels::by_id(transaction, id)?;
            Ok((channels::disconnect(transaction, &actor, &channel)?, channel.tenant))
        };
        let (delivery, tenant) = self.database.write_in_time(Origin::internal(), Scope::Channel(id), write).await?;
        self.notify_due(&tenant);
        Ok(delivery)
    }

    /// Records an action that has no change in the database.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be written.
    pub async fn record_action(
        &self,
        actor: &Actor,
        tenant: Option<&str>,
        action: &str,
        object: &str,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let (actor, tenant, reason) = (actor.clone(), owned(tenant), owned(reason));
        let (action, object) = (action.to_owned(), object.to_owned());
        let write = move |transaction: &Transaction<'_>| {
            let new = NewAction {
                tenant: tenant.as_deref(),
                reason: reason.as_deref(),
                ..NewAction::new(&actor, &action, &object)
            };
            frontgate_audit::append(transaction, &new).map(drop)
        };
        self.database.write_in_time(Origin::internal(), Scope::Rows, write).await
    }

    /// Returns the gateways that share the database and have not ended.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read, or if it is a SQLite file.
    pub async fn replicas(&self) -> Result<Vec<ReplicaSummary>, StoreError> {
        self.database.read(NO_TENANT, frontgate_replicas::admin::read).await
    }

    /// Returns the record of people's actions, newest first.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn actions(&self, filter: Filter, most: u32) -> Result<Vec<Action>, StoreError> {
        self.database.read(NO_TENANT, move |read| frontgate_audit::list(read, &filter, most)).await
    }

    /// Verifies the digests of the record of people's actions.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn verify_actions(&self) -> Result<Verification, StoreError> {
        self.database.read(NO_TENANT, frontgate_audit::verify).await
    }

    /// Returns the digest of the newest recorded action.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn newest_action(&self) -> Result<Option<String>, StoreError> {
        self.database.read(NO_TENANT, frontgate_audit::newest).await
    }
}

/// Returns deliveries with their attempts, newest first.
pub(super) fn story(
    read: &Transaction<'_>,
    filter: &DeliveryFilter,
    most: u32,
) -> sql::Result<Vec<(DeliverySummary, Vec<Attempt>)>> {
    let listed = lists::list(read, filter, most)?;
    let with_attempts = |delivery: DeliverySummary| attempts(read, delivery.id).map(|attempts| (delivery, attempts));
    listed.into_iter().map(with_attempts).collect()
}
