//! Lists of deliveries, page by page, and groups of deliveries that wait or failed for the same reason.

use std::cmp::Reverse;

use frontgate_store::sql::{self, Row, Transaction};
use frontgate_store::values;
use serde::Serialize;

use super::{COLUMNS, DeliverySummary, summary};
use crate::job::State;
use crate::store::quotas::DELIVERIES;

/// Restricts a list of deliveries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// States; empty for all.
    pub states: Vec<State>,
    /// Name of the tenant.
    pub tenant: Option<String>,
    /// Group of the reason, see [`DeliveryGroup::reason_group`]; empty for deliveries without a reason.
    pub reason_group: Option<String>,
    /// Key of the conversation. Needs `tenant`.
    pub conversation: Option<String>,
    /// Only deliveries before this id.
    pub before_id: Option<i64>,
}

/// Deliveries of one tenant in one state for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryGroup {
    /// The state.
    pub state: State,
    /// The tenant.
    pub tenant: String,
    /// The reason without ids, numbers and quoted texts; `None` before the first attempt.
    pub reason_group: Option<String>,
    /// Number of deliveries.
    pub count: u64,
    /// Time of creation of the oldest one, in milliseconds since 1970.
    pub oldest_ms: i64,
}

/// Maximum number of groups of a state.
const GROUPS_MAX: u32 = 200;

/// Returns deliveries, newest first.
pub(super) fn list(read: &Transaction<'_>, filter: &DeliveryFilter, most: u32) -> sql::Result<Vec<DeliverySummary>> {
    let read_row = |row: &Row<'_>| summary(row, read.now_ms());
    select(read, filter, most, COLUMNS, &read_row, &|delivery| (delivery.id, delivery.state))
}

/// Returns columns of deliveries, newest first; `key` returns the id and the state of a row. Each state is a range of an
/// index, so that a page of a rare state reads few rows.
pub(super) fn select<R>(
    read: &Transaction<'_>,
    filter: &DeliveryFilter,
    most: u32,
    columns: &str,
    read_row: &dyn Fn(&Row<'_>) -> sql::Result<R>,
    key: &dyn Fn(&R) -> (i64, State),
) -> sql::Result<Vec<R>> {
    let DeliveryFilter { states, tenant, reason_group, conversation, before_id } = filter;
    let before = before_id.unwrap_or(i64::MAX);
    let mut all = Vec::new();
    if conversation.is_some() {
        let select = format!(
            "SELECT {columns} FROM deliveries INDEXED BY deliveries_of_conversation
             WHERE tenant = ?1 AND conversation = ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4"
        );
        all = read.rows(&select, values![tenant, conversation, before, most], read_row)?;
        all.retain(|delivery| states.is_empty() || states.contains(&key(delivery).1));
        return Ok(all);
    }
    if reason_group.is_some() && tenant.is_none() {
        // The deliveries of one tenant with one reason are sorted in the index, those of all tenants are not.
        let tenants = "SELECT tenant FROM shares WHERE channel = ?1";
        for tenant in read.rows(tenants, values![DELIVERIES], |row| row.get::<String>(0))? {
            let filter = DeliveryFilter { tenant: Some(tenant), ..filter.clone() };
            all.extend(select(read, &filter, most, columns, read_row, key)?);
        }
        return Ok(newest(all, most, key));
    }
    let states = if states.is_empty() { &State::ALL[..] } else { states };
    // The reasons of sent deliveries are not in the index.
    let has_reasons = |state: &&State| **state != State::Sent || reason_group.is_none();
    for state in states.iter().filter(has_reasons) {
        let index = match (tenant, reason_group) {
            (_, Some(_)) => "deliveries_grouped",
            (Some(_), _) => "deliveries_counted",
            (None, _) => "deliveries_listed",
        };
        // A partial index needs its condition in the statement, and a column of an index needs a comparison with a value.
        let reason = match reason_group.as_deref() {
            None => "?2 IS NULL",
            Some("") => "state <> 'sent' AND ?2 = '' AND reason_group IS NULL",
            Some(_) => "state <> 'sent' AND reason_group = ?2",
        };
        let of_tenant = if tenant.is_some() { "tenant = ?3" } else { "?3 IS NULL" };
        let select = format!(
            "SELECT {columns} FROM deliveries INDEXED BY {index}
             WHERE state = ?1 AND {reason} AND {of_tenant} AND id < ?4 ORDER BY id DESC LIMIT ?5"
        );
        all.extend(read.rows(&select, values![state.name(), reason_group, tenant, before, most], read_row)?);
    }
    Ok(newest(all, most, key))
}

/// Returns the newest rows, newest first.
fn newest<R>(mut all: Vec<R>, most: u32, key: impl Fn(&R) -> (i64, State)) -> Vec<R> {
    all.sort_unstable_by_key(|delivery| Reverse(key(delivery).0));
    all.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    all
}

/// Returns the groups of deliveries that are open or need a decision, the largest first.
pub(super) fn groups(read: &Transaction<'_>) -> sql::Result<Vec<DeliveryGroup>> {
    let mut all = Vec::new();
    for state in [State::Unknown, State::Dead, State::Ready, State::Failed] {
        let select = "SELECT tenant, reason_group, count FROM delivery_groups
                      WHERE state = ?1 AND count > 0 ORDER BY count DESC, tenant LIMIT ?2";
        let found = read.rows(select, values![state.name(), GROUPS_MAX], |row| {
            Ok((row.get::<String>(0)?, row.get::<Option<String>>(1)?, row.get::<u64>(2)?))
        })?;
        for (tenant, reason_group, count) in found {
            let reason =
                if reason_group.is_some() { "reason_group = ?3" } else { "reason_group IS NULL AND ?3 IS NULL" };
            let oldest = format!(
                "SELECT created_ms FROM deliveries INDEXED BY deliveries_grouped
                 WHERE state = ?1 AND state <> 'sent' AND tenant = ?2 AND {reason} ORDER BY id LIMIT 1"
            );
            let oldest = read.row(&oldest, values![state.name(), tenant, reason_group], |row| row.get(0))?;
            let Some(oldest_ms) = oldest else { continue };
            all.push(DeliveryGroup { state, tenant, reason_group, count, oldest_ms });
        }
    }
    all.sort_by_key(|group| Reverse(group.count));
    Ok(all)
}

/// Returns the number of deliveries in each state, of all tenants or of `tenants`.
pub(super) fn counts(read: &Transaction<'_>, tenants: Option<&[String]>) -> sql::Result<Vec<(State, u64)>> {
    let count = |state: State, tenant: Option<&String>| -> sql::Result<u64> {
        let of_tenant = if tenant.is_some() { "tenant = ?2" } else { "?2 IS NULL" };
        let select = format!(
            "SELECT CAST(coalesce(sum(count), 0) AS bigint) FROM delivery_groups WHERE state = ?1 AND {of_tenant}"
        );
        let count: i64 = read.value(&select, values![state.name(), tenant])?;
        Ok(u64::try_from(count).unwrap_or_default())
    };
    let mut all = Vec::new();
    for state in State::ALL {
        let number = match tenants {
            None => count(state, None)?,
            Some(tenants) => {
                let mut sum = 0;
                for tenant in tenants {
                    sum += count(state, Some(tenant))?;
                }
                sum
            }
        };
        all.push((state, number));
    }
    Ok(all)
}
