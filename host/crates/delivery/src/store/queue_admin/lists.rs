//! Lists of deliveries, page by page, and groups of deliveries that wait or failed for the same reason.

use frontgate_store::sql::{self, Transaction};
use frontgate_store::values;
use serde::Serialize;

use super::{COLUMNS, DeliverySummary, summary};
use crate::job::State;

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
    /// Number of deliveries, at most [`GROUP_COUNT_MAX`].
    pub count: u64,
    /// Time of creation of the oldest one, in milliseconds since 1970.
    pub oldest_ms: i64,
}

/// Maximum number of deliveries that [`groups`] reads in each state. More are not counted.
pub const GROUP_COUNT_MAX: u64 = 200_000;

/// Maximum number of groups of a state.
const GROUPS_MAX: u32 = 200;

/// Returns deliveries, newest first. Each state is a range of an index, so that a page of a rare state reads few rows.
pub(super) fn list(read: &Transaction<'_>, filter: &DeliveryFilter, most: u32) -> sql::Result<Vec<DeliverySummary>> {
    let DeliveryFilter { states, tenant, reason_group, conversation, before_id } = filter;
    let before = before_id.unwrap_or(i64::MAX);
    let mut all = Vec::new();
    if conversation.is_some() {
        let select = format!(
            "SELECT {COLUMNS} FROM deliveries INDEXED BY deliveries_of_conversation
             WHERE tenant = ?1 AND conversation = ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4"
        );
        let read_row = |row: &sql::Row<'_>| summary(row, read.now_ms());
        all = read.rows(&select, values![tenant, conversation, before, most], read_row)?;
        all.retain(|delivery| states.is_empty() || states.contains(&delivery.state));
        return Ok(all);
    }
    let states = if states.is_empty() { &State::ALL[..] } else { states };
    for state in states {
        let index = match (tenant, reason_group) {
            (_, Some(_)) if *state != State::Sent => "deliveries_grouped",
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
            "SELECT {COLUMNS} FROM deliveries INDEXED BY {index}
             WHERE state = ?1 AND {reason} AND {of_tenant} AND id < ?4 ORDER BY id DESC LIMIT ?5"
        );
        let values = values![state.name(), reason_group, tenant, before, most];
        all.extend(read.rows(&select, values, |row| summary(row, read.now_ms()))?);
    }
    all.sort_unstable_by_key(|delivery| std::cmp::Reverse(delivery.id));
    all.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(all)
}

/// Returns the groups of deliveries that are open or need a decision, the largest first.
pub(super) fn groups(read: &Transaction<'_>) -> sql::Result<Vec<DeliveryGroup>> {
    let mut all = Vec::new();
    for state in [State::Unknown, State::Dead, State::Ready, State::Failed] {
        let select = "SELECT tenant, reason_group, count(*) AS many, min(id) AS oldest FROM (
                        SELECT tenant, reason_group, id FROM deliveries INDEXED BY deliveries_grouped
                        WHERE state = ?1 AND state <> 'sent' LIMIT ?2) AS listed
                      GROUP BY tenant, reason_group ORDER BY many DESC LIMIT ?3";
        let most = i64::try_from(GROUP_COUNT_MAX).unwrap_or(i64::MAX);
        let found = read.rows(select, values![state.name(), most, GROUPS_MAX], |row| {
            Ok((row.get::<String>(0)?, row.get::<Option<String>>(1)?, row.get::<u64>(2)?, row.get::<i64>(3)?))
        })?;
        for (tenant, reason_group, count, oldest) in found {
            let created = "SELECT created_ms FROM deliveries WHERE id = ?1";
            let Some(oldest_ms) = read.row(created, values![oldest], |row| row.get(0))? else { continue };
            all.push(DeliveryGroup { state, tenant, reason_group, count, oldest_ms });
        }
    }
    all.sort_by_key(|group| std::cmp::Reverse(group.count));
    Ok(all)
}

/// Returns the number of deliveries in each state, at most [`GROUP_COUNT_MAX`] for each and for each tenant
/// of `tenants`.
pub(super) fn counts(read: &Transaction<'_>, tenants: Option<&[String]>) -> sql::Result<Vec<(State, u64)>> {
    let most = i64::try_from(GROUP_COUNT_MAX).unwrap_or(i64::MAX);
    let count = |state: State, tenant: Option<&String>| -> sql::Result<u64> {
        let (index, of_tenant) = match tenant {
            Some(_) => ("deliveries_counted", "tenant = ?2"),
            None => ("deliveries_listed", "?2 IS NULL"),
        };
        let select = format!(
            "SELECT count(*) FROM (SELECT 1 FROM deliveries INDEXED BY {index}
             WHERE state = ?1 AND {of_tenant} LIMIT ?3) AS counted"
        );
        read.value(&select, values![state.name(), tenant, most])
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
