//! The connected channels of a tenant, and when their templates are listed next.

use std::time::Duration;

use frontgate_store::sql::{Row, Scope};
use frontgate_store::{Origin, sql, values};

use super::channels::Channel;
use crate::store::{Store, StoreError};

/// Reads the connected channels of a tenant. The first condition on the state is that of the index.
pub(super) const SCHEDULED: &str =
    "SELECT channel.id, app, changed_ms, health.channel IS NOT NULL AS is_troubled, due_ms
     FROM front_channels AS channel
       LEFT JOIN front_channel_health AS health ON health.channel = channel.id
       LEFT JOIN front_template_lists AS lists ON lists.channel = channel.id
     WHERE tenant = ?1 AND state <> 'removed' AND state = 'connected'";

/// A connected channel, as the schedule of its checks and lists sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScheduledChannel {
    pub(crate) id: i64,
    pub(crate) app: String,
    /// Time of the last change: the channel was connected or connected again.
    pub(crate) changed_ms: i64,
    /// Whether it has failed, or its status is to be reported.
    pub(crate) is_troubled: bool,
    /// Time until its templates are listed; zero if they never were.
    pub(crate) templates_due_in: Duration,
}

impl Store {
    /// Returns the connected channels of a tenant.
    pub(crate) async fn scheduled_channels(&self, tenant: &str) -> Result<Vec<ScheduledChannel>, StoreError> {
        let name = tenant.to_owned();
        self.database
            .read(tenant, move |read| {
                let now = read.now_ms();
                read.rows(SCHEDULED, values![name], |row| scheduled(row, now))
            })
            .await
    }

    /// Sets when the templates of a channel are listed next.
    pub(crate) async fn schedule_template_list(&self, channel: &Channel, pause: Duration) -> Result<(), StoreError> {
        let (id, pause) = (channel.id, i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
        self.database
            .write(Origin::progress(channel.tenant.as_str()), Scope::Channel(id), move |transaction| {
                let insert = "INSERT INTO front_template_lists (channel, due_ms) VALUES (?1, ?2)
                              ON CONFLICT (channel) DO UPDATE SET due_ms = excluded.due_ms";
                let due = transaction.now_ms().saturating_add(pause);
                transaction.execute(insert, values![id, due]).map(drop)
            })
            .await
    }
}

fn scheduled(row: &Row<'_>, now_ms: i64) -> sql::Result<ScheduledChannel> {
    let due_ms: Option<i64> = row.named("due_ms")?;
    Ok(ScheduledChannel {
        id: row.named("id")?,
        app: row.named("app")?,
        changed_ms: row.named("changed_ms")?,
        is_troubled: row.named("is_troubled")?,
        templates_due_in: Duration::from_millis(
            u64::try_from(due_ms.unwrap_or_default().saturating_sub(now_ms)).unwrap_or_default(),
        ),
    })
}
